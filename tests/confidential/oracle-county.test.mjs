// SPDX-License-Identifier: Apache-2.0
// No oracle by searching: a counsellor opens as many requests as she likes, with one danger county (or home county) after the
// other, with 1, 2, 3… children and every case, and looks which candidates come and go, in which order and with what facts.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { comes } from '../api/lib/patience.mjs';
import { Registry, root } from '../api/lib/registry.mjs';
import { holdBody, openEpisode, search } from '../api/lib/scenes.mjs';

const HOUSES = readFileSync(join(root, 'data/sample-shelters.csv'), 'utf8').split('\n').slice(2).filter(Boolean)
  .map((l) => l.split(',')).map(([name, operator, type, county]) => ({ name, operator, type, county }));
const COUNTIES = [...new Set(HOUSES.map((h) => h.county))].sort();
const NAMELESS = ['secret_house', 'protected_shelter'];
const region = (county) => (county.startsWith('HU1') ? 'HU1' : county.slice(0, 4));
const DANGER = { case_type: 'danger_to_life', danger_to_life: true, women: 1, men: 0, children: [{ sex: 'female', band: '3-9' }] };
const TRAFFICKED = { case_type: 'trafficking', danger_to_life: true, women: 1, men: 0 };

let r, desk;
before(async () => {
  r = new Registry();
  // what the attacker could learn if nobody slowed him down; that he is, the last test shows
  const free = ['search', 'candidate', 'request'].map((c) => `${c},60000,60000,60000,22,6,0,0`);
  writeFileSync(join(r.dir, 'breadth.csv'), `class,hour,night,day,night_from,night_to,delay,delay_max\n${free.join('\n')}\n`);
  await r.start();
  desk = await r.as('counsellor');
});
after(() => r.close());

const look = async (household) => search(desk, await openEpisode(desk, household));

/**
 * What ${ask} gives, asked anew if the clock's hour turned meanwhile: what staff of a secret house said is told by the hour, so
 * at its turn it may be aging for who asks next.
 */
async function withinAnHour(ask) {
  const hour = () => Math.floor(Date.now() / 3600_000);
  for (;;) {
    const began = hour();
    const told = await ask();
    if (hour() === began) return told;
  }
}

/** The candidates of ${types} without what is of this request only.  (Near misses are five at random.) */
const facts = (found, types) => found.candidates.filter((c) => types.includes(c.type))
  .map(({ candidate, code_name, ...rest }) => JSON.stringify(rest)).sort().join('\n');
const names = (found) => [...found.candidates, ...found.near_misses].map((c) => c.code_name);

/** Ask with each county; per county what is told of ${types}, and which names are gone against ${all}. */
async function differencing(household, field, types) {
  const all = names(await look(household));
  const told = {};
  const gone = {};
  for (const county of COUNTIES) {
    const found = await look({ ...household, [field]: field === 'home_county' ? county : [county] });
    told[county] = facts(found, types);
    const seen = names(found);
    for (const name of all.filter((n) => !seen.includes(n))) (gone[name] ??= []).push(county);
  }
  return { told, gone };
}

for (const [label, household] of Object.entries({ 'danger to life': DANGER, trafficking: TRAFFICKED }))
  for (const field of ['danger_counties', 'home_county'])
    test(`${field} one after the other (${label}): neighbours of a region exclude the same secret houses`, async () => {
      const { told } = await withinAnHour(() => differencing(household, field, NAMELESS));
      for (const county of COUNTIES)
        for (const other of COUNTIES.filter((c) => region(c) === region(county)))
          assert.equal(told[county], told[other], `${county} and ${other}`);
    });

test('danger counties one after the other tell the region of a crisis centre, and the county of a public home', async () => {
  const violence = { case_type: 'partner_violence', women: 1, men: 0, children: [{ sex: 'female', band: '3-9' }] };
  const { gone } = await differencing(violence, 'danger_counties', []);
  const known = Object.fromEntries(HOUSES.map((h) => [h.name, h]));
  let secret = 0, open = 0;
  for (const [name, counties] of Object.entries(gone)) {
    const house = known[name];
    if (!house) continue;
    if (house.type === 'family_home') {
      open += counties.includes(house.county);
      continue;
    }
    const those = COUNTIES.filter((c) => region(c) === region(house.county));
    // besides, a row may have been pushed out of the list's end; it is never one county alone
    assert.ok(those.every((c) => counties.includes(c)), `${name}: ${counties}`);
    secret++;
  }
  assert.ok(secret > 5, `only ${secret} centres: the test proves nothing`);
  assert.ok(open > 0, 'the control: where the address is public, the county is found');
});

test('shares of what blocks do not tell counties of a region apart', async () => {
  const no_homes = { case_type: 'trafficking', danger_to_life: true, women: 1, men: 0, pet: true };
  for (const set of [['HU211', 'HU221', 'HU231'], ['HU311', 'HU321']]) {
    const near = set.map((c) => COUNTIES.find((x) => x !== c && region(x) === region(c)));
    const [a, b] = await withinAnHour(async () =>
      [await look({ ...no_homes, danger_counties: set }), await look({ ...no_homes, danger_counties: near })]);
    assert.ok(a.blocked.some((x) => x.reason === 'in_danger_county'), 'no county blocks any house: no verdict');
    const shares = ({ blocked, fits, full, unknown }) => ({ blocked, fits, full, unknown });
    assert.deepEqual([facts(a, NAMELESS), shares(a)], [facts(b, NAMELESS), shares(b)]);
  }
});

test('a secret house has a name for one request, the same in it and another in the next', async () => {
  const real = new Set(HOUSES.map((h) => h.name));
  const seen = new Map();
  let again = 0;
  for (let i = 0; i < 60; i++) {
    const episode = await openEpisode(desk, DANGER);
    const [first, second] = await withinAnHour(async () => [await search(desk, episode), await search(desk, episode)]);
    const secret = (found) => found.candidates.filter((c) => c.type === 'secret_house').map((c) => c.code_name);
    assert.deepEqual(secret(first), secret(second));
    assert.equal(new Set(secret(first)).size, secret(first).length, 'two houses of one name');
    for (const name of secret(first)) {
      assert.ok(!real.has(name), name);
      again += seen.has(name);
      seen.set(name, i);
    }
  }
  assert.ok(seen.size > 60, `${seen.size} names`);
  assert.ok(again <= seen.size / 50, `${again} of ${seen.size} names came again`); // 25,600 names: now and then by chance
});

test('a reservation in a secret house keeps that name for its desk, and the house knows itself', async () => {
  const episode = await openEpisode(desk, DANGER);
  const candidate = (await search(desk, episode)).candidates.find((c) => c.type === 'secret_house');
  const made = await desk.post('/v1/reservations', holdBody(episode, candidate));
  assert.equal(made.status, 201, made.text);
  const path = `/v1/reservations/${made.json.id}`;
  assert.equal(made.json.code_name, candidate.code_name);
  assert.equal((await desk.get(path)).json.code_name, candidate.code_name);
  assert.equal((await desk.get(`${path}/sheet`)).json.code_name, candidate.code_name);
  const text = (await desk.get('/v1/reservations')).text;
  for (const h of HOUSES.filter((x) => NAMELESS.includes(x.type))) assert.ok(!text.includes(`"${h.name}"`), h.name);
  await desk.post(`${path}/cancel`, { reason: 'entered_by_mistake' });
});

test('the order is that of the facts shown, and among equals another in each request', async () => {
  const keyOf = (c) => [c.answer, c.freshness, c.type, c.spare, c.confirmed_at].join();
  const orders = new Map(); // of two houses with names and equal facts: who was first
  for (let i = 0; i < 60; i++) {
    const found = await look(DANGER);
    const rows = [...found.near_misses.map((c) => ({ ...c, key: 'near' })), ...found.candidates.map((c) => ({ ...c, key: keyOf(c) }))]
      .filter((c) => !NAMELESS.includes(c.type));
    for (let a = 0; a < rows.length; a++)
      for (let b = a + 1; b < rows.length; b++) {
        if (rows[a].key !== rows[b].key) continue;
        const [first, second] = [rows[a].code_name, rows[b].code_name];
        const pair = [first, second].sort().join('|');
        const o = orders.get(pair) ?? { before: 0, all: 0 };
        o.all++;
        o.before += pair.startsWith(`${first}|`);
        orders.set(pair, o);
      }
  }
  const often = [...orders].filter(([, o]) => o.all >= 25); // always one order by chance: one of 17 million times
  assert.ok(often.length > 0, 'no two with equal facts were seen often: no verdict');
  for (const [pair, o] of often) assert.ok(o.before > 0 && o.before < o.all, `${pair} always in one order, ${o.all} times`);
});

test('1, 2, 3… children and every case: of a secret house never more than two spare places, nor a minute', async () => {
  let rows = 0;
  for (const base of [DANGER, TRAFFICKED, { ...DANGER, case_type: 'partner_violence' }, { ...DANGER, case_type: 'child_abuse' }])
    for (let n = 1; n <= 12; n++) {
      const children = Array.from({ length: n }, (_, i) => ({ sex: i % 2 ? 'female' : 'male', band: i % 3 ? '3-9' : '0-2' }));
      const found = await look({ ...base, children });
      assert.ok(found.fits <= 20 && found.full <= 5 && found.unknown <= 20);
      for (const c of found.candidates.filter((x) => NAMELESS.includes(x.type))) {
        assert.ok(c.spare <= 2 && c.places <= n + 1 + 2, JSON.stringify(c));
        assert.equal(c.step_free, false, 'told only to who asks for it');
        if (c.confirmed_at) assert.match(c.confirmed_at, /T\d\d:00:00Z$/);
        rows++;
      }
    }
  assert.ok(rows > 10, 'no secret house was seen: the test proves nothing');
});

test('as the program is set, who differences is told of after 24 requests and slowed after 240 searches', async () => {
  const strict = new Registry();
  writeFileSync(join(strict.dir, 'breadth.csv'), 'class,hour,night,day,night_from,night_to,delay,delay_max\n');
  await strict.start();
  try {
    const attacker = await strict.as('counsellor');
    const alerts = async () => (await (await strict.as('shift_lead')).get('/v1/alerts')).json.data;
    const hears = (kind, least = 0) => comes(async () => (await alerts()).some((a) => a.class === kind && a.last_hour >= least), `nobody was told of ${kind}`);
    const episodes = [];
    for (let i = 0; i < 18; i++) episodes.push(await openEpisode(attacker, DANGER));
    assert.deepEqual(await alerts(), [], 'six requests an hour are a terrible night, eighteen are not yet an alarm');
    for (let i = 0; i < 8; i++) episodes.push(await openEpisode(attacker, DANGER));
    await hears('request');
    let searches = 0;
    const ask = () => attacker.post(`/v1/episodes/${episodes[searches % episodes.length].id}/searches`);
    let answer;
    do answer = await ask();
    while (answer.status === 200 && ++searches < 700); // 240, and what one second brings before they are in the trail
    if (answer.status === 200) { // the disk was slower than she: half a minute to wait, once they are
      await hears('search', searches);
      answer = await ask();
    }
    assert.deepEqual([answer.status, answer.json.code], [429, 'unusual_breadth']);
    await hears('search');
    const more = await attacker.post('/v1/episodes', { channel: 'phone', household: DANGER });
    assert.equal(more.status, 201, 'a call for help is never held up');
  } finally { await strict.close(); }
});
