// SPDX-License-Identifier: Apache-2.0
// A house's events on their way to its own server: signed, at least once and in order, over outages of either side; what
// hangs or refuses holds up nobody; and nothing but an event leaves.
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { guest } from './lib/devices.mjs';
import { parseExposition } from './lib/exposition.mjs';
import { Receiver, flaw, makeHooks } from './lib/receiver.mjs';
import { Registry, keptPort, root, sleep } from './lib/registry.mjs';
import { runProgram } from './lib/remote.mjs';
import { ownHouse, reservationIn, settle } from './lib/scenes.mjs';

const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const couriers = new Set();
process.on('exit', () => { for (const c of couriers) c.kill('SIGKILL'); });

let r, staff, house, other, hooks, outbox, publicKey, mine, theirs, courier;

function start(...more) {
  const child = spawn(program, ['deliver', '--outbox', outbox, '--hooks', hooks, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  couriers.add(child);
  child.said = '';
  child.stderr.on('data', (d) => { child.said += d; });
  child.ended = new Promise((done) => child.on('close', (code) => { couriers.delete(child); done(code); }));
  child.ready = new Promise((done) => child.stdout.on('data', done));
  return child;
}
const end = async (child, signal = 'SIGTERM') => { child.kill(signal); return child.ended; };
const rows = (...list) => writeFileSync(join(hooks, 'hooks.csv'), ['house,url,ca,certificate,key',
  ...list.map(([id, port]) => `${id},https://localhost:${port}/menedek/events,ca.crt,client.crt,client.key`), ''].join('\n'));
const confirm = async (who = staff, of = house) => assert.equal((await who.post(`/v1/shelters/${of}/confirmations`)).status, 200);
async function metric(name) {
  const text = await (await fetch(`http://127.0.0.1:${r.healthPort}/metrics`)).text();
  return parseExposition(text).get(name).samples[0].value;
}
const until = async (value, wanted, ms = 20000) => {
  const last = performance.now() + ms;
  while (await value() !== wanted && performance.now() < last) await sleep(50);
  assert.equal(await value(), wanted);
};

before(async () => {
  r = new Registry();
  outbox = join(r.work, 'outbox.sock');
  hooks = join(r.work, 'hooks');
  mkdirSync(hooks, { mode: 0o700 });
  await r.start({}, ['--outbox', outbox, '--health', '127.0.0.1:0']);
  publicKey = makeHooks(r, hooks);
  staff = await r.as('shelter_staff');
  house = await ownHouse(staff);
  other = (await guest(r, 'haz.kozep1', 'Hársliget Önkormányzata (minta)')).client;
  mine = await new Receiver(hooks).start(await keptPort());
  theirs = await new Receiver(hooks).start(await keptPort());
  rows([house, mine.port], [await ownHouse(other), theirs.port]);
  courier = start();
  await courier.ready;
  await until(() => metric('menedek_delivery_readers'), 2);
  await until(() => readdirSync(join(hooks, 'state')).filter((name) => name.length === 26).length, 2); // noted from where on they listen
});
after(async () => {
  await end(courier);
  await mine.stop();
  await theirs.stop();
  await r.close();
});

test("the very first event of a registry is not missed when nobody delivers just then", async () => {
  await end(courier);
  await confirm();
  courier = start();
  await courier.ready;
  assert.ok(await mine.has((q) => q.json.event === 'availability.changed'));
});

test("a house's server is told what happened, signed, and nothing else", async () => {
  const scene = await reservationIn(r, 'confirmed');
  await settle(r, scene);
  const { id } = scene.reservation;
  assert.ok(await mine.has((q) => q.json.event === 'reservation.cancelled' && q.json.subject === id));
  const told = mine.requests.filter((q) => q.json.subject === id);
  assert.deepEqual(told.map((q) => q.json.event), ['held', 'requested', 'confirmed', 'cancelled'].map((s) => `reservation.${s}`));
  for (const q of mine.requests) {
    assert.equal(flaw(q, publicKey), null);
    assert.deepEqual([q.method, q.url, q.peer, q.headers['content-type']], ['POST', '/menedek/events', 'client', 'application/json']);
    assert.deepEqual(Object.keys(q.json), ['id', 'event', 'subject', 'at']);
    assert.equal(q.headers['menedek-event-id'], q.json.id);
    assert.match(q.json.id, /^[0-7][0-9a-hjkmnp-tv-z]{25}$/);
  }
  assert.equal(new Set(mine.requests.map((q) => q.json.id)).size, mine.requests.length);
  assert.deepEqual(theirs.requests, [], "another house's server heard of it");
  // the check itself can fail
  const [q] = told;
  assert.match(flaw({ ...q, body: q.body.replace('held', 'HELD') }, publicKey), /digest/);
  assert.match(flaw({ ...q, url: '/elsewhere' }, publicKey), /signature/);
  assert.match(flaw({ ...q, headers: { ...q.headers, 'menedek-event-id': '0' } }, publicKey), /signature/);
});

test('a receiver that was away, or failed, is told everything in order, with the same ids', async () => {
  const { port } = mine;
  await mine.stop();
  const repeated = await metric('menedek_deliveries_repeated_total');
  const scene = await reservationIn(r, 'requested');
  await settle(r, scene);
  await until(async () => await metric('menedek_deliveries_repeated_total') > repeated, true);
  mine.requests = [];
  mine.answer = (q, n) => (n <= 2 ? 500 : 204);
  await mine.start(port);
  const { id } = scene.reservation;
  assert.ok(await mine.has((q) => q.json.event === 'reservation.cancelled' && q.json.subject === id, 60000));
  const [first, second, third] = mine.requests;
  assert.deepEqual([second.json, third.json], [first.json, first.json], 'what failed is sent again, as it was');
  const events = mine.requests.slice(2).filter((q) => q.json.subject === id).map((q) => q.json.event);
  assert.deepEqual(events, ['reservation.held', 'reservation.requested', 'reservation.cancelled']);
  mine.answer = () => 204;
});

test('killed in the middle, it goes on where it stopped; so it does when the service was away', async () => {
  mine.requests = [];
  mine.answer = () => null; // takes it and does not answer
  await confirm();
  assert.ok(await mine.has(() => true));
  await end(courier, 'SIGKILL');
  mine.answer = () => 204;
  await confirm();
  courier = start();
  await courier.ready;
  await until(() => new Set(mine.requests.map((q) => q.json.id)).size, 2);
  assert.equal(mine.requests[0].json.id, mine.requests[1].json.id, 'the same event has the same id');
  await until(() => metric('menedek_delivery_readers'), 2);
  await r.kill9();
  await r.start({}, ['--outbox', outbox, '--health', '127.0.0.1:0']);
  staff = await r.as('shelter_staff');
  mine.requests = [];
  await confirm();
  await until(() => mine.requests.length, 1, 30000);
  assert.equal(flaw(mine.requests[0], publicKey), null);
});

test('a receiver that hangs holds up neither the service nor another house', async () => {
  other = (await guest(r, 'haz.kozep1', 'Hársliget Önkormányzata (minta)').catch(() => null))?.client ??
    await r.person('haz.kozep1', 'haz.kozep1');
  mine.answer = () => null;
  mine.requests = [];
  theirs.requests = [];
  for (let i = 0; i < 200; i++) await confirm();
  const asked = performance.now();
  await confirm(other, await ownHouse(other));
  assert.ok(await theirs.has(() => true, 10000), 'the other house waits for the one that hangs');
  assert.ok(performance.now() - asked < 10000);
  assert.equal(new Set(mine.requests.map((q) => q.json.id)).size, 1, 'one at a time');
  const asked_to_end = performance.now();
  assert.equal(await end(courier), 0); // the event that is under way comes again
  assert.ok(performance.now() - asked_to_end < 10000, 'a receiver that hangs holds up its end');
  assert.doesNotMatch(courier.said, /delivery_left/, 'its courier was left behind, and keys with it');
  mine.answer = () => 204;
  mine.requests = [];
  courier = start();
  await courier.ready;
  await until(() => new Set(mine.requests.map((q) => q.json.id)).size, 200, 120000);
});

test('what is refused for good, or was tried long enough, is counted as dead, and the next is delivered', async () => {
  mine.requests = [];
  const dead = await metric('menedek_deliveries_dead_total');
  mine.answer = (q, n) => (n === 1 ? 422 : 204);
  await confirm();
  await confirm();
  await until(() => metric('menedek_deliveries_dead_total'), dead + 1);
  await until(() => mine.requests.length, 2);
  assert.notEqual(mine.requests[0].json.id, mine.requests[1].json.id);
  assert.match(courier.said, /delivery_dead event=[0-9a-z]{26} status=422/);
  await end(courier);
  courier = start('--give-up', '2');
  await courier.ready;
  mine.requests = [];
  mine.answer = (q, n) => (n <= 2 ? 503 : 204);
  await confirm();
  await until(() => metric('menedek_deliveries_dead_total'), dead + 2);
});

test('who is not the receiver that was named is told nothing', async () => {
  await end(courier);
  const { port } = mine;
  await mine.stop();
  const elsewhere = join(r.work, 'elsewhere');
  mkdirSync(elsewhere);
  makeHooks(r, elsewhere);
  writeFileSync(join(elsewhere, 'ca.crt'), readFileSync(join(hooks, 'ca.crt'))); // it would take our certificate
  const impostor = await new Receiver(elsewhere).start(port);
  courier = start();
  await courier.ready;
  const repeated = await metric('menedek_deliveries_repeated_total');
  await confirm();
  await until(async () => await metric('menedek_deliveries_repeated_total') > repeated, true);
  assert.deepEqual(impostor.requests, []);
  await impostor.stop();
  mine.requests = [];
  mine.answer = () => 204;
  await mine.start(port);
  assert.ok(await mine.has(() => true, 60000));
});

test('who delivers can reach nothing of the registry', { skip: process.env.VARIANT === 'tsan' && 'its own files' }, async () => {
  assert.match(courier.said, /confined .*who=deliver|confined.*deliver/);
  const open = readdirSync(`/proc/${courier.pid}/fd`).map((fd) => { try { return readlinkSync(`/proc/${courier.pid}/fd/${fd}`); } catch { return ''; } });
  assert.ok(!open.some((path) => path.startsWith(r.dir)), open.join(' '));
  assert.ok(!readFileSync(`/proc/${courier.pid}/maps`, 'utf8').includes(r.dir));
  if ((process.env.VARIANT ?? 'release') === 'release') { // the sanitizers call what no product should
    assert.match(courier.said, /confined deliver .*files=listed.*calls=listed/);
    for (const task of readdirSync(`/proc/${courier.pid}/task`))
      assert.match(readFileSync(`/proc/${courier.pid}/task/${task}/status`, 'utf8'), /^Seccomp:\t2$/m, 'a thread without the list');
  }
  assert.doesNotMatch(courier.said, /call_refused/, 'its list hinders it');
});

test('what was on its way when the signing key was exchanged has the id that it had', async () => {
  const usual = mine.answer, before = publicKey, key = join(hooks, 'signing.key');
  mine.requests = [];
  mine.answer = () => null; // takes it, and its answer is lost
  await confirm();
  assert.ok(await mine.has(() => true));
  const delivered = await metric('menedek_deliveries_total');
  await end(courier);
  r.openssl('genpkey', '-algorithm', 'ed25519', '-out', key);
  publicKey = createPublicKey(readFileSync(key));
  mine.answer = () => 204;
  courier = start();
  await courier.ready;
  assert.ok(await mine.has((q) => q !== mine.requests[0], 60000));
  const [first, second] = mine.requests;
  assert.equal(flaw(first, before), null);
  assert.equal(flaw(second, publicKey), null, 'signed by the new one');
  assert.deepEqual(second.json, first.json, 'a receiver knows it for a repeat');
  await until(() => metric('menedek_deliveries_total'), delivered + 1); // ended before, the courier would send it a third time
  mine.answer = usual;
});

test('a change of hooks.csv is taken on SIGHUP, and no event is lost over it', async () => {
  const heard = (said, what, ms = 30000) => until(() => what.test(said()), true, ms);
  const reload = async (what) => {
    const from = courier.said.length;
    courier.kill('SIGHUP');
    await heard(() => courier.said.slice(from), what);
  };
  await end(courier);
  const houseTwo = await ownHouse(other);
  rows([house, mine.port]);
  courier = start();
  await courier.ready;
  await until(() => metric('menedek_delivery_readers'), 1);
  mine.requests = [];
  theirs.requests = [];
  theirs.answer = () => 204;
  mine.answer = (q, n) => (n % 3 === 0 ? 500 : 204); // some are on their way, or wait for their next try, when it changes
  const from = courier.said.length;
  for (let i = 0; i < 12; i++) {
    await confirm();
    if (i === 3) rows([house, mine.port], [houseTwo, theirs.port]);
    if (i === 7) rows([house, theirs.port]); // to another address
    if (i === 9) writeFileSync(join(hooks, 'hooks.csv'), 'house,url\nnonsense\n');
    if (i === 3 || i === 7 || i === 9) courier.kill('SIGHUP');
  }
  await heard(() => courier.said.slice(from), /hooks_kept/);
  rows([house, mine.port], [houseTwo, theirs.port]);
  await reload(/signed with the key/);
  await confirm();
  await confirm(other, houseTwo);
  await until(() => new Set([...mine.requests, ...theirs.requests].map((q) => q.json.id)).size, 14, 60000);
  assert.ok(theirs.requests.length > 0);
  for (const q of [...mine.requests, ...theirs.requests]) assert.equal(flaw(q, publicKey), null);
  await until(() => metric('menedek_delivery_readers'), 2);
  mine.answer = () => 204;
});

test('who may say where events go: the file and its directory are its owner\'s alone', async () => {
  const file = join(hooks, 'hooks.csv');
  const check = () => runProgram(program, ['deliver', '--dry-run', '--outbox', outbox, '--hooks', hooks]);
  for (const [path, mode, kept, says] of [[file, 0o620, 0o600, /hooks\.csv can be written by others/], [file, 0o602, 0o600, /hooks\.csv can be written by others/],
    [hooks, 0o770, 0o700, /directory of hooks\.csv can be written by others/]]) {
    chmodSync(path, mode);
    const told = await check();
    chmodSync(path, kept);
    assert.equal(told.code, 1, told.err);
    assert.match(told.err, says);
    assert.match(told.err, /chmod go-w/);
  }
  if (process.getuid() === 0) {
    chownSync(file, 4242, 4242);
    const told = await check();
    chownSync(file, 0, 0);
    assert.equal(told.code, 1, told.err);
    assert.match(told.err, /belongs to somebody else/);
  }
  assert.equal((await check()).code, 0);
});

test('a mistake in hooks.csv is named with its line, before anything is sent', async () => {
  const good = readFileSync(join(hooks, 'hooks.csv'), 'utf8');
  const check = () => runProgram(program, ['deliver', '--dry-run', '--outbox', outbox, '--hooks', hooks]);
  const fine = await check();
  assert.equal(fine.code, 0, fine.err);
  assert.match(fine.err, /2 houses/);
  for (const [text, says] of [
    [good.replace(house, 'abc'), /hooks\.csv:2: house/],
    [good.replace('https:', 'http:'), /hooks\.csv:2: url/],
    [good.replace('/menedek/events', '/events?x=1'), /hooks\.csv:2: url/],
    [good.replace('localhost', 'LOCALHOST'), /hooks\.csv:2: url/],
    [good.replace('client.key', '../client.key'), /hooks\.csv:2: ca, certificate and key are names/],
    [good.replace('client.key', 'ca.key'), /hooks\.csv:2: the key ca\.key cannot be used/],
    [`${good}${good.split('\n')[1]}\n`, /hooks\.csv:4: house: stands in a row before/],
  ]) {
    writeFileSync(join(hooks, 'hooks.csv'), text);
    const answer = await check();
    assert.equal(answer.code, 2, answer.err);
    assert.match(answer.err, says);
  }
  writeFileSync(join(hooks, 'hooks.csv'), good);
});
