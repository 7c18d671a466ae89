// SPDX-License-Identifier: Apache-2.0
// The roles' main jobs, end to end, and every step that the reservation's table refuses.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Registry, sleep } from './lib/registry.mjs';
import { hold, holdBody, MOTHER_OF_TWO, openEpisode, ownHouse, reservationIn, search, settle } from './lib/scenes.mjs';

let r;
before(async () => { r = await new Registry().start(); });
after(() => r.close());

test('staff see and publish their own house', async () => {
  const staff = await r.as('shelter_staff');
  const house = await ownHouse(staff);
  const shelter = (await staff.get(`/v1/shelters/${house}`)).json;
  assert.equal(shelter.code_name, 'Nyugat 1');
  const list = (await staff.get('/v1/shelters')).json.data;
  assert.deepEqual(list.map((s) => s.id), [house]);
  const { units } = (await staff.get(`/v1/shelters/${house}/availability`)).json;
  const free = units.find((u) => u.state === 'free');
  const path = `/v1/shelters/${house}/units/${free.id}/availability`;
  const taken = await staff.put(path, { state: 'occupied' }, { 'If-Match': free.etag });
  assert.equal(taken.status, 200);
  assert.equal(taken.json.state, 'occupied');
  assert.equal(taken.json.free_places, 0);
  assert.notEqual(taken.headers.etag, free.etag);
  const stale = await staff.put(path, { state: 'free' }, { 'If-Match': free.etag });
  assert.equal(stale.status, 412);
  assert.equal(stale.json.current.state, 'occupied');
  const many = await staff.patch(`/v1/shelters/${house}/availability`,
    { units: [{ unit: free.id, state: 'free' }, { unit: units[4].id, state: 'out_of_use' }] });
  assert.equal(many.status, 200);
  const states = Object.fromEntries(many.json.units.map((u) => [u.id, u.state]));
  assert.equal(states[free.id], 'free');
  assert.equal(states[units[4].id], 'out_of_use');
  await staff.patch(`/v1/shelters/${house}/availability`, { units: [{ unit: units[4].id, state: 'free' }] });
  const still = await staff.post(`/v1/shelters/${house}/confirmations`);
  assert.equal(still.status, 200);
  assert.ok(still.json.units.every((u) => u.freshness === 'fresh'));
});

test('one wrong row of many changes nothing', async () => {
  const staff = await r.as('shelter_staff');
  const house = await ownHouse(staff);
  const old = (await staff.get(`/v1/shelters/${house}/availability`)).json.units;
  const answer = await staff.patch(`/v1/shelters/${house}/availability`, { units: [
    { unit: old[0].id, state: 'out_of_use' }, { unit: '0'.repeat(25) + '1', state: 'free' }] });
  assert.equal(answer.status, 422);
  const now = (await staff.get(`/v1/shelters/${house}/availability`)).json.units;
  assert.deepEqual(now.map((u) => [u.id, u.state, u.etag]), old.map((u) => [u.id, u.state, u.etag]));
});

test('from the call for help to the end of the stay', async () => {
  const desk = await r.as('counsellor');
  const staff = await r.as('shelter_staff');
  const house = await ownHouse(staff);
  const place = { address: '0000 Mintafalva, Új utca 1.', intake_phone: '+36 1 555 0199', travel_notes: 'Kétszer csengetni.' };
  assert.equal((await staff.put(`/v1/shelters/${house}/location`, place)).status, 204);

  const { episode, candidate, reservation } = await hold(desk, { name: 'Nyugat 1', household: MOTHER_OF_TWO });
  assert.equal(candidate.zone, 'west');
  assert.ok(['capacity', 'additional_assessment'].includes(candidate.answer));
  assert.equal(reservation.state, 'held');
  assert.match(reservation.number, /^\d{4}-\d{2}$/);
  assert.ok(reservation.check_word.length > 1);
  const path = `/v1/reservations/${reservation.id}`;

  const early = await desk.post(`${path}/disclosures`, { reason: 'client_travels_now' });
  assert.equal(early.status, 409);
  assert.ok(!early.text.includes('Mintafalva'));
  assert.equal((await desk.post(`${path}/request`)).json.state, 'requested');

  const seen = (await staff.get('/v1/reservations')).json.data.find((x) => x.id === reservation.id);
  assert.equal(seen.state, 'requested');
  assert.equal(seen.check_word, reservation.check_word);
  assert.equal(seen.episode, undefined);
  assert.deepEqual(seen.bands, ['3-9', '0-2']);
  assert.ok(seen.unit_names.length >= 1);
  assert.equal((await staff.post(`${path}/confirm`)).json.state, 'confirmed');

  const told = await desk.post(`${path}/disclosures`, { reason: 'client_travels_now' });
  assert.equal(told.status, 200);
  assert.equal(told.json.address, place.address);
  assert.equal(told.json.intake_phone, place.intake_phone);
  const looks = (await staff.get(`/v1/shelters/${house}/looks`)).json.data;
  assert.ok(looks.some((l) => l.reservation === reservation.id && l.reason === 'client_travels_now' && l.org_kind === 'helpline'));

  const sheet = await desk.get(`${path}/sheet`);
  assert.equal(sheet.status, 200);
  assert.ok(!sheet.text.includes('Mintafalva'));

  const stay = (await staff.post(`${path}/arrive`)).json;
  assert.equal(stay.state, 'in_stay');
  const day = (date, days) => new Date(Date.parse(date) + days * 86400e3).toISOString().slice(0, 10);
  assert.equal(stay.stay_end, day(stay.stay_start, 28)); // four weeks in a crisis centre
  const extend = (until) => staff.post(`${path}/extend`, { until, reason: 'no_safe_housing_yet' });
  assert.equal((await extend(day(stay.stay_end, 29))).status, 422);
  assert.equal((await extend(stay.stay_end)).status, 422);
  const extended = await extend(day(stay.stay_end, 28));
  assert.equal(extended.status, 200, extended.text);
  assert.equal(extended.json.extensions, 1);
  assert.equal((await extend(day(stay.stay_end, 40))).status, 409); // once only
  assert.equal((await staff.post(`${path}/leave`, { reason: 'own_housing' })).json.state, 'left');
  assert.equal((await desk.post(`/v1/episodes/${episode.id}/close`, { outcome: 'placed' })).json.state, 'closed');
});

test('a decline proposes the next best at once, to the desk only', async () => {
  const desk = await r.as('counsellor');
  const staff = await r.as('shelter_staff');
  const scene = await hold(desk, { name: 'Nyugat 1' });
  const path = `/v1/reservations/${scene.reservation.id}`;
  await desk.post(`${path}/request`);
  const declined = await staff.post(`${path}/decline`, { reason: 'too_close_to_danger' });
  assert.equal(declined.json.state, 'declined_by_house');
  assert.equal(declined.json.next, undefined);
  const seen = (await desk.get(path)).json;
  assert.equal(seen.reason, 'too_close_to_danger');
  assert.equal(seen.next.length, 1);
  assert.notEqual(seen.next[0].code_name, 'Nyugat 1');
  const again = await desk.post('/v1/reservations', holdBody(scene.episode, seen.next[0]));
  assert.equal(again.status, 201, again.text);
  await settle(r, { ...scene, reservation: again.json });
});

test('a declined room is free again at once', async () => {
  const desk = await r.as('counsellor');
  const staff = await r.as('shelter_staff');
  const house = await ownHouse(staff);
  const states = async () => (await staff.get(`/v1/shelters/${house}/availability`)).json.units.map((u) => u.state);
  const old = await states();
  const scene = await hold(desk, { name: 'Nyugat 1' });
  assert.ok((await states()).includes('held'));
  await settle(r, scene);
  assert.deepEqual(await states(), old);
});

test('staff cannot give away or close a room that is held', async () => {
  const desk = await r.as('counsellor');
  const staff = await r.as('shelter_staff');
  const house = await ownHouse(staff);
  const scene = await hold(desk, { name: 'Nyugat 1' });
  const held = (await staff.get(`/v1/shelters/${house}/availability`)).json.units.find((u) => u.state === 'held');
  for (const state of ['free', 'occupied', 'out_of_use']) {
    const answer = await staff.put(`/v1/shelters/${house}/units/${held.id}/availability`, { state }, { 'If-Match': held.etag });
    assert.equal(answer.status, 409, state);
  }
  await settle(r, scene);
});

test('one open hold for each episode', async () => {
  const desk = await r.as('counsellor');
  const episode = await openEpisode(desk);
  const { candidates } = await search(desk, episode);
  const first = await desk.post('/v1/reservations', holdBody(episode, candidates[0]));
  assert.equal(first.status, 201);
  const second = await desk.post('/v1/reservations', holdBody(episode, candidates[1]));
  assert.equal(second.status, 409);
  assert.equal(second.json.code, 'state_conflict');
  await settle(r, { episode, reservation: first.json });
});

test('a hold is renewed once', async () => {
  const desk = await r.as('counsellor');
  const scene = await hold(desk);
  const path = `/v1/reservations/${scene.reservation.id}/renew`;
  await sleep(1100);
  const renewed = await desk.post(path);
  assert.equal(renewed.status, 200);
  assert.ok(renewed.json.expires_at > scene.reservation.expires_at);
  assert.equal((await desk.post(path)).status, 409);
  await settle(r, scene);
});

test('a candidate serves only its own episode', async () => {
  const desk = await r.as('counsellor');
  const one = await openEpisode(desk);
  const two = await openEpisode(desk);
  const { candidates } = await search(desk, one);
  const answer = await desk.post('/v1/reservations', holdBody(two, candidates[0]));
  assert.equal(answer.status, 422);
  assert.equal(answer.json.errors[0].pointer, '/candidate');
  assert.equal((await desk.post('/v1/reservations', { ...holdBody(one, candidates[0]), consent: false })).status, 422);
});

test('danger counties are a hard exclusion and non-fit is explained', async () => {
  const desk = await r.as('counsellor');
  const episode = await openEpisode(desk, { ...MOTHER_OF_TWO, danger_counties: ['HU211'] });
  const found = await search(desk, episode);
  assert.ok(!found.candidates.some((c) => c.code_name === 'Nyugat 1'));
  assert.ok(found.blocked.some((b) => b.reason === 'in_danger_county'));
  assert.ok(found.candidates.every((c) => c.type !== 'secret_house' && c.type !== 'halfway_house'));
  const danger = await search(desk, await openEpisode(desk, { ...MOTHER_OF_TWO, danger_to_life: true }));
  assert.ok(danger.candidates.some((c) => c.type === 'secret_house'));
  const firstPublic = danger.candidates.findIndex((c) => c.address_unprotected);
  assert.ok(firstPublic < 0 || danger.candidates.slice(firstPublic).every((c) => c.address_unprotected || c.answer === 'waitlist'));
  const trafficked = await search(desk, await openEpisode(desk, { case_type: 'trafficking', women: 1, men: 0 }));
  assert.ok(trafficked.candidates.length > 0);
  assert.ok(trafficked.candidates.every((c) => c.type === 'protected_shelter'));
});

test('family-support opens, the helpline takes over, only the outcome comes back', async () => {
  const family = await r.as('family_support');
  const lead = await r.as('shift_lead');
  const opened = await family.post('/v1/episodes', { channel: 'in_person', household: MOTHER_OF_TWO });
  assert.equal(opened.status, 201);
  assert.equal(opened.json.household, undefined);
  const path = `/v1/episodes/${opened.json.id}`;
  assert.equal((await lead.post(`${path}/searches`)).status, 409); // not taken over yet
  assert.ok((await lead.get('/v1/episodes')).json.data.some((e) => e.id === opened.json.id && e.waiting));
  assert.equal((await lead.post(`${path}/take-over`)).status, 200);
  assert.equal((await lead.post(`${path}/searches`)).status, 200);
  const closed = await lead.post(`${path}/close`, { outcome: 'other_help' });
  assert.equal(closed.status, 200, closed.text);
  const seen = (await family.get(path)).json;
  assert.deepEqual([seen.state, seen.outcome], ['closed', 'other_help']);
  assert.equal(seen.household, undefined);
  assert.equal(seen.reservation, undefined);
  // said again, because the answer was lost: the same; otherwise than before: refused
  const again = await lead.post(`${path}/close`, { outcome: 'other_help' });
  assert.deepEqual([again.status, again.json], [200, closed.json]);
  assert.equal((await lead.post(`${path}/close`, { outcome: 'contact_lost' })).json.code, 'state_conflict');
});

test('paging through own and waiting episodes shows each once and none is missed', async () => {
  const desk = await r.as('counsellor');
  const family = await r.as('family_support');
  const made = [];
  for (let i = 0; i < 4; i++) {
    made.push((await openEpisode(desk)).id);
    made.push((await family.post('/v1/episodes', { channel: 'phone', household: MOTHER_OF_TWO })).json.id);
  }
  const seen = [];
  for (let path = '/v1/episodes?limit=3'; path;) {
    const { data, next_cursor: next } = (await desk.get(path)).json;
    seen.push(...data.map((e) => e.id));
    path = next && `/v1/episodes?limit=3&cursor=${next}`;
  }
  assert.equal(new Set(seen).size, seen.length);
  assert.deepEqual(made.filter((id) => !seen.includes(id)), []);
});

test('capacity is three words for each type and zone', async () => {
  const rows = (await (await r.as('family_support')).get('/v1/capacity')).json.rows;
  assert.equal(rows.length, 20);
  assert.ok(rows.every((x) => ['yes', 'maybe', 'no'].includes(x.answer)));
  assert.deepEqual(Object.keys(rows[0]).sort(), ['answer', 'type', 'zone']);
});

// The table of src/domain/reservation.c, read from DESIGN: state, then what each event answers.
const EVENTS = {
  renew: ['desk'], request: ['desk'], 'client-decline': ['desk', { reason: 'too_far' }],
  cancel: ['desk', { reason: 'contact_lost' }], disclosures: ['desk', { reason: 'intake_call' }],
  confirm: ['house'], decline: ['house', { reason: 'no_staff_now' }], arrive: ['house'], 'no-show': ['house'],
  extend: ['house', { until: '2099-01-01', reason: 'health' }], leave: ['house', { reason: 'relatives' }],
};
const ALLOWED = {
  held: ['renew', 'request', 'client-decline', 'cancel'],
  requested: ['client-decline', 'cancel', 'confirm', 'decline'],
  confirmed: ['client-decline', 'cancel', 'disclosures', 'decline', 'arrive', 'no-show'],
  in_stay: ['extend', 'leave'],
  left: [], declined_by_house: [], declined_by_client: [], cancelled: [], no_show: [],
};

for (const [state, allowed] of Object.entries(ALLOWED)) {
  test(`what the table refuses in ${state} is refused and changes nothing`, async () => {
    const desk = await r.as('counsellor');
    const house = await r.as('shelter_staff');
    const scene = await reservationIn(r, state);
    const path = `/v1/reservations/${scene.reservation.id}`;
    const stateNow = async () => (await desk.get(path)).json.state;
    for (const [event, [who, body]] of Object.entries(EVENTS)) {
      if (allowed.includes(event)) continue;
      const answer = await (who === 'desk' ? desk : house).post(`${path}/${event}`, body);
      assert.equal(answer.status, 409, `${state} ${event}: ${answer.text}`);
      assert.equal(answer.json.code, 'state_conflict');
    }
    assert.equal(await stateNow(), state);
    await settle(r, scene);
  });
}

test('a repeated disclosure is told again and recorded again, a used-up one is refused', async () => {
  const desk = await r.as('counsellor');
  const staff = await r.as('shelter_staff');
  const scene = await reservationIn(r, 'confirmed');
  const path = `/v1/reservations/${scene.reservation.id}/disclosures`;
  const headers = { 'Idempotency-Key': 'lost-answer' };
  const first = await desk.send('POST', path, { reason: 'intake_call' }, headers);
  const again = await desk.send('POST', path, { reason: 'intake_call' }, headers);
  assert.equal(first.status, 200);
  assert.equal(again.status, 200);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(again.json.address, first.json.address);
  const trail = (await (await r.as('auditor')).get('/v1/audit?limit=10')).json.data;
  const told = trail.filter((e) => e.action === 'reservations_disclose').slice(0, 2);
  assert.deepEqual(told.map((e) => e.reason), ['intake_call', 'intake_call']);
  const house = await ownHouse(staff);
  const looks = (await staff.get(`/v1/shelters/${house}/looks?limit=100`)).json.data;
  assert.equal(looks.filter((l) => l.reservation === scene.reservation.id && l.kind === 'disclosure').length, 2);
  assert.equal(again.json.disclosures_left, first.json.disclosures_left - 1, 'each telling counts');
  for (let left = again.json.disclosures_left; left > 0; left--)
    assert.equal((await desk.post(path, { reason: 'intake_call' })).status, 200);
  assert.equal((await desk.post(path, { reason: 'intake_call' })).status, 409);
  await settle(r, scene);
});

test('only the person who handles it is told the location', async () => {
  const scene = await reservationIn(r, 'confirmed');
  const path = `/v1/reservations/${scene.reservation.id}/disclosures`;
  const colleague = await r.person('okit.dora', 'counsellor');
  const refused = await colleague.post(path, { reason: 'intake_call' });
  assert.equal(refused.status, 403);
  assert.ok(!refused.text.includes('Mintafalva'));
  assert.equal((await (await r.as('shift_lead')).post(path, { reason: 'intake_call' })).status, 403); // until she takes it over
  await settle(r, scene);
});

test('statistics are of quarters and years that are over, in JSON and CSV', async () => {
  const statistician = await r.as('statistician');
  const table = (await statistician.get('/v1/statistics?table=placements')).json;
  assert.match(table.period, /^\d{4}-Q[1-4]$/);
  assert.ok(table.to < new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Budapest' }).format(new Date()));
  const cell = table.rows.find((x) => x.key === 'crisis_centre' && x.column === 'west');
  assert.deepEqual(cell, { key: 'crisis_centre', column: 'west', value: 0, withheld: false }, 'the arrivals are of this quarter');
  const csv = await statistician.get('/v1/statistics?table=placements&period=2024&format=csv');
  assert.match(csv.headers['content-type'], /^text\/csv/);
  assert.match(csv.text, /^row,column,value\r\n/);
  assert.match(csv.text, /crisis_centre,west,0/);
  assert.equal((await statistician.get('/v1/statistics?table=people')).status, 400);
  assert.equal((await statistician.get('/v1/statistics?format=xml')).status, 400);
});

test('the auditor reads who did what without learning a house', async () => {
  const auditor = await r.as('auditor');
  const page = (await auditor.get('/v1/audit?limit=100')).json;
  assert.ok(page.data.some((e) => e.action === 'reservations_disclose' && e.outcome === 'ok'));
  const house = await ownHouse(await r.as('shelter_staff'));
  assert.ok(!JSON.stringify(page).includes(house));
  assert.ok(page.next_cursor);
  const next = (await auditor.get(`/v1/audit?limit=100&cursor=${page.next_cursor}`)).json;
  assert.ok(next.data[0].number < page.data.at(-1).number);
});
