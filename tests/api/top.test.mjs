// SPDX-License-Identifier: Apache-2.0
// `menedek top` on a pseudo terminal and off it: what it shows is what the service counts, and the terminal is put back.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { comes } from './lib/patience.mjs';
import { Registry, root, sleep } from './lib/registry.mjs';
import { reservationIn } from './lib/scenes.mjs';

const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const WAIT = 20_000;

let r;
const terminals = [];
before(async () => { r = await new Registry().start({}, ['--health', '127.0.0.1:0']); });
after(async () => {
  for (const child of terminals) child.kill(); // whatever befell its test
  await r.close();
});
const where = () => `127.0.0.1:${r.healthPort}`;
const once = (...args) => spawnSync(program, ['top', ...args], { encoding: 'utf8', timeout: WAIT });

/** Run `menedek top` on a terminal of its own; what it drew is in ${file}, keys go to its stdin. */
function onTerminal(name) {
  const file = join(r.work, name);
  const child = spawn('script', ['-qefc', `stty rows 40 cols 100; trap : INT; before=$(stty -g); "${program}" top --health ${where()}; echo "status=$?"; [ "$before" = "$(stty -g)" ] && echo same`, file],
    { stdio: ['pipe', 'ignore', 'inherit'] });
  terminals.push(child);
  const ended = new Promise((done) => child.on('exit', done));
  const drawn = () => { try { return readFileSync(file, 'utf8'); } catch { return ''; } };
  const until = async (pattern) => {
    for (const end = Date.now() + WAIT; !pattern.test(drawn()); await sleep(50))
      assert.ok(Date.now() < end, `never drawn: ${pattern}\n${drawn().slice(-3000)}`);
  };
  return { child, ended, drawn, until };
}

test('off a terminal it prints once: rates since the start, queues, holds, trail, certificates', async () => {
  await reservationIn(r, 'held');
  const rests = /^waiting +commits 0 +requests 0 +slow 0$/m; // the trail's entry of the search is written after its answer
  let told;
  await comes(() => rests.test((told = once('--health', where())).stdout), () => `never at rest: ${told.stdout}${told.stderr}`);
  const { status, stdout, stderr } = told;
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f]/, 'no control character');
  assert.match(stdout, /^menedek +\d{4}-\d\d-\d\dT\S+Z +up 0 d 00:\d\d +connections [1-9]\d* +streams 0$/m);
  assert.match(stdout, /^houses +fresh \d+ +aging \d+ +unknown \d+ +holds 1, ending in 5 min 0$/m);
  assert.match(stdout, /^trail +[1-9]\d* entries +newest \d+ s ago +signed \d+ s ago$/m);
  assert.match(stdout, /^certificates +server 39\d days +authority 36\d\d days$/m);
  assert.match(stdout, /^since the start +answers\/s +4xx\/s +5xx\/s +half +99 of 100$/m);
  assert.match(stdout, /^reservations +\d+\.\d +0\.0 +0\.0 +<= \d+ ms +<= \d+ ms$/m);
  assert.doesNotMatch(stdout, /reservations_create|ALARM/);
});

test('on a terminal it draws again and again, and q puts the terminal back', async () => {
  const { child, ended, drawn, until } = onTerminal('typescript');
  await until(/since the start/);
  assert.match(drawn(), /\x1b\[\?1049h/, 'a screen of its own');
  const busy = await r.as('counsellor');
  const frame = () => drawn().split('\x1b[H').at(-1);
  const isLive = () => !/since the start/.test(frame()) && /^episodes +([1-9]\d*\.\d|0\.[1-9])/m.test(frame());
  for (const end = Date.now() + WAIT; !isLive(); await sleep(20)) {
    assert.ok(Date.now() < end, `what happens between two frames is no rate:\n${frame()}`);
    await busy.get('/v1/episodes');
  }
  child.stdin.write('xq');
  await until(/status=0/);
  await until(/\x1b\[\?25h\x1b\[\?1049l[^]*status=0[^]*same/);
  child.stdin.end();
  await ended;
});

test('a signal puts the terminal back too', async () => {
  const { child, ended, until } = onTerminal('typescript.signal');
  await until(/since the start/);
  child.stdin.write('\x03'); // the terminal makes SIGINT of it
  await until(/\x1b\[\?1049l[^]*same/);
  child.stdin.end();
  await ended;
});

test('a service that ends while it is watched is said, and waited for', async () => {
  const other = await new Registry().start({}, ['--health', '127.0.0.1:0']);
  const kept = r;
  try {
    r = other;
    const { child, ended, until } = onTerminal('typescript.gone');
    await until(/since the start/);
    await other.stop();
    await until(/nobody answers at 127\.0\.0\.1:\d+ any more/);
    child.stdin.write('q');
    await until(/status=0/);
    child.stdin.end();
    await ended;
  } finally { r = kept; await other.close().catch(() => {}); }
});

test('where nobody listens, or something else does, it says so and ends', async () => {
  const none = once('--health', join(r.work, 'none.sock'));
  assert.equal(none.status, 6);
  assert.match(none.stderr, /nobody answers at .*none\.sock/);
  assert.equal(none.stdout, '');
  assert.equal(once('--health', 'example.org:80').status, 2);
  assert.equal(once('--health', `127.0.0.1:${r.port}`).status, 6, 'the API speaks TLS');
});
