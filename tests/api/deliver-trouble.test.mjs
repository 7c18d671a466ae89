// SPDX-License-Identifier: Apache-2.0
// What goes wrong while a house's events are delivered is said at once and once, without saying where to; and what cannot be
// read, or is damaged, is no reason to pass an event over.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, renameSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { comes } from './lib/patience.mjs';
import { Receiver, makeHooks } from './lib/receiver.mjs';
import { Registry, keptPort, root, sleep } from './lib/registry.mjs';
import { ownHouse } from './lib/scenes.mjs';

const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const children = new Set();
process.on('exit', () => { for (const c of children) c.kill('SIGKILL'); });

let r, staff, house, hooks, outbox, receiver, courier;

async function begun(child) {
  children.add(child);
  child.said = '';
  child.stderr.on('data', (d) => { child.said += d; });
  child.ended = new Promise((done) => child.on('close', () => { children.delete(child); done(); }));
  await new Promise((done) => child.stdout.on('data', done));
  return child;
}
const start = (from = outbox) => begun(spawn(program, ['deliver', '--outbox', from, '--hooks', hooks], { stdio: ['ignore', 'pipe', 'pipe'] }));
const end = async () => { courier.kill('SIGTERM'); await courier.ended; };
const confirm = async () => assert.equal((await staff.post(`/v1/shelters/${house}/confirmations`)).status, 200);
const says = async (what, times = 1) => {
  for (let i = 0; i < 600 && (courier.said.match(what) ?? []).length < times; i++) await sleep(50);
  assert.equal((courier.said.match(what) ?? []).length, times, courier.said);
};
const state = () => join(hooks, 'state', readdirSync(join(hooks, 'state')).find((n) => n.length === 26));
/** The number of the last event, once there is one. */
const dealtWith = () => { try { return readFileSync(state(), 'utf8'); } catch { return ''; } };

before(async () => {
  r = new Registry();
  outbox = join(r.work, 'outbox.sock');
  hooks = join(r.work, 'hooks');
  mkdirSync(hooks, { mode: 0o700 });
  await r.start({}, ['--outbox', outbox]);
  makeHooks(r, hooks);
  staff = await r.as('shelter_staff');
  house = await ownHouse(staff);
  receiver = await new Receiver(hooks).start(await keptPort());
  writeFileSync(join(hooks, 'hooks.csv'),
    `house,url,ca,certificate,key\n${house},https://localhost:${receiver.port}/menedek/events,ca.crt,client.crt,client.key\n`);
  courier = await start();
  const began = await comes(dealtWith, 'it never listened'); // what happened before that is none of its business
  await confirm();
  await comes(() => dealtWith() !== began, 'the first event was not dealt with');
});
after(async () => {
  await end();
  await receiver.stop();
  await r.close();
});

test('a receiver that is not there is said once, with why and not where, and once more when it is back', async () => {
  const { port } = receiver;
  await receiver.stop();
  await confirm();
  await says(new RegExp(`delivery_failing house=${house} outcome=unreachable status=0`, 'g'));
  await sleep(3500); // two more tries
  await says(/delivery_failing/g);
  assert.doesNotMatch(courier.said, new RegExp(`localhost|${port}`));
  await receiver.start(port);
  await says(/delivery_goes_on/g);
});

test('a receiver that says no, too', async () => {
  courier.said = '';
  receiver.answer = () => 503;
  await confirm();
  await says(/delivery_failing house=\S+ outcome=refused status=503/g);
  receiver.answer = () => 204;
  await says(/delivery_goes_on/g);
});

test('a receiver that only ever promises to answer is left', async () => {
  courier.said = '';
  receiver.answer = (q, n, socket) => {
    const again = setInterval(() => socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)), 5);
    socket.on('error', () => {});
    socket.on('close', () => clearInterval(again));
    return null;
  };
  await confirm();
  await says(/delivery_failing house=\S+ outcome=protocol/g);
  receiver.answer = () => 204;
  await says(/delivery_goes_on/g);
});

test('what was dealt with cannot be read: nothing is delivered until it can, and nothing is passed over', async () => {
  await end();
  const file = state();
  renameSync(file, `${file}.away`);
  symlinkSync('.', file); // a directory, and no moment without either when the file comes back
  receiver.requests = [];
  await confirm();
  courier = await start();
  await says(/delivery_state file=\S+ cannot be read/g);
  await confirm();
  await sleep(2500);
  await says(/delivery_state/g);
  assert.equal(receiver.requests.length, 0);
  renameSync(`${file}.away`, file);
  assert.ok(await receiver.has(() => new Set(receiver.requests.map((q) => q.json.id)).size === 2, 30000));
});

test('what was dealt with is damaged: rather twice than never', async () => {
  await end();
  await confirm();
  writeFileSync(state(), 'not a number\n');
  receiver.requests = [];
  courier = await start();
  await says(/delivery_state file=\S+ is damaged/g);
  assert.ok(await receiver.has(() => new Set(receiver.requests.map((q) => q.json.id)).size > 2, 30000));
});

test('what ids are made with is damaged: that is said, and events go on', async () => {
  await end();
  const ids = join(hooks, 'state', 'ids');
  assert.match(readFileSync(ids, 'utf8'), /^[0-9a-f]{64}$/);
  assert.equal(statSync(ids).mode & 0o777, 0o600);
  writeFileSync(ids, 'no secret');
  receiver.requests = [];
  courier = await start();
  await says(/delivery_state file=ids cannot be used/g);
  assert.match(readFileSync(ids, 'utf8'), /^[0-9a-f]{64}$/);
  await confirm();
  assert.ok(await receiver.has(() => true, 30000));
});

/** Offers ${lines}, one at a time, in the place of the service. */
async function offering(path, lines) {
  const server = createServer((socket) => {
    const left = [...lines];
    createInterface({ input: socket }).on('line', (word) => {
      const next = word === 'again' ? undefined : left.shift();
      if (word.startsWith('listen ')) socket.write('at 7\n');
      if (next) socket.write(`${next}\n`);
    });
    socket.on('error', () => {});
  }).listen(path);
  await once(server, 'listening');
  return server;
}

test('a registry that was restored gives its numbers again: another event under one has another id', async () => {
  await end();
  const [one, two] = [house, `${house.slice(0, -1)}${house.endsWith('0') ? 1 : 0}`];
  const lines = [`event 7 reservation.held ${one} 2026-11-21T03:04:05Z`, `event 7 reservation.held ${one} 2026-11-21T03:04:05Z`,
    `event 7 reservation.requested ${one} 2026-11-21T03:04:05Z`, `event 7 reservation.held ${two} 2026-11-21T03:04:05Z`,
    `event 7 reservation.held ${one} 2026-11-21T03:04:06Z`, `event 8 reservation.held ${one} 2026-11-21T03:04:05Z`, 'reset 7', 'reset 7'];
  const kept = readFileSync(state());
  const path = join(r.work, 'restored.sock');
  const server = await offering(path, lines);
  receiver.requests = [];
  courier = await start(path);
  assert.ok(await receiver.has(() => receiver.requests.length === lines.length, 30000));
  await end();
  server.close();
  writeFileSync(state(), kept);
  courier = await start();
  const ids = receiver.requests.slice(0, lines.length).map((q) => q.json.id);
  assert.equal(ids[0], ids[1], 'the same event has the same id');
  assert.equal(new Set(ids).size, lines.length - 1, 'a receiver would pass one over as a repeat');
});

test('a registry that was restored has given a number again: what was lost under it is told as a reset', async () => {
  await end();
  const [number, at] = readFileSync(state(), 'utf8').trim().split(' ');
  assert.match(at, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  writeFileSync(state(), `${number} 2001-09-09T01:46:40Z\n`); // what was dealt with was another event, of another time
  receiver.requests = [];
  courier = await start();
  assert.ok(await receiver.has((q) => q.json.event === 'reset', 30000));
  await comes(() => !/ 2001-/.test(dealtWith()), 'the reset was not dealt with'); // ended before, it would tell it again
  for (const [what, kept] of [['after the reset', (told) => told], ['as a program of before left it', (told) => `${told.split(' ')[0]}\n`]]) {
    await end();
    const told = readFileSync(state(), 'utf8');
    assert.match(told, /^\d+ 20\S+Z\n$/, what);
    writeFileSync(state(), kept(told));
    receiver.requests = [];
    courier = await start();
    await confirm();
    assert.ok(await receiver.has(() => true, 30000));
    assert.equal(receiver.requests[0].json.event, 'availability.changed', what);
    await comes(() => dealtWith() !== kept(told), 'it was not dealt with');
  }
});

test('of the machine it reads what names are looked up with, and no other file of /etc', async () => {
  const csv = join(hooks, 'hooks.csv');
  renameSync(csv, `${csv}.kept`);
  symlinkSync('/etc/passwd', csv);
  courier.said = '';
  courier.kill('SIGHUP');
  await says(/hooks_kept/g);
  assert.match(courier.said, /cannot be (read|opened)/);
  unlinkSync(csv);
  renameSync(`${csv}.kept`, csv);
  receiver.requests = [];
  courier.kill('SIGHUP');
  await confirm();
  assert.ok(await receiver.has(() => true, 30000), 'its own it reads, and the name of the receiver it finds');
});

test('a service that is away is said once', async () => {
  await r.stop();
  await says(/delivery_waits .*(ECONNREFUSED|ENOENT)/g);
  await sleep(2500);
  await says(/delivery_waits/g);
  await r.start({}, ['--outbox', outbox]);
});

const apart = process.getuid() === 0 && spawnSync('unshare', ['--mount', 'mount', '--bind', '/etc/hosts', '/etc/hosts']).status === 0;
test('when what names are looked up with was replaced it ends, to be started again by its unit', { skip: !apart && 'needs a mount namespace of its own' }, async () => {
  await end();
  const hosts = [1, 2].map((n) => r.file(`hosts-${n}`, '127.0.0.1 localhost\n'));
  courier = await begun(spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'mount --bind "$1" /etc/hosts && shift && exec "$@"', 'sh', hosts[0],
    program, 'deliver', '--outbox', outbox, '--hooks', hooks], { stdio: ['ignore', 'pipe', 'pipe'] }));
  execFileSync('nsenter', [`--mount=/proc/${courier.pid}/ns/mnt`, 'mount', '--bind', hosts[1], '/etc/hosts']);
  await says(/delivery_ends/g);
  await courier.ended;
  assert.equal(courier.exitCode, 1, 'what its unit starts again');
  courier = await start();
});
