// SPDX-License-Identifier: Apache-2.0
// Break-glass: a shift lead is told a location only after a second person on a second device agreed within minutes; once;
// both are named in the trail and to the house, which hears of it at once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clockTest, Clockwork, MINUTE } from '../api/lib/clockwork.mjs';
import { guest } from '../api/lib/devices.mjs';
import { comes } from '../api/lib/patience.mjs';
import { Registry } from '../api/lib/registry.mjs';
import { ownHouse, reservationIn, settle } from '../api/lib/scenes.mjs';
import { listen } from '../api/lib/stream.mjs';

const NOW = { reason: 'danger_to_life_now' };

let r;
let lead;
let dora; // the second person, on the counsellors' device
before(async () => {
  r = await new Registry().start();
  lead = await r.as('shift_lead');
  dora = await r.person('okit.dora', 'counsellor');
});
after(() => r.close());

const ask = (reservation, who = lead) => who.post(`/v1/reservations/${reservation.id}/break-glass`, NOW);
const approve = (glass, who = dora) => who.post(`/v1/break-glass/${glass.id}/approve`);
const tell = (glass, who = lead) => who.post(`/v1/break-glass/${glass.id}/disclosures`);

async function asked(state = 'confirmed') {
  const scene = await reservationIn(r, state);
  const answer = await ask(scene.reservation);
  assert.equal(answer.status, 201, answer.text);
  return { ...scene, glass: answer.json };
}

function refused(answer, status, code) {
  assert.deepEqual([answer.status, answer.json.code], [status, code], answer.text);
  assert.ok(!answer.text.includes('Mintafalva'));
}

for (const state of ['requested', 'confirmed', 'in_stay'])
  test(`of a reservation that is ${state}: asked, agreed, told once`, async () => {
    const { glass, ...scene } = await asked(state);
    assert.deepEqual([glass.state, glass.person, glass.second], ['asked', 'okit.vezeto', undefined]);
    refused(await tell(glass), 409, 'state_conflict');
    const agreed = await approve(glass);
    assert.equal(agreed.status, 200, agreed.text);
    assert.deepEqual([agreed.json.state, agreed.json.second], ['approved', 'okit.dora']);
    const told = await tell(glass);
    assert.equal(told.status, 200, told.text);
    assert.ok(told.json.address && told.json.intake_phone);
    assert.equal(told.json.disclosures_left, 0);
    refused(await tell(glass), 409, 'state_conflict');
    await settle(r, scene);
  });

test('nothing is told for a hold, nor when the reservation is over', async () => {
  const held = await reservationIn(r, 'held');
  refused(await ask(held.reservation), 409, 'state_conflict');
  await settle(r, held);
  refused(await ask(held.reservation), 409, 'state_conflict');
  const { glass, ...scene } = await asked();
  assert.equal((await approve(glass)).status, 200);
  await settle(r, scene);
  refused(await tell(glass), 409, 'state_conflict');
});

test('one person cannot be both, nor two people on one device', async () => {
  const { glass, ...scene } = await asked();
  refused(await approve(glass, lead), 403, 'forbidden');
  refused(await approve(glass, await r.person('okit.vezeto', 'counsellor')), 403, 'forbidden'); // herself, elsewhere
  refused(await approve(glass, await r.person('okit.eszter', 'shift_lead')), 403, 'forbidden'); // another, at her desk
  refused(await tell(glass), 409, 'state_conflict');
  assert.equal((await approve(glass)).status, 200);
  refused(await tell(glass, dora), 403, 'forbidden');
  await settle(r, scene);
});

test('a counsellor cannot ask, and a lead of another desk finds neither reservation nor break-glass', async () => {
  const { glass, ...scene } = await asked();
  refused(await ask(scene.reservation, dora), 403, 'forbidden');
  const { client: kata } = await guest(r, 'gyermekvonal.kata', 'Gyermekvédelmi hívószám (minta)');
  refused(await approve(glass, kata), 404, 'not_found');
  assert.deepEqual((await kata.get('/v1/break-glass')).json.data, []);
  assert.ok((await dora.get('/v1/break-glass')).json.data.some((g) => g.id === glass.id));
  await settle(r, scene);
});

test('a repeated request is not told again, and agreeing twice is one', async () => {
  const { glass, ...scene } = await asked();
  const key = { 'Idempotency-Key': randomUUID() };
  const first = await dora.send('POST', `/v1/break-glass/${glass.id}/approve`, undefined, key);
  const again = await dora.send('POST', `/v1/break-glass/${glass.id}/approve`, undefined, key);
  assert.deepEqual([first.status, again.status, again.text], [200, 200, first.text]);
  const told = await lead.send('POST', `/v1/break-glass/${glass.id}/disclosures`, undefined, key);
  assert.equal(told.status, 200);
  refused(await lead.send('POST', `/v1/break-glass/${glass.id}/disclosures`, undefined, key), 409, 'state_conflict');
  assert.ok(!(await lead.get('/v1/break-glass')).json.data.some((g) => g.id === glass.id), 'it is over');
  await settle(r, scene);
});

test('sixteen tellings at once tell once', async () => {
  const { glass, ...scene } = await asked();
  assert.equal((await approve(glass)).status, 200);
  const many = await r.person('okit.vezeto', 'shift_lead', { sockets: 16 });
  const answers = await Promise.all(Array.from({ length: 16 }, () => tell(glass, many)));
  assert.deepEqual(answers.map((a) => a.status).sort(), [200, ...Array(15).fill(409)]);
  await settle(r, scene);
});

test('the house hears of it at once, and its manager reads both names, when and why', async () => {
  const staff = await r.as('shelter_staff');
  const manager = await r.as('shelter_manager');
  const atHouse = await listen(staff);
  const atDesk = await listen(dora);
  const { glass, ...scene } = await asked();
  const { id } = scene.reservation;
  assert.ok(await atHouse.hears('break_glass.requested', id));
  assert.ok(await atDesk.hears('break_glass.requested', id), 'or nobody could approve in time');
  await approve(glass);
  assert.ok(await atHouse.hears('break_glass.approved', id));
  const told = await tell(glass);
  assert.equal(told.status, 200);
  assert.ok(await atHouse.hears('break_glass.told', id));
  atHouse.close();
  atDesk.close();
  const house = await ownHouse(manager);
  const look = (await manager.get(`/v1/shelters/${house}/looks`)).json.data.find((l) => l.reservation === id && l.kind === 'break_glass');
  assert.deepEqual([look.person, look.second, look.org, look.reason], ['okit.vezeto', 'okit.dora', 'OKIT (minta)', NOW.reason]);
  assert.ok(Math.abs(Date.parse(look.at) - Date.now()) < 60000);
  const seen = (await staff.get(`/v1/shelters/${house}/looks`)).json.data.find((l) => l.reservation === id && l.kind === 'break_glass');
  assert.deepEqual([seen.person, seen.second, seen.org, seen.org_kind], [undefined, undefined, undefined, 'helpline'], 'names are the manager\'s');
  await settle(r, scene);
});

test('the trail names both: each as the actor of her own part and the other as its subject', async () => {
  const { glass, ...scene } = await asked();
  await approve(glass);
  assert.equal((await tell(glass)).status, 200);
  const trail = (await (await r.as('auditor')).get('/v1/audit?limit=20')).json.data;
  const part = (action) => trail.find((e) => e.action === action && e.outcome === 'ok');
  const [made, agreed, told] = ['break_glass_create', 'break_glass_approve', 'break_glass_disclose'].map(part);
  assert.ok(made.actor && agreed.actor && made.actor !== agreed.actor);
  assert.deepEqual([told.actor, told.subject], [made.actor, agreed.actor]);
  assert.deepEqual([agreed.subject, agreed.shelter, told.shelter], [made.actor, made.shelter, made.shelter]);
  assert.deepEqual([made.reason, agreed.reason, told.reason], Array(3).fill(NOW.reason));
  await settle(r, scene);
});

clockTest('minutes only: to agree, and to be told', async () => {
  const clock = await new Clockwork().start();
  const mine = r;
  r = clock.registry;
  try {
    const people = async () => ({ boss: await r.person('okit.vezeto', 'shift_lead'), second: await r.person('okit.dora', 'counsellor') });
    const scene = await reservationIn(r, 'in_stay');
    let { boss, second } = await people();
    let glass = (await ask(scene.reservation, boss)).json;
    clock.jump(10 * MINUTE);
    assert.equal((await second.get('/v1/break-glass')).json.data.length, 0);
    refused(await approve(glass, second), 409, 'state_conflict');
    ({ boss, second } = await people());
    glass = (await ask(scene.reservation, boss)).json;
    clock.jump(9 * MINUTE);
    assert.equal((await approve(glass, second)).status, 200);
    clock.jump(5 * MINUTE);
    ({ boss, second } = await people());
    assert.equal((await boss.get('/v1/break-glass')).json.data[0].state, 'approved');
    clock.jump(5 * MINUTE);
    refused(await tell(glass, boss), 409, 'state_conflict');
  } finally {
    await r.close();
    r = mine;
  }
});

test('it stays open to a lead who is slowed down for unusual breadth', async () => {
  await r.stop();
  writeFileSync(join(r.dir, 'breadth.csv'),
    'class,hour,night,day,night_from,night_to,delay,delay_max\ndisclosure,1,1,1,22,6,600,600\ntake_over,1,1,1,22,6,600,600\n');
  await r.start();
  lead = await r.as('shift_lead');
  dora = await r.person('okit.dora', 'counsellor');
  const { glass, ...scene } = await asked();
  const taken = await lead.post(`/v1/reservations/${scene.reservation.id}/take-over`);
  refused(taken, 429, 'unusual_breadth');
  assert.equal((await approve(glass)).status, 200);
  assert.equal((await tell(glass)).status, 200);
  const alerts = async () => (await (await r.as('auditor')).get('/v1/alerts')).json.data;
  await comes(async () => (await alerts()).length > 0, 'but it is told of');
  await settle(r, scene);
});
