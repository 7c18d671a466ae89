// SPDX-License-Identifier: Apache-2.0
// What time does, and what it must never do: holds run out at once and by the timer, a promised room and a stay never do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Clockwork, DAY, HOUR, MINUTE, noClock as skip } from './lib/clockwork.mjs';
import { guest } from './lib/devices.mjs';
import { parseExposition } from './lib/exposition.mjs';
import { comes } from './lib/patience.mjs';
import { sleep } from './lib/registry.mjs';
import { hold, holdBody, openEpisode, ownHouse, search, settle, trail } from './lib/scenes.mjs';
import { listen } from './lib/stream.mjs';

const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const NEAR = { ...ALONE, danger_counties: ['HU221', 'HU222', 'HU223', 'HU231', 'HU232', 'HU233', 'HU311', 'HU312', 'HU313', 'HU321',
  'HU322', 'HU323', 'HU331', 'HU332', 'HU333'] }; // leaves two regions: of secret addresses no less can be excluded
const TICKS = 1500; // what the timer needs to look once, and more

let clock, r, desk, staff, house, other_desk, other_house;

before(async () => {
  if (skip) return;
  clock = await new Clockwork().start(['--health', '127.0.0.1:0']);
  r = clock.registry;
  desk = await r.as('counsellor');
  staff = await r.as('shelter_staff');
  house = await ownHouse(staff);
  other_desk = (await guest(r, 'gyermekvonal.kata', 'Gyermekvédelmi hívószám (minta)')).client;
  other_house = (await guest(r, 'haz.kozep1', 'Hársliget Önkormányzata (minta)')).client;
  const [one, ...rest] = await units();
  await staff.patch(`/v1/shelters/${house}/availability`,
    { units: [{ unit: one.id, state: 'free' }, ...rest.map((u) => ({ unit: u.id, state: 'occupied' }))] });
});
after(() => r?.close());

const renewed = (client) => ({ renew: async () => {
  const answer = await client.send('POST', '/v1/tokens/renew');
  assert.equal(answer.status, 201, answer.text);
  client.token = answer.json.access_token;
} });
const pass = (seconds) => clock.pass(seconds, ...[desk, staff, other_desk, other_house].map(renewed));

/** A jump longer than any token's life: everybody signs in again. */
async function signInAgain() {
  const names = [[desk, 'okit.anna'], [staff, 'haz.nyugat1'], [other_desk, 'gyermekvonal.kata'], [other_house, 'haz.kozep1']];
  await Promise.all(names.map(([client, name]) => client.signIn(name, r.passphrase(name))));
}
const untilNoon = () => DAY - (clock.now() - 11 * HOUR) % DAY;
async function leap(seconds) {
  clock.jump(seconds);
  await signInAgain();
}

const units = async () => (await staff.get(`/v1/shelters/${house}/availability`)).json.units;
const room = async () => (await units())[0].state; // the one room that is left
const read = async (client, x) => (await client.get(`/v1/reservations/${x.id}`)).json;
const act = (client, x, step, body) => client.post(`/v1/reservations/${x.id}/${step}`, body);
async function step(client, x, name, body) {
  const answer = await act(client, x, name, body);
  assert.equal(answer.status, 200, `${name}: ${answer.text}`);
  return answer.json;
}
const take = (client = desk) => hold(client, { name: 'Nyugat 1', household: ALONE });

async function audited(action) {
  const { user, passphrase } = r.credentials('auditor');
  const auditor = await (await r.as('auditor')).signIn(user, passphrase);
  return (await trail(auditor)).filter((e) => e.action === action);
}

test('a passphrase that was taken while the clock ran a day ahead locks nobody out once it is put back', { skip }, async () => {
  const { user, passphrase } = r.credentials('auditor');
  const auditor = await r.as('auditor');
  clock.jump(DAY);
  await auditor.signIn(user, passphrase);
  const own = 'négy szürke gém áll';
  const changed = await auditor.send('PUT', '/v1/me/passphrase', { old_passphrase: passphrase, new_passphrase: own });
  assert.equal(changed.status, 204, changed.text);
  clock.jump(-DAY);
  await auditor.signIn(user, own);
  assert.equal((await auditor.get('/v1/me')).status, 200);
  const back = await auditor.send('PUT', '/v1/me/passphrase', { old_passphrase: own, new_passphrase: passphrase });
  assert.equal(back.status, 204, back.text);
});

test('a hold of 30 minutes: over at the first look, for its desk, its house and the next desk', { skip }, async () => {
  const { reservation } = await take();
  assert.equal(await room(), 'held');
  await pass(29 * MINUTE);
  assert.equal((await read(desk, reservation)).state, 'held');
  const episode = await openEpisode(other_desk, ALONE);
  const full = await search(other_desk, episode);
  assert.ok(!full.candidates.some((c) => c.code_name === 'Nyugat 1'), 'a held room is proposed');
  const at_house = await listen(staff);

  clock.jump(MINUTE);
  const [seen, state, found] = await Promise.all([read(desk, reservation), room(), search(other_desk, episode)]);
  assert.equal(seen.state, 'expired');
  assert.equal(state, 'free');
  const candidate = found.candidates.find((c) => c.code_name === 'Nyugat 1');
  const next = await other_desk.post('/v1/reservations', holdBody(episode, candidate));
  assert.equal(next.status, 201, next.text);
  assert.ok(seen.next[0].candidate, 'the next best is proposed to who lost it');

  assert.ok(await at_house.hears('reservation.expired', reservation.id), 'the timer told nobody');
  at_house.close();
  const entries = await audited('clock_expire_reservation');
  assert.equal(entries.length, 1);
  assert.equal(entries[0].outcome, 'ok');
  const steps = { renew: undefined, request: undefined, 'client-decline': { reason: 'too_far' },
    cancel: { reason: 'contact_lost' }, disclosures: { reason: 'intake_call' } };
  for (const [name, body] of Object.entries(steps)) {
    const answer = await act(desk, reservation, name, body);
    assert.deepEqual([answer.status, answer.json.code], [410, 'hold_expired'], name);
  }
  for (const [name, body] of Object.entries({ confirm: undefined, decline: { reason: 'no_staff_now' }, arrive: undefined,
    'no-show': undefined, extend: { until: '2099-01-01', reason: 'health' }, leave: { reason: 'relatives' } })) {
    const answer = await act(staff, reservation, name, body);
    assert.deepEqual([answer.status, answer.json.code], [410, 'hold_expired'], name);
  }
  assert.deepEqual([(await read(other_desk, next.json)).state, await room()], ['held', 'held'], 'the timer took the successor');
  await step(other_desk, next.json, 'cancel', { reason: 'entered_by_mistake' });
});

test('the next best is proposed for as long as a candidate lives, and each time it stands in the trail', { skip }, async () => {
  const scene = await take();
  await pass(30 * MINUTE);
  const before_it = (await audited('reservations_read')).length;
  assert.equal((await read(desk, scene.reservation)).next.length, 1);
  assert.equal((await read(desk, scene.reservation)).next.length, 1);
  await comes(async () => (await audited('reservations_read')).length === before_it + 2, 'a search that nobody hears of');
  await pass(16 * MINUTE);
  assert.deepEqual((await read(desk, scene.reservation)).next, []);
  await settle(r, scene);
});

test('the desk hears 410 also before the timer came, and nothing is changed by it', { skip }, async () => {
  const scene = await take();
  await pass(20 * MINUTE);
  clock.jump(10 * MINUTE);
  const answers = await Promise.all(['request', 'renew'].map((name) => act(desk, scene.reservation, name)));
  assert.deepEqual(answers.map((a) => [a.status, a.json.code]), [[410, 'hold_expired'], [410, 'hold_expired']]);
  assert.equal((await read(desk, scene.reservation)).state, 'expired');
  await settle(r, scene);
});

test('a renewed hold lives 30 minutes from its renewal', { skip }, async () => {
  const scene = await take();
  await pass(20 * MINUTE);
  await step(desk, scene.reservation, 'renew');
  await pass(29 * MINUTE);
  assert.deepEqual([(await read(desk, scene.reservation)).state, await room()], ['held', 'held']);
  await pass(MINUTE);
  assert.deepEqual([(await read(desk, scene.reservation)).state, await room()], ['expired', 'free']);
  await settle(r, scene);
});

test('a request that nobody answers is escalated and runs out after 60 minutes', { skip }, async () => {
  const scene = await take();
  await step(desk, scene.reservation, 'request');
  const seen = [];
  for (const minutes of [14, 2, 15, 28]) {
    await pass(minutes * MINUTE);
    const { state, escalation } = await read(desk, scene.reservation);
    seen.push([state, escalation]);
  }
  assert.deepEqual(seen, [['requested', 0], ['requested', 1], ['requested', 2], ['requested', 2]]);
  await pass(MINUTE);
  assert.deepEqual([(await read(desk, scene.reservation)).state, await room()], ['expired', 'free']);
  assert.equal((await act(staff, scene.reservation, 'confirm')).status, 410);
  await settle(r, scene);
});

test('after 16 minutes a token opens nothing, and its stream ends without another word', { skip }, async () => {
  const stream = await listen(desk);
  clock.jump(16 * MINUTE);
  const answer = await desk.get('/v1/me');
  assert.equal(answer.status, 401);
  assert.equal((await desk.send('POST', '/v1/tokens/renew')).status, 401);
  await signInAgain();
  assert.equal((await desk.get('/v1/me')).status, 200);
  const episode = await openEpisode(desk);
  assert.ok(await stream.ends(), 'the stream outlived its token');
  assert.ok(!stream.knows(episode.id));
});

test('what staff said ages after 5 hours, is unknown after 25, and newer words go first', { skip }, async () => {
  const there = await ownHouse(other_house);
  const episode = await openEpisode(desk, NEAR);
  const confirm = async (client, id) => assert.equal((await client.post(`/v1/shelters/${id}/confirmations`)).status, 200);
  async function look() {
    const { candidates } = await search(desk, episode);
    const [a, b] = ['Nyugat 1', 'Közép 1'].map((n) => candidates.find((c) => c.code_name === n));
    return [a.freshness, b.freshness, candidates.indexOf(a) < candidates.indexOf(b) ? 'west first' : 'centre first'];
  }
  await leap(DAY);
  await confirm(staff, house);
  assert.deepEqual(await look(), ['fresh', 'unknown', 'west first']);
  await leap(5 * HOUR);
  assert.deepEqual(await look(), ['aging', 'unknown', 'west first']);
  await confirm(other_house, there);
  assert.deepEqual(await look(), ['aging', 'fresh', 'centre first']);
  assert.equal((await units())[0].freshness, 'aging');
  await leap(20 * HOUR);
  assert.deepEqual(await look(), ['unknown', 'aging', 'centre first']);
  await confirm(staff, house);
  assert.deepEqual(await look(), ['fresh', 'aging', 'west first']);
});

test('a house that declined a request is not proposed for it again, though it goes first in a search', { skip }, async () => {
  assert.equal((await staff.post(`/v1/shelters/${house}/confirmations`)).status, 200);
  const scene = await take();
  await step(desk, scene.reservation, 'request');
  await step(staff, scene.reservation, 'decline', { reason: 'too_close_to_danger' });
  const { candidates: [first, second] } = await search(desk, scene.episode);
  assert.equal(first.code_name, 'Nyugat 1', 'the control: of the others nothing is known');
  const { reservation } = await hold(desk, { episode: scene.episode, name: second.code_name });
  await pass(30 * MINUTE);
  const { state, next } = await read(desk, reservation);
  assert.equal(state, 'expired');
  assert.equal(next.length, 1);
  assert.notEqual(next[0].code_name, 'Nyugat 1');
  await settle(r, { ...scene, reservation });
});

test('one room of which a clock that ran ahead said something makes no house unknown to who watches', { skip }, async () => {
  const houses = async () => {
    const answer = await fetch(`http://127.0.0.1:${r.healthPort}/metrics`);
    const { samples } = parseExposition(await answer.text()).get('menedek_houses');
    return Object.fromEntries(samples.map((s) => [s.labels.freshness, s.value]));
  };
  const confirm = async () => assert.equal((await staff.post(`/v1/shelters/${house}/confirmations`)).status, 200);
  await confirm();
  const counted = await houses();
  assert.ok(counted.fresh > 0, 'the control');
  const last = (await units()).at(-1).id;
  await leap(3 * DAY);
  const said = await staff.patch(`/v1/shelters/${house}/availability`, { units: [{ unit: last, state: 'occupied' }] });
  assert.equal(said.status, 200, said.text);
  await leap(-3 * DAY);
  assert.equal((await units()).at(-1).freshness, 'unknown', 'the control');
  assert.deepEqual(await houses(), counted);
  await confirm();
});

test('time ends an episode after 72 hours, but neither a promised place nor a stay', { skip }, async () => {
  const asked = await openEpisode(desk, ALONE);
  const scene = await take();
  await step(desk, scene.reservation, 'request');
  await step(staff, scene.reservation, 'confirm');
  // what is over is removed with the day's purge, which may come at once
  const state = async (episode) => {
    const { status, json } = await desk.get(`/v1/episodes/${episode.id}`);
    return status === 404 ? 'gone' : json.state;
  };
  await leap(71 * HOUR);
  assert.deepEqual([await state(asked), await state(scene.episode)], ['open', 'open']);
  const before_it = (await audited('clock_expire_episode')).length;
  await leap(HOUR);
  assert.ok([404, 409].includes((await desk.post(`/v1/episodes/${asked.id}/searches`)).status));
  await comes(async () => ['expired', 'gone'].includes(await state(asked)), 'ending the episode');
  assert.ok((await audited('clock_expire_episode')).length > before_it);
  await leap(30 * DAY + untilNoon()); // what follows is counted in days of Budapest, and its clock is put forward and back
  await sleep(TICKS); // ticks in which the clock could do harm
  assert.equal(await state(scene.episode), 'open', 'an episode ended under a travelling family');
  assert.deepEqual([(await read(desk, scene.reservation)).state, await room()], ['confirmed', 'occupied']);

  const stay = await step(staff, scene.reservation, 'arrive');
  assert.equal(stay.overstay, false);
  const days = (Date.parse(stay.stay_end) - Date.parse(stay.stay_start)) / 1000 / DAY;
  assert.equal(days, 28);
  const closed = await desk.post(`/v1/episodes/${scene.episode.id}/close`, { outcome: 'placed' });
  assert.equal(closed.status, 200, 'who arrived after 72 hours can still be counted as placed');
  await leap(28 * DAY);
  assert.equal((await read(staff, scene.reservation)).overstay, false, 'the last day is still lawful');
  await leap(60 * DAY);
  await sleep(TICKS);
  const late = await read(staff, scene.reservation);
  assert.deepEqual([late.state, late.overstay, await room()], ['in_stay', true, 'occupied']);
  const found = await search(desk, await openEpisode(desk, ALONE));
  assert.ok(!found.candidates.some((c) => c.code_name === 'Nyugat 1'), 'overstay freed a room');
  assert.equal((await step(staff, scene.reservation, 'leave', { reason: 'own_housing' })).state, 'left');
  assert.equal(await room(), 'free');
});

test('what ran out while the service was down is over at its start', { skip }, async () => {
  const scene = await take();
  await r.stop();
  clock.jump(31 * MINUTE);
  await r.start(clock.environment);
  desk = await r.as('counsellor');
  staff = await r.as('shelter_staff');
  assert.deepEqual([(await read(desk, scene.reservation)).state, await room()], ['expired', 'free']);
});
