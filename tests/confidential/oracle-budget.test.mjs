// SPDX-License-Identifier: Apache-2.0
// Each role with all its rights and thousands of requests: every read there is, with the ids of everything that is somebody else's
// (stolen for the test, nobody could guess them), again and again while others work.  No answer may hold a location, an
// operator, a county, a house's id or a secret house's name; what is not theirs must look like nothing, byte for byte.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { enrol, orgNamed } from '../api/lib/devices.mjs';
import { Registry, ROLES, root } from '../api/lib/registry.mjs';
import { hold, openEpisode, ownHouse, search } from '../api/lib/scenes.mjs';
import { ROLES_OF, ROWS } from '../api/lib/routes.mjs';
import { listen } from '../api/lib/stream.mjs';
import { Wire } from './lib/wire.mjs';

const slow = ['asan', 'tsan'].includes(process.env.VARIANT);
const budget = Number(process.env.ORACLE_BUDGET ?? (slow ? 150 : 10000)); // for each role
const DEVICES = slow ? 1 : 3; // of each person: one may ask 2,000 times at once and then 200 times a second
const WIRES = 2; // of each device
const NOBODYS = '7'.repeat(26);
const csv = (name) => readFileSync(join(root, 'data', name), 'utf8').split('\n').slice(2).filter(Boolean);
const HOUSES = csv('sample-shelters.csv').map((l) => l.split(','));
const LOCATIONS = csv('sample-locations.csv').flatMap((l) => [l.match(/"([^"]+)"/)[1], l.match(/\+36 [\d ]+/)[0].trim()]);
const OPERATORS = [...new Set(HOUSES.map((h) => h[1]))];
const COUNTIES = [...new Set(HOUSES.map((h) => h[3]))];
const SECRET_NAMES = HOUSES.filter((h) => ['secret_house', 'protected_shelter'].includes(h[2])).map((h) => `"${h[0]}"`);

let r, ids, shelters, own, ofOperator, ownLocation;
const clients = {};

before(async () => {
  r = await new Registry().start();
  const admin = await r.as('admin');
  for (const role of ROLES) {
    const { user, passphrase } = r.credentials(role);
    clients[role] = [await r.as(role)];
    const org = await orgNamed(r, csvOrg(user));
    for (let i = 1; i < DEVICES; i++) {
      const name = `${role}-${i}`;
      await enrol(r, org, name);
      clients[role].push(await r.bare(name).signIn(user, passphrase));
    }
  }
  const list = async (path) => (await admin.get(`${path}?limit=100`)).json.data.map((x) => x.id);
  shelters = await list('/v1/shelters');
  const named = (await admin.get('/v1/shelters?limit=100')).json.data;
  const operator = HOUSES.find((h) => h[0] === 'Nyugat 1')[1];
  ofOperator = named.filter((x) => HOUSES.some((h) => h[0] === x.code_name && h[1] === operator)).map((x) => x.id);
  own = await ownHouse(clients.shelter_staff[0]);
  const told = (await clients.shelter_staff[0].get(`/v1/shelters/${own}/location`)).json;
  ownLocation = [told.address, told.intake_phone];
  const scenes = [await hold(clients.counsellor[0], { name: 'Nyugat 1' }), await hold(clients.counsellor[0], { name: 'Közép 1' })];
  ids = { shelter: shelters, org: await list('/v1/organisations'), user: await list('/v1/users'), device: await list('/v1/devices'),
    episode: scenes.map((s) => s.episode.id), reservation: scenes.map((s) => s.reservation.id), unit: [NOBODYS] };
});
after(() => r.close());

function csvOrg(user) {
  if (user === 'admin') return 'A nyilvántartás üzemeltetője (minta)';
  return csv('sample-people.csv').map((l) => l.split(',')).find(([name]) => name === user)[1];
}

/** Paths that ${role} may ask, with an id that is not there and every known one in every place. */
function paths(role) {
  const all = [];
  for (const row of ROWS.filter((x) => x.verb === 'GET' && !x.flags.includes('R_STREAM') && !x.path.startsWith('/openapi'))) {
    if (row.permission !== 'DEVICE' && !ROLES_OF[row.permission].includes(role)) continue;
    const name = row.params[0];
    if (row.operation === 'audit_list') continue; // it reads thousands of rows for one answer: asked by itself, below
    const known = name ? [NOBODYS, ...ids[name]] : [''];
    for (const id of known) all.push(row.path.replace(/\{\w+\}/g, (_) => id || NOBODYS));
    if (!name && row.operation !== 'audit_list') for (const n of [1, 2, 3, 50]) all.push(`${row.path}?limit=${n}`);
  }
  for (const t of ['placements', 'outcomes', 'declines'])
    if (ROLES_OF.STATISTICS.includes(role)) for (const y of [2024, 2025, '2025-Q1', '2026-Q1']) all.push(`/v1/statistics?table=${t}&period=${y}`);
  return all;
}

const unlike = (answer) => answer.text.replaceAll(/[0-9a-hjkmnp-tv-z]{26}/g, 'ID');

/** What one role was told: every text and number, the shapes of the refusals, and how often which status came. */
class Loot {
  statuses = {};
  hidden = new Set();
  #texts = new Set(); // most answers come again and again: looking at each once is what makes the budget affordable
  #words = new Set();

  take(answer) {
    this.statuses[answer.status] = (this.statuses[answer.status] ?? 0) + 1;
    if (this.#texts.has(answer.text)) return;
    this.#texts.add(answer.text);
    for (const [word] of answer.text.matchAll(/"number":\d|"(county":")?[^"]*"/g)) this.#words.add(word);
    if (answer.status === 404) this.hidden.add(`${answer.text.length} ${unlike(answer)}`);
  }

  get answers() { return Object.values(this.statuses).reduce((a, b) => a + b, 0); }

  done() {
    this.told = [...this.#words].join('\n');
    this.#texts.clear();
    return this;
  }
}

/** Too fast: to be sent again.  A longer wait is for the person, who has looked at unusually much: that is an answer. */
const isDevicesLimit = (answer) => answer.status === 429 && Number(answer.head.match(/\r\nretry-after: (\d+)/i)[1]) <= 2;

/** Spend the budget: ${budget} requests that were answered; those that a device's limit sent back are sent again. */
async function spend(role) {
  const wires = await Promise.all(clients[role].flatMap((c) => Array.from({ length: WIRES }, () => Wire.open(c))));
  const all = paths(role);
  const loot = new Loot();
  let asked = 0;
  if (ROLES_OF.AUDIT_READ.includes(role)) all.unshift(...Array.from({ length: 20 }, (_, i) => `/v1/audit?limit=${i * 5 + 1}`));
  await Promise.all(wires.map(async (wire) => {
    while (asked < budget) {
      const n = asked++;
      const path = all[n < all.length ? n : 20 + (n % (all.length - 20))];
      let answer = await wire.ask('GET', path);
      for (; isDevicesLimit(answer); answer = await wire.ask('GET', path)) await new Promise((done) => { setTimeout(done, 200); });
      loot.take(answer);
    }
  }));
  for (const w of wires) w.close();
  return loot.done();
}

const seenBy = {};
test(`${ROLES.length} roles spend ${budget} requests each`, { timeout: 600000 }, async (t) => {
  const began = Date.now();
  const working = (async () => {
    for (let i = 0; i < 20; i++) await search(clients.counsellor[0], await openEpisode(clients.counsellor[0]));
  })();
  await Promise.all(ROLES.map(async (role) => { seenBy[role] = await spend(role); }));
  await working;
  t.diagnostic(`${ROLES.length * budget} requests in ${Math.round((Date.now() - began) / 1000)} s`);
  for (const role of ROLES) {
    const { answers, statuses } = seenBy[role];
    t.diagnostic(`${role}: ${answers} answered, ${Object.entries(statuses).map(([s, n]) => `${n} with ${s}`).join(', ')}`);
    assert.equal(answers, budget, role);
    assert.ok(statuses[200] > budget / 50, `${role} was told next to nothing: the attack has lost its rights`);
  }
});

const finds = (role, words) => words.filter((w) => seenBy[role].told.includes(w));
for (const role of ROLES) {
  const isHouse = role.startsWith('shelter_');

  test(`${role} learnt no location`, () =>
    assert.deepEqual(finds(role, LOCATIONS).filter((w) => !isHouse || !ownLocation.includes(w)), []));

  test(`${role} could not tell what is another's from what is not there`, () =>
    assert.equal(seenBy[role].hidden.size, paths(role).some((path) => path.includes(NOBODYS)) ? 1 : 0, [...seenBy[role].hidden].join('\n')));

  if (!isHouse && role !== 'admin')
    test(`${role} learnt no operator, no house's id and no secret name`, () =>
      assert.deepEqual(finds(role, [...OPERATORS, ...shelters, ...SECRET_NAMES]), []));

  if (!isHouse)
    test(`${role} learnt no county of any house`, () => // (the code lists name all counties to all)
      assert.deepEqual(COUNTIES.filter((c) => seenBy[role].told.includes(`"county":"${c}"`)), []));

  if (isHouse)
    test(`${role} learnt of no house of another operator`, () => // a manager sees her organisation's people and where they work
      assert.deepEqual(finds(role, shelters.filter((s) => !ofOperator.includes(s))), []));
}

test('row numbers of the trail are for those who check it', () => {
  for (const role of ['counsellor', 'shift_lead', 'shelter_staff', 'shelter_manager', 'family_support'])
    assert.ok(!/"number":\d/.test(seenBy[role].told), role);
  assert.ok(/"number":\d/.test(seenBy.auditor.told));
});

test('ids are random: neither their order nor their parts follow the order in which they were made', async () => {
  const made = [];
  for (let i = 0; i < 200; i++) made.push((await openEpisode(clients.counsellor[0])).id);
  let rising = 0;
  for (let i = 1; i < made.length; i++) rising += made[i] > made[i - 1];
  assert.ok(Math.abs(rising - 99.5) < 5 * Math.sqrt(200 / 12), `${rising} of 199 rise`); // runs up: variance (n+1)/12
  for (let place = 1; place < 26; place++) assert.ok(new Set(made.map((id) => id[place])).size > 20, `character ${place}`);
});

test('cursors have one length, never come twice, and cannot be used by another', async () => {
  const seen = [];
  for (let i = 0; i < 5; i++) seen.push((await clients.counsellor[0].get('/v1/episodes?limit=1')).json.next_cursor);
  for (let i = 0; i < 5; i++) seen.push((await clients.counsellor[0].get('/v1/audit?limit=1')).json.next_cursor);
  assert.equal(new Set(seen).size, seen.length);
  assert.equal(new Set(seen.map((c) => c.length)).size, 1);
  for (const c of seen) assert.equal((await clients.shift_lead[0].get(`/v1/episodes?cursor=${c}`)).status, 400);
});

test('one event has another id for each who hears it, and none tells how many there were', async () => {
  const [a, b] = [await listen(clients.counsellor[0]), await listen(clients.shift_lead[0])];
  const episode = await openEpisode(clients.counsellor[0]);
  const [x, y] = [await a.hears('episode.opened', episode.id), await b.hears('episode.opened', episode.id)];
  assert.notEqual(x.id, y.id);
  assert.equal(x.id.length, y.id.length);
  const back = await listen(clients.counsellor[0], y.id);
  assert.ok(await back.hears('reset'), "a colleague's place is no place");
  for (const s of [a, b, back]) s.close();
});

test('the same thing has another pseudonym for each reader of the trail', async () => {
  const actors = async (role) => new Set((await clients[role][0].get('/v1/audit?limit=100')).json.data.map((e) => e.actor).filter(Boolean));
  const [auditor, lead] = [await actors('auditor'), await actors('shift_lead')];
  const both = [...auditor].filter((x) => lead.has(x));
  const self = (await clients.shift_lead[0].get('/v1/me')).json.user;
  assert.deepEqual(both.filter((x) => x !== self), []);
});
