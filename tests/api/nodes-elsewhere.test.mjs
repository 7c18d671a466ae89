// SPDX-License-Identifier: Apache-2.0
// What a client was given at one node it uses at another, as it does when its node dies: the mark of its last event, a
// cursor, a version, an idempotency key.  And what ends its access ends the streams that others hold open.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { comes } from './lib/patience.mjs';
import { Registry } from './lib/registry.mjs';
import { hold, openEpisode, reservationIn, settle } from './lib/scenes.mjs';
import { listen } from './lib/stream.mjs';

const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const RACERS = 6;

let nodes;

before(async () => {
  const first = new Registry().share();
  nodes = [first, new Registry(first), new Registry(first)];
  for (const n of nodes) await n.start();
});
after(async () => { for (const n of nodes) await n.close(); });

/** The same person, with the same device and token, at another node. */
async function at(node, client, role = 'counsellor') {
  const there = node.bare(role, { sockets: 20 });
  there.token = client.token;
  await comes(async () => (await there.get('/v1/me')).status === 200, 'a token of one node is good at another');
  return there;
}

test('who goes on at another node from the mark of its last event misses nothing and hears nothing twice', async () => {
  const desk = await nodes[0].as('counsellor'), staff = await nodes[0].as('shelter_staff');
  const stream = await listen(staff);
  const scene = await hold(desk, { name: 'Nyugat 1', household: ALONE });
  await desk.post(`/v1/reservations/${scene.reservation.id}/request`);
  const heard = await stream.hears('reservation.requested', scene.reservation.id);
  assert.ok(heard);
  stream.close();
  const theirs = await Promise.all(nodes.slice(1).map((n) => at(n, staff, 'shelter_staff')));
  const live = await Promise.all(theirs.map((there) => listen(there)));
  assert.equal((await staff.post(`/v1/reservations/${scene.reservation.id}/confirm`)).status, 200);
  for (const [i, there] of theirs.entries()) {
    // a node that does not know of the mark yet says reset, and all is read anew
    assert.ok(await live[i].hears('reservation.confirmed', scene.reservation.id), 'a node does not hear of it');
    live[i].close();
    const again = await listen(there, heard.id);
    assert.ok(await again.hears('reservation.confirmed', scene.reservation.id), 'it missed what happened meanwhile');
    assert.ok(!again.events.some((e) => e.event === 'reservation.requested' || e.event === 'reset'), JSON.stringify(again.events));
    again.close();
  }
  await settle(nodes[0], scene);
});

test('one key at all nodes at once makes one request', async () => {
  const desk = await nodes[0].person('okit.dora', 'counsellor', { sockets: 20 });
  const clients = [desk, await at(nodes[1], desk), await at(nodes[2], desk)];
  const open = async () => (await desk.get('/v1/episodes?limit=100')).json.data.length;
  const count = await open(), key = randomUUID();
  const answers = await Promise.all(Array.from({ length: RACERS }, (_, i) => clients[i % 3].send('POST', '/v1/episodes',
    { channel: 'phone', household: ALONE }, { 'Idempotency-Key': key })));
  const made = answers.filter((a) => a.status === 201);
  assert.ok(made.length >= 1 && answers.every((a) => [201, 409, 503].includes(a.status)), answers.map((a) => a.status).join(' '));
  assert.equal(new Set(made.map((a) => a.text)).size, 1);
  await comes(async () => await open() > count, 'what was made at another node does not come');
  assert.equal(await open(), count + 1);
  assert.equal((await desk.post(`/v1/episodes/${made[0].json.id}/close`, { outcome: 'other_help' })).status, 200);
});

test('a cursor and a version of one node are good at another', async () => {
  const desk = await nodes[0].as('counsellor');
  const opened = [await openEpisode(desk, ALONE), await openEpisode(desk, ALONE), await openEpisode(desk, ALONE)];
  const there = await at(nodes[1], desk);
  for (const e of opened)
    await comes(async () => (await there.get(`/v1/episodes/${e.id}`)).status === 200, 'what was opened at one node does not come to another');
  const { data, next_cursor: cursor } = (await desk.get('/v1/episodes?limit=1')).json;
  const next = await there.get(`/v1/episodes?limit=1&cursor=${cursor}`);
  assert.equal(next.status, 200, next.text);
  assert.notEqual(next.json.data[0].id, data[0].id);
  const admin = await nodes[0].as('admin');
  const { user } = (await (await nodes[0].person('okit.eszter', 'counsellor')).get('/v1/me')).json;
  const { etag } = (await admin.get(`/v1/users/${user}`)).headers;
  const other = await nodes[2].as('admin');
  assert.equal((await other.patch(`/v1/users/${user}`, { retired: true }, { 'If-Match': etag })).status, 200);
  await comes(async () => (await admin.patch(`/v1/users/${user}`, { retired: true }, { 'If-Match': etag })).status === 412,
    'a version that another node replaced is still taken');
  for (const e of opened) await desk.post(`/v1/episodes/${e.id}/close`, { outcome: 'other_help' });
});

test('a second person at another node agrees to a break-glass, and of all nodes asked at once one tells it, once', async () => {
  const scene = await reservationIn(nodes[0], 'confirmed');
  const lead = await nodes[0].as('shift_lead');
  const leads = [lead, await at(nodes[1], lead, 'shift_lead'), await at(nodes[2], lead, 'shift_lead')];
  const { json: glass } = await lead.post(`/v1/reservations/${scene.reservation.id}/break-glass`, { reason: 'danger_to_life_now' });
  const tell = (who) => who.post(`/v1/break-glass/${glass.id}/disclosures`);
  const dora = await nodes[1].person('okit.dora', 'counsellor');
  const open = async (who) => (await who.get('/v1/break-glass')).json.data.find((g) => g.id === glass.id);
  for (const who of [dora, leads[2]]) await comes(() => open(who), 'what was asked at one node is not seen at another');
  assert.equal((await tell(leads[2])).status, 409, 'told before anybody agreed');
  assert.equal((await dora.post(`/v1/break-glass/${glass.id}/approve`)).status, 200);
  for (const who of leads) await comes(async () => (await open(who))?.state === 'approved', 'a node does not hear that it was agreed');
  const answers = (await Promise.all([...leads, ...leads].map(tell)));
  const told = answers.filter((a) => a.status === 200);
  assert.equal(told.length, 1, answers.map((a) => `${a.status} ${a.json.code ?? ''}`).join(', '));
  assert.ok(told[0].json.address);
  for (const a of answers) assert.ok(a === told[0] || ([409, 503].includes(a.status) && !a.text.includes(told[0].json.address)), a.text);
  for (const who of leads) assert.equal((await tell(who)).status, 409);
  await settle(nodes[0], scene);
});

test('who is retired at one node, and whose device is revoked there, hears no more at another', async () => {
  const admin = await nodes[0].as('admin');
  const dora = await nodes[1].person('okit.dora', 'counsellor');
  const stream = await listen(dora);
  const { user } = (await dora.get('/v1/me')).json;
  const { etag } = (await admin.get(`/v1/users/${user}`)).headers;
  assert.equal((await admin.patch(`/v1/users/${user}`, { retired: true }, { 'If-Match': etag })).status, 200);
  assert.ok(await stream.ends(), 'a retired person still hears');
  const anna = await nodes[2].person('okit.anna', 'counsellor');
  const hers = await listen(anna);
  const { device } = (await anna.get('/v1/me')).json;
  assert.equal((await admin.post(`/v1/devices/${device.id ?? device}/revoke`)).status, 200);
  assert.ok(await hers.ends(), 'a revoked device still hears');
});
