// SPDX-License-Identifier: Apache-2.0
// Three nodes over one PostgreSQL and the keys they share: a location written anywhere is told everywhere, and when the node
// that keeps the keys is dead for ever another takes its place.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeDatabase } from './lib/postgres.mjs';
import { Registry, sleep } from './lib/registry.mjs';
import { openEpisode, ownHouse, reservationIn, settle } from './lib/scenes.mjs';

const SOON = 20000; // never a matter of milliseconds on a loaded machine

let nodes;

before(async () => {
  // a house asks again until it is told the new location: oftener than anybody looks up their own
  const first = new Registry().share().limits({ own: 1000, own_house: 1000 });
  nodes = [first, new Registry(first), new Registry(first)];
  for (const n of nodes) {
    appendFileSync(join(n.dir, 'breadth.csv'), 'own_location,60000,60000,60000,22,6,0,0\n');
    await n.start();
  }
});
after(async () => {
  for (const n of nodes ?? []) {
    await n.kill9().catch(() => {});
    rmSync(n.work, { recursive: true, force: true });
  }
});

/** Until ${look} gives something true. */
async function soon(look, what) {
  const end = performance.now() + SOON;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(performance.now() < end, what);
    await sleep(50);
  }
}

const place = (n) => ({ address: `000${n} Mintafalva, Közös utca ${n}.`, intake_phone: '+36 1 555 0199', travel_notes: '' });

async function ownPlace(node) {
  const staff = await node.as('shelter_staff');
  const answer = await staff.get(`/v1/shelters/${await ownHouse(staff)}/location`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json.address;
}

/** Run on a node; what came of it, whatever it was. */
function attempt(node, ...args) {
  try { return { is: true, said: node.run(...args) }; } catch (e) { return { is: false, said: `${e.stdout}${e.stderr}` }; }
}

/** New keys at ${node}, after what the service may be doing by itself. */
function rotate(node) {
  return soon(() => {
    const came = attempt(node, 'rotate-keys');
    return (came.is || !/Other upkeep is under way/.test(came.said)) && came;
  }, 'other upkeep does not end');
}

test('a location written at one node is told at every other, to its house and to a desk', async () => {
  for (const [i, writer] of nodes.entries()) {
    const staff = await writer.as('shelter_staff');
    assert.equal((await staff.put(`/v1/shelters/${await ownHouse(staff)}/location`, place(i))).status, 204);
    const [other, third] = [1, 2].map((k) => nodes[(i + k) % nodes.length]);
    await soon(async () => await ownPlace(other) === place(i).address, `node ${i}'s place is not told at the next`);
    const scene = await soon(() => reservationIn(writer, 'confirmed').catch(() => null), 'no room');
    const desk = await third.as('counsellor');
    const told = await soon(async () => {
      const answer = await desk.post(`/v1/reservations/${scene.reservation.id}/disclosures`, { reason: 'client_travels_now' });
      return answer.status === 200 && answer;
    }, 'the desk at the third node is not told');
    assert.equal(told.json.address, place(i).address);
    await settle(writer, scene);
  }
});

test('the doctor names the one node that keeps the keys', () => {
  const says = nodes.map((n) => attempt(n, 'doctor').said);
  assert.match(says[0], /this one keeps the keys|ez őrzi a kulcsokat/);
  for (const said of says.slice(1)) assert.match(said, /another keeps the keys|a kulcsokat másik őrzi/);
});

test('the node that kept the keys is dead for ever: another keeps them, everybody goes on', async () => {
  const refused = attempt(nodes[1], 'rotate-keys');
  assert.ok(!refused.is, 'a node that does not keep the keys made new ones');
  await nodes[0].kill9();
  await nodes[1].stop();
  assert.match(nodes[1].run('keep-keys'), /keeps the keys/);
  await nodes[1].start();
  const rotated = await rotate(nodes[1]);
  assert.ok(rotated.is, rotated.said);
  for (const n of nodes.slice(1)) await openEpisode(await n.as('counsellor'));
  assert.equal(await ownPlace(nodes[2]), place(2).address);
});

test('the dead one comes back after all: it follows', async () => {
  await nodes[0].start();
  assert.match(nodes[0].logText().split('\n').findLast((l) => l.includes('keyring_shared')), /keeper=no/);
  await openEpisode(await nodes[0].as('counsellor'));
  assert.ok(!attempt(nodes[0], 'rotate-keys').is, 'two nodes make keys');
  assert.equal(await ownPlace(nodes[0]), place(2).address);
});

test('a keeper that lives while another is made ends, and follows when it is started again', async () => {
  await nodes[2].stop();
  nodes[2].run('keep-keys');
  await nodes[2].start();
  const died = nodes[1].ended;
  const ended = await Promise.race([died, sleep(SOON)]);
  assert.ok(ended && ended.code !== 0, `the old keeper goes on: ${JSON.stringify(ended)}`);
  assert.match(nodes[1].logText(), /two_keepers/);
  await nodes[1].start();
  const rotated = await rotate(nodes[2]);
  assert.ok(rotated.is, rotated.said);
  for (const n of nodes) await openEpisode(await n.as('counsellor'));
});

test('all is whole afterwards, at every node', async () => {
  for (const n of nodes) await n.stop();
  for (const n of nodes) n.run('check');
  assert.ok(JSON.parse(nodes[0].run('audit', 'verify', '--json')).entries > 20);
});

test('the root key of locations is not exchanged under those that carry their key; on one machine it is', async () => {
  const [node] = nodes, to = join(node.work, 'new');
  mkdirSync(to);
  writeFileSync(join(to, 'location.root'), randomBytes(32), { mode: 0o400 });
  const refused = attempt(node, 'rekey-locations', '--new-keys', to);
  assert.ok(!refused.is, 'locations were lost');
  assert.match(refused.said, /rotate-keys/);
  await soon(() => attempt(node, 'migrate', '--engine', 'lmdb').is, 'it does not come back to one machine');
  assert.ok(!attempt(node, 'rekey-locations', '--new-keys', to).is, 'locations were lost');
  node.run('rotate-keys');
  node.run('rekey-locations', '--new-keys', to);
  assert.ok(!attempt(node, 'keep-keys').is, 'one machine took over its own keys');
});

// its keys of now were never published: beside the ring that another keeper had published it was refused
test('it moves in again after it made keys on one machine, and keeps the keys', async () => {
  const [node] = nodes;
  renameSync(join(node.work, 'new/location.root'), join(node.dir, 'keys/location.root'));
  node.run('migrate', '--engine', 'postgresql', '--database', makeDatabase());
  const another = join(node.work, 'another');
  mkdirSync(another);
  writeFileSync(join(another, 'location.root'), randomBytes(32), { mode: 0o400 });
  const rekeyed = attempt(node, 'rekey-locations', '--new-keys', another); // before the first that carries its key
  assert.ok(!rekeyed.is, 'other nodes would not start with that root');
  assert.match(rekeyed.said, /each with keys of its own/);
  await node.start();
  assert.match(node.logText().split('\n').findLast((l) => l.includes('keyring_shared')), /keeper=yes/);
  await openEpisode(await node.as('counsellor'));
  assert.equal(await ownPlace(node), place(2).address);
  const rotated = await rotate(node);
  assert.ok(rotated.is, rotated.said);
});
