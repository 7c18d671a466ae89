// SPDX-License-Identifier: Apache-2.0
// The operator's manual as an operator follows it: its listings, in their order, on one registry; only the places are others.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fenced, read, root, runnable } from './lib/sources.mjs';

const program = resolve(process.env.MENEDEK ?? join(root, 'build/release/menedek'));
const listings = runnable('docs/manual.en.md');
const said = new Map(); // by listing
const kept = []; // the root key of locations after each
let work, env;

const there = (text) => text.replace(/(?<![\w.])\/(?=(?:etc\/menedek|var\/lib\/menedek|mnt\/elsewhere|root)\b)/g, `${work}/`);
const run = (script) => spawnSync('bash', ['-euc', script], { cwd: work, env, encoding: 'utf8', timeout: 60_000 });

before(() => {
  work = mkdtempSync(join(tmpdir(), 'menedek-test-'));
  for (const dir of ['bin', 'etc/menedek/conf', 'var/lib', 'mnt/elsewhere', 'root']) mkdirSync(join(work, dir), { recursive: true });
  symlinkSync(program, join(work, 'bin/menedek'));
  env = { PATH: `${join(work, 'bin')}:${process.env.PATH}`, HOME: work, LANG: 'C.UTF-8', MENEDEK_DIR: join(work, 'var/lib/menedek') };
  // what the package brings
  writeFileSync(join(work, 'etc/menedek/conf/menedek.conf'), execFileSync(program, ['check-config', '--template', '--listen', '0.0.0.0:8443'], { env }));
});
after(() => rmSync(work, { recursive: true, force: true }));

/** The registry as its unit serves it; gives what stops it. */
async function serve() {
  const server = spawn(program, ['serve', ...there('--keys /etc/menedek/keys --tls /etc/menedek/tls').split(' '), '--listen', '127.0.0.1:0'],
    { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  const ended = new Promise((done) => { server.on('exit', done); });
  server.stderr.on('data', (text) => log.push(text));
  await new Promise((done, fail) => {
    let out = '';
    server.stdout.on('data', (text) => { if (/listening/.test(out += text)) done(); });
    ended.then((code) => fail(new Error(`the service ended: ${code}\n${log.join('')}`)));
  });
  return async () => {
    server.kill('SIGTERM');
    assert.equal(await ended, 0, log.join(''));
  };
}

const sections = (path) => read(path).split(/^## /m).slice(1);
const section = (path, title) => sections(path).find((s) => s.startsWith(title));

test('each listing of the manual does what it says, beside the service unless it is told to stop', { timeout: 300_000 }, async () => {
  assert.ok(listings.length >= 10, `${listings.length} listings`);
  writeFileSync(join(work, 'mnt/elsewhere/menedek-20200101T010000Z.backup'), 'of a night before, and not the one to take\n');
  let stop = null;
  try {
    for (const text of sections('docs/manual.en.md')) {
      // the first hour ends with the start
      if (/^The first hour\n/.test(text) || text.split('```sh run')[0].includes('`systemctl stop menedek`')) stop = await stop?.();
      else stop ??= await serve();
      for (const [, listing] of text.matchAll(/^```sh run\n([\s\S]*?)^```$/gm)) {
        const done = run(there(listing));
        assert.equal(done.status, 0, `${listing}\n${done.stdout}${done.stderr}`);
        said.set(listing, done.stderr);
        kept.push(readFileSync(join(work, 'etc/menedek/keys/location.root')).toString('hex'));
      }
    }
  } finally { await stop?.(); }
  assert.deepEqual([...said.keys()], listings);
});

test('the Hungarian manual has the very same listings', () => {
  assert.deepEqual(fenced('docs/manual.hu.md'), fenced('docs/manual.en.md'));
  assert.deepEqual(runnable('docs/manual.hu.md'), listings);
});

test('what they left: a sound registry of two administrators, a backup, an export, a new certificate of the same kind', () => {
  const users = run('menedek user list --keys etc/menedek/keys').stdout;
  assert.match(users, /^admin\b/m);
  assert.match(users, /^second\b/m);
  assert.equal(run('menedek check --keys etc/menedek/keys').status, 0);
  assert.equal(readdirSync(join(work, 'mnt/elsewhere')).filter((f) => f.endsWith('.backup')).length, 2);
  assert.ok(readFileSync(join(work, 'mnt/elsewhere/trail.txt'), 'utf8').length > 200);
  const shown = run('openssl x509 -in etc/menedek/tls/server.crt -noout -ext subjectAltName,extendedKeyUsage,basicConstraints,keyUsage').stdout;
  for (const part of ['DNS:menedek.example.hu', 'TLS Web Server Authentication', 'CA:FALSE', 'Digital Signature']) assert.ok(shown.includes(part), shown);
  assert.deepEqual(readdirSync(join(work, 'etc/menedek/tls')).sort(), ['server.crt', 'server.key']);
});

test('the root key of locations was another one from its listing on, and the old one is nowhere', () => {
  const at = listings.findIndex((l) => l.includes('rekey-locations'));
  assert.ok(at > 0);
  assert.deepEqual([new Set(kept.slice(0, at)).size, new Set(kept.slice(at)).size, new Set(kept).size], [1, 1, 2]);
  assert.deepEqual(readdirSync(join(work, 'root')).filter((f) => f === 'new'), []);
});

test('each bad night stands in both languages, with the same commands', () => {
  const rows = (path, title) => section(path, title).split('\n').filter((l) => l.startsWith('| ')).map((l) => l.match(/`[^`]+`/g)?.map((c) => c.replace('FÁJL', 'FILE')).sort() ?? []);
  assert.deepEqual(rows('docs/manual.hu.md', 'Katasztrófa'), rows('docs/manual.en.md', 'Disaster'));
  for (const night of ['stolen', 'the clock', 'nobody can sign in', '`server.key` is lost', 'the disk is full', 'has leaked', 'may be known'])
    assert.match(section('docs/manual.en.md', 'Disaster'), new RegExp(`^\\| [^|]*${night}`, 'm'));
});

test('who restores is told, by page and command, what to revoke again and to enter from paper before the start', () => {
  const again = ['menedek device list', 'user list', 'device revoke', 'user retire'];
  for (const [path, title] of [['docs/manual.en.md', 'Restore'], ['docs/manual.hu.md', 'Visszaállítás']]) {
    const [before, after] = section(path, title).split('`systemctl start menedek`');
    assert.ok(after, path);
    for (const part of [...again, '(downtime.md#afterwards-entering-it)']) assert.ok(before.includes(part), `${path}: ${part}`);
  }
  const restored = said.get(listings.find((l) => l.includes('menedek restore')));
  for (const command of ['before it serves', ...again, 'menedek reconcile']) assert.ok(restored.includes(command), `${command}: ${restored}`);
});

test('what shuts somebody out works beside the service, and what does not work there is said to need it stopped', { timeout: 120_000 }, async () => {
  const rows = (path, title) => [...section(path, title).matchAll(/^\| .* \| (.*?)`(menedek .*)`/gm)].map(([, when, command]) => ({ when, command }));
  const [en, hu] = [rows('docs/manual.en.md', 'Revoke'), rows('docs/manual.hu.md', 'Visszavonás')];
  assert.deepEqual(hu.map((r) => r.command), en.map((r) => r.command));
  assert.deepEqual(hu.map((r) => /mellett:/.test(r.when)), en.map((r) => /beside the service:/.test(r.when)));
  const [id] = /^\w+(?=.*second desk)/m.exec(run('menedek device list --keys etc/menedek/keys').stdout);
  const typed = (command) => run(there(command.replace(/ID$/, id).replace(/NAME$/, 'second')));
  const stop = await serve();
  try {
    for (const { when, command } of en) {
      const { status, stderr } = typed(command);
      if (/beside the service:/.test(when)) assert.equal(status, 0, stderr);
      else assert.match(`${when}${status} ${stderr}`, /with the service stopped: 5 .*menedek serve/s);
    }
  } finally { await stop(); }
  for (const { command } of en) assert.doesNotMatch(typed(command).stderr, /menedek serve/);
  const [people, devices] = ['user', 'device'].map((what) => run(`menedek ${what} list --keys etc/menedek/keys`).stdout);
  assert.match(people, /^second .*\(retired\)$/m);
  assert.match(devices, new RegExp(`^${id} +revoked`, 'm'));
});

test('another root key for locations: broken off after any step and typed again from its first line, no location is lost', { timeout: 120_000 }, () => {
  const listing = there(listings.find((l) => l.includes('rekey-locations')));
  const steps = listing.split(/ &&\s*\n/);
  const home = join(work, 'root/new'), key = join(work, 'etc/menedek/keys/location.root');
  assert.ok(steps.length > 5, listing);
  for (let done = 1; done < steps.length; done++) {
    const before = existsSync(key) && readFileSync(key, 'hex');
    const first = run(steps.slice(0, done).join(' && '));
    assert.equal(first.status, 0, first.stderr);
    const again = run(listing);
    assert.equal(again.status, 0, `after ${steps[done - 1]}: ${again.stdout}${again.stderr}`);
    const check = run(there('menedek check --keys /etc/menedek/keys'));
    assert.equal(check.status, 0, check.stdout + check.stderr);
    assert.ok(!existsSync(home), 'an old key was left');
    assert.notEqual(readFileSync(key, 'hex'), before);
  }
});
