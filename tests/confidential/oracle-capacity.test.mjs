// SPDX-License-Identifier: Apache-2.0
// No oracle for the cousin at a county office: family-support asks capacity 10,000 times while houses fill and empty, opens
// requests for 1, 2, 3… children, and watches what becomes of its own requests.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Clockwork, HOUR, MINUTE, noClock as skip } from '../api/lib/clockwork.mjs';
import { guest } from '../api/lib/devices.mjs';
import { holdBody } from '../api/lib/scenes.mjs';
import { Wire } from './lib/wire.mjs';

const BUDGET = 10000;
const SECRET = ['crisis_centre', 'secret_house', 'halfway_house', 'protected_shelter'];

let clock, r, desk, family, keepers;
const services = [];

before(async () => {
  if (skip) return;
  clock = await new Clockwork().start();
  r = clock.registry;
  desk = await r.as('counsellor');
  family = await r.as('family_support');
  services.push(family);
  for (const [name, org] of [['csalad.judit', 'Tölgyfalvi Család- és Gyermekjóléti Központ (minta)'],
    ['csalad.mari', 'Nyírkerti Család- és Gyermekjóléti Szolgálat (minta)'], ['aldozatsegito.piroska', 'Hársligeti Áldozatsegítő Központ (minta)']])
    services.push((await guest(r, name, org)).client);
  // who keeps the secret houses of the south-east and the west
  const { client: south } = await guest(r, 'ugyelet.allami-dk1', 'Délkeleti Állami Szociális Központ (minta)');
  const { client: west } = await guest(r, 'ugyelet.part1', 'Biztos Part Alapítvány (minta)');
  keepers = [south, west];
});
after(() => r?.close());

const names = () => [[desk, 'okit.anna'], [family, 'csalad.bela'], [services[1], 'csalad.judit'], [services[2], 'csalad.mari'],
  [services[3], 'aldozatsegito.piroska'], [keepers[0], 'ugyelet.allami-dk1'], [keepers[1], 'ugyelet.part1']];
async function leap(seconds) {
  clock.jump(seconds);
  await Promise.all(names().map(([client, name]) => client.signIn(name, r.passphrase(name))));
}

/** All rooms of all houses of ${keeper} to ${state}. */
async function set(keeper, state) {
  for (const house of (await keeper.get('/v1/me')).json.shelters) {
    const { units } = (await keeper.get(`/v1/shelters/${house}/availability`)).json;
    const done = await keeper.patch(`/v1/shelters/${house}/availability`, { units: units.map((u) => ({ unit: u.id, state })) });
    assert.equal(done.status, 200, done.text);
  }
}
const table = async (client = family) => (await client.get('/v1/capacity')).json;
const secretRows = (t) => t.rows.filter((row) => SECRET.includes(row.type));

test(`within a time slot ${BUDGET} askers read one table, whatever happens in the houses`, { skip, timeout: 180000 }, async () => {
  const second = (Date.now() / 1000) % (5 * MINUTE);
  if (second > 4 * MINUTE) await leap(5 * MINUTE - Math.floor(second) + 1); // not over the end of a slot
  const wires = await Promise.all(services.map((s) => Wire.open(s)));
  const seen = new Set();
  let asked = 0, changes = 0, over = false;
  const ask = async (wire) => {
    while (asked < BUDGET) {
      asked++;
      const answer = await wire.ask('GET', '/v1/capacity');
      if (answer.status === 429) {
        asked--;
        await new Promise((done) => { setTimeout(done, 200); });
        continue;
      }
      assert.equal(answer.status, 200, answer.text);
      seen.add(answer.text);
    }
    over = true;
  };
  const change = async () => {
    for (; !over && changes < 40; changes++) await Promise.all(keepers.map((k) => set(k, changes % 2 ? 'free' : 'occupied')));
  };
  await Promise.all([...wires.map(ask), change()]);
  for (const w of wires) w.close();
  assert.equal(asked, BUDGET);
  assert.ok(changes > 1, 'nothing happened in the houses: no verdict');
  assert.ok(seen.size <= 2, `${seen.size} tables`); // two if the five minutes turned meanwhile
});

test('secret addresses have one answer in the whole country', { skip }, async () => {
  for (const type of SECRET) {
    const answers = new Set(secretRows(await table()).filter((row) => row.type === type).map((row) => row.answer));
    assert.equal(answers.size, 1, type);
  }
});

test('a house that fills changes nothing for an hour, and then never a zone', { skip, timeout: 120000 }, async () => {
  const rest = HOUR - Math.floor((Date.now() / 1000 + 5 * MINUTE) % HOUR);
  await leap(rest + 6 * MINUTE); // well within an hour
  for (const k of keepers) await set(k, 'free');
  const first = await table();
  for (let i = 0; i < 8; i++) {
    await set(keepers[i % 2], i % 4 < 2 ? 'occupied' : 'free');
    await leap(5 * MINUTE);
    const now = await table();
    assert.notEqual(now.at, first.at, 'the slot went on');
    assert.deepEqual(secretRows(now), secretRows(first), `after ${(i + 1) * 5} minutes`);
  }
  for (const k of keepers) await set(k, 'occupied');
  await leap(HOUR);
  const last = secretRows(await table());
  assert.notDeepEqual(last, secretRows(first), 'the control: an hour later it is told');
  for (const type of SECRET)
    assert.equal(new Set(last.filter((row) => row.type === type).map((row) => row.answer)).size, 1);
});

test('requests for 1, 2, 3… children and every case answer alike', { skip }, async () => {
  const shapes = new Set();
  for (const case_type of ['partner_violence', 'child_abuse', 'danger_to_life', 'trafficking', 'homelessness'])
    for (let n = 1; n <= 12; n++) {
      const household = { case_type, women: 1, men: 0, children: Array.from({ length: n }, () => ({ sex: 'female', band: '3-9' })) };
      const opened = await family.post('/v1/episodes', { channel: 'in_person', household });
      assert.equal(opened.status, 201, opened.text);
      const again = await family.get(`/v1/episodes/${opened.json.id}`);
      const { id, opened_at, expires_at, ...rest } = again.json;
      shapes.add(JSON.stringify(rest) + again.text.length);
    }
  assert.equal(shapes.size, 1, [...shapes].join('\n'));
});

test('the opener of a request sees neither tries nor holds, in no body, ETag or length, until a place is arranged', { skip }, async () => {
  const household = { case_type: 'partner_violence', women: 1, men: 0 };
  const { json: episode } = await family.post('/v1/episodes', { channel: 'phone', household });
  const path = `/v1/episodes/${episode.id}`;
  const seen = [];
  const look = async () => {
    const a = await family.get(path);
    seen.push(`${a.headers.etag} ${a.headers['content-length']} ${a.text}`);
    assert.equal((await family.get(path, { 'If-None-Match': a.headers.etag })).status, 304);
    return a;
  };
  await look();
  const step = async (...what) => { const { status, text, json } = await desk.post(...what); assert.ok(status < 300, text); return json; };
  await step(`${path}/take-over`);
  for (let i = 0; i < 3; i++) {
    const { candidates } = await step(`${path}/searches`);
    const held = await step('/v1/reservations', holdBody(episode, candidates[i]));
    await look();
    await step(`/v1/reservations/${held.id}/request`);
    await look();
    await step(`/v1/reservations/${held.id}/cancel`, { reason: 'house_did_not_answer' });
    await look();
  }
  assert.deepEqual([...new Set(seen)].length, 1, seen.join('\n'));
  const old = (await family.get(path)).headers.etag;
  const closed = await desk.post(`${path}/close`, { outcome: 'no_place' });
  assert.equal(closed.status, 200, closed.text);
  const told = await family.get(path, { 'If-None-Match': old });
  assert.deepEqual([told.status, told.json.outcome], [200, 'no_place'], 'the outcome is told');
});
