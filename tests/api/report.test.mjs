// SPDX-License-Identifier: Apache-2.0
// The yearly report of a population that this test made itself: every figure is counted here again, from what was done.  The
// sample's houses are closed, so that only the houses of this test are candidates.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Clockwork, DAY, HOUR, MINUTE, noClock as skip } from './lib/clockwork.mjs';
import { readCsv } from './lib/csv.mjs';
import { Client, root } from './lib/registry.mjs';
import { hold, openEpisode } from './lib/scenes.mjs';

const INHABITANTS = 9_540_000;
const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const ZONES = { P1: 'west', P2: 'west', P3: 'west', P4: 'south_east', P5: 'centre', P6: 'centre', P7: 'centre' };
const COUNTY = { P1: 'HU211', P2: 'HU221', P3: 'HU231', P4: 'HU331', P5: 'HU110', P6: 'HU110', P7: 'HU120' };
const WEST = ['P1', 'P2', 'P3'];
const ROOMS = 12, LICENSED = 40;
const program = join(root, process.env.MENEDEK ?? 'build/release/menedek');

let clock, r, desk, house, year;
const cases = []; // { house, end, answer, arrival, stay }: waits in seconds, as this test let time pass
const outcomes = {}; // outcome|channel: requests closed

const lines = (name) => readFileSync(join(root, `data/sample-${name}.csv`), 'utf8').split('\n').filter((l) => l && !l.startsWith('#'));
const samples = { shelters: lines('shelters'), units: lines('units') };

async function furnish() {
  const closed = samples.shelters.map((l) => l.replace(/^((?:[^,]*,){5})yes,/, '$1no,')).join('\n');
  const own = Object.keys(ZONES).map((h) => `${h},Próba Alapítvány,crisis_centre,${COUNTY[h]},${LICENSED},yes,women_alone own_county,17,,,,`);
  own.push(`Egyetlen,Próba Alapítvány,elderly_home,HU110,19,yes,women_alone,17,,,,`); // the only one of its type
  const rooms = Object.keys(ZONES).flatMap((h) => Array.from({ length: ROOMS }, (_, i) => `${h},szoba ${i},1,2,0,,,,,,,,,0`));
  r.run('import', '--quiet', '--sample', '--passphrases', join(r.certs, 'passphrases.txt'),
    `organisations=${r.file('orgs.csv', 'name,kind\nPróba Alapítvány,shelter_operator\n')}`,
    `shelters=${r.file('shelters.csv', `${closed}\n${own.join('\n')}\n`)}`,
    `units=${r.file('units.csv', `${samples.units[0]}\n${rooms.join('\n')}\n`)}`,
    `people=${r.file('people.csv', `name,organisation,roles,shelters\nproba.ugyelet,Próba Alapítvány,shelter_staff,${Object.keys(ZONES).join(';')}\n`)}`);
  r.run('device', 'add', '--quiet', '--org', 'Próba Alapítvány', '--name', 'pult', '--out', join(r.certs, 'proba'));
}

async function everybody() {
  desk = await desk.signIn('okit.anna', r.passphrase('okit.anna'));
  house = await house.signIn('proba.ugyelet', r.passphrase('proba.ugyelet'));
}
async function pass(seconds) {
  if (seconds === 0) return;
  clock.jump(seconds);
  await everybody();
}

async function step(who, scene, name, body) {
  const answer = await who.post(`/v1/reservations/${scene.reservation.id}/${name}`, body);
  assert.equal(answer.status, 200, `${name}: ${answer.text}`);
}
async function request(name) {
  const scene = { ...(await hold(desk, { name, household: ALONE })), house: name, offer: 0 };
  await step(desk, scene, 'request');
  cases.push(scene);
  return scene;
}
async function close(scene, outcome) {
  const answer = await desk.post(`/v1/episodes/${scene.episode.id}/close`, { outcome });
  assert.equal(answer.status, 200, answer.text);
  count(outcome, 'phone');
}
const count = (outcome, channel) => { outcomes[`${outcome}|${channel}`] = (outcomes[`${outcome}|${channel}`] ?? 0) + 1; };

/** Confirm after ${answer}, arrive after ${arrival} more seconds. */
async function arrivals(names, answer, arrival) {
  const scenes = [];
  for (const name of names) scenes.push(await request(name));
  await pass(answer);
  for (const s of scenes) await step(house, s, 'confirm');
  await pass(arrival);
  for (const s of scenes) {
    await step(house, s, 'arrive');
    Object.assign(s, { end: 'in_stay', answer, arrival });
    count('placed', 'phone');
  }
  return scenes;
}
/** Requests that are offered their first place after ${wait}, and at once a second, which does not count as the first. */
async function offers(names, wait) {
  const opened = [];
  for (const name of names) opened.push([name, await openEpisode(desk, ALONE)]);
  await pass(wait);
  for (const [house, episode] of opened) {
    for (const offer of [wait, undefined]) {
      const s = { ...(await hold(desk, { name: house, episode })), house, offer, end: 'declined_by_client' };
      await step(desk, s, 'client-decline', { reason: 'too_far' });
      cases.push(s);
    }
    await close({ episode }, 'client_declined');
  }
}
const three = (n) => Array.from({ length: n }, () => WEST).flat();

async function live() {
  const first = await arrivals(three(3), 0, 0);
  const second = await arrivals(three(3), 20 * MINUTE, 2 * HOUR);
  await arrivals(['P4', 'P4', 'P5', 'P5', 'P6', 'P6', 'P7', 'P7'], 0, 0);
  for (const [name, reason] of [...three(2).map((n) => [n, 'no_staff_now']), ['P1', 'acute_state'], ['P1', 'acute_state']]) {
    const s = await request(name);
    await step(house, s, 'decline', { reason });
    Object.assign(s, { end: 'declined_by_house', answer: 0, reason });
    await close(s, 'provider_declined');
  }
  for (const name of ['P1', 'P1', 'P2', 'P2', 'P3']) {
    const s = await request(name);
    await step(house, s, 'confirm');
    await step(house, s, 'no-show');
    Object.assign(s, { end: 'no_show', answer: 0 });
    await close(s, 'contact_lost');
  }
  for (const name of WEST) {
    const s = await request(name);
    await step(desk, s, 'client-decline', { reason: 'too_far' });
    s.end = 'declined_by_client';
    await close(s, 'client_declined');
  }
  await offers(three(2), 40 * MINUTE);
  for (const [channel, n] of [['phone', 7], ['chat', 6]]) {
    for (let i = 0; i < n; i++) {
      const opened = await desk.post('/v1/episodes', { channel, household: ALONE });
      assert.equal((await desk.post(`/v1/episodes/${opened.json.id}/close`, { outcome: 'no_place' })).status, 200);
      count('no_place', channel);
    }
  }
  await leave(first, 0); // two hours and twenty minutes at most
  await pass(10 * DAY);
  await leave(second.slice(0, 6), 10 * DAY);
}
async function leave(scenes, stay) {
  for (const s of scenes) {
    await step(house, s, 'leave', { reason: 'own_housing' });
    s.stay = stay;
  }
}

const menedek = (...words) => spawnSync(program, [...words, '--dir', r.dir], { encoding: 'utf8', timeout: 120000, env: { ...process.env, ...clock.environment } });
function report(name) {
  const done = menedek('report', `${year}`, '--out', join(r.work, name), '--inhabitants', `${INHABITANTS}`);
  assert.equal(done.status, 0, done.stderr);
  return Object.fromEntries(['csv', 'hu.html', 'en.html'].map((e) => [e, readFileSync(join(r.work, `${name}.${e}`), 'utf8')]));
}

let told, figures, newborn;
before(async () => {
  if (skip) return;
  clock = await new Clockwork().start();
  r = clock.registry;
  await r.stop();
  await furnish();
  const first = menedek('report', `${new Date().getUTCFullYear() - 1}`, '--out', join(r.work, 'first'));
  assert.equal(first.status, 0, first.stderr);
  newborn = readCsv(readFileSync(join(r.work, 'first.csv'), 'utf8')).rows;
  // all of it in one year, also on the last days of December
  const now = new Date(), next = new Date(now.getTime() + 20 * DAY * 1000);
  if (next.getUTCFullYear() !== now.getUTCFullYear()) clock.jump(21 * DAY);
  await r.start(clock.environment);
  year = new Date(now.getTime() + (next.getUTCFullYear() !== now.getUTCFullYear() ? 21 * DAY * 1000 : 0)).getUTCFullYear();
  desk = new Client(r, { device: r.device('counsellor') });
  house = new Client(r, { device: join(r.certs, 'proba') });
  await desk.signIn('okit.anna', r.passphrase('okit.anna'));
  await house.signInFirst('proba.ugyelet', r.passphrase('proba.ugyelet'), r.passphrase('proba.ugyelet')).catch(() => everybody());
  await live();
  desk.end();
  house.end();
  await r.stop();
  const early = menedek('report', `${year}`, '--out', join(r.work, 'early'));
  assert.notEqual(early.status, 0, 'a running year could be asked every day');
  assert.ok(!existsSync(join(r.work, 'early.csv')));
  clock.jump(Math.ceil((Date.UTC(year + 1, 0, 10) - Date.now()) / 1000));
  told = report('one');
  figures = Object.fromEntries(readCsv(told.csv).rows.map((x) => [`${x.section}|${x.row}|${x.column}`, x]));
});
after(async () => { if (r) { await r.start(clock.environment).catch(() => {}); await r.close(); } });

const rows = (section) => Object.values(figures).filter((x) => x.section === section);
const shown = (section) => Object.fromEntries(rows(section).filter((x) => x.withheld === 'no').map((x) => [`${x.row}|${x.column}`, Number(x.value)]));
const withheld = (section) => rows(section).filter((x) => x.withheld === 'yes').map((x) => `${x.row}|${x.column}`);

/** { cell: { cases, houses } } of those that ${cell} gives a name. */
function tally(cell) {
  const out = {};
  for (const c of cases) {
    const at = cell(c);
    if (at === null) continue;
    const t = (out[at] ??= { cases: 0, houses: new Set() });
    t.cases++;
    t.houses.add(c.house);
  }
  return Object.fromEntries(Object.entries(out).map(([k, t]) => [k, { cases: t.cases, houses: t.houses.size }]));
}
const isSmall = (t) => t.cases < 5 || t.houses < 3;

function countsAreTrue(section, truth) {
  for (const [cell, value] of Object.entries(shown(section))) assert.equal(value, truth[cell]?.cases ?? 0, `${section} ${cell}`);
  for (const [cell, t] of Object.entries(truth)) if (isSmall(t)) assert.ok(withheld(section).includes(cell), `${section} ${cell} is small`);
  for (const cell of withheld(section)) assert.ok(truth[cell].cases > 0, `${section} ${cell}: a zero is told`);
}

function sharesAreTrue(section, truth) {
  const sum = Object.values(truth).reduce((n, t) => n + t.cases, 0);
  const hidden = Object.keys(truth).filter((k) => isSmall(truth[k]));
  if (hidden.length === 1) hidden.push(Object.keys(truth).filter((k) => k !== hidden[0]).sort((a, b) => truth[a].cases - truth[b].cases)[0]);
  assert.deepEqual(withheld(section).sort(), hidden.sort(), section);
  for (const [cell, value] of Object.entries(shown(section)))
    assert.equal(value, Math.round((truth[cell]?.cases ?? 0) * 20 / sum) * 5, `${section} ${cell}`);
}

test('placements and refusals are what was done, small ones withheld and one more with each', { skip, timeout: 300000 }, () => {
  const placements = tally((c) => (c.end === 'in_stay' ? `crisis_centre|${ZONES[c.house]}` : null));
  countsAreTrue('placements', placements);
  assert.deepEqual(withheld('placements').sort(), ['crisis_centre|centre', 'crisis_centre|south_east'], 'the 2, and the 6 that would tell it');
  assert.equal(shown('placements')['crisis_centre|west'], 18);
  countsAreTrue('declines', tally((c) => (c.end === 'declined_by_house' ? `${c.reason}|crisis_centre` : null)));
  assert.ok(withheld('declines').includes('acute_state|crisis_centre'));
});

test('requests are counted by outcome and channel', { skip }, () => {
  for (const [cell, value] of Object.entries(shown('outcomes'))) assert.equal(value, outcomes[cell] ?? 0, cell);
  for (const [cell, n] of Object.entries(outcomes)) if (n < 5) assert.ok(withheld('outcomes').includes(cell), `${cell}: ${n}`);
  // nine of them had left again when their request's three days were over, and nobody had closed it
  assert.equal(shown('outcomes')['placed|phone'], 26, 'a family that came and left was placed');
});

test('waits, ends and stays are shares in steps of five', { skip }, () => {
  const waiting = (s) => (s < 15 * MINUTE ? 'under_15_minutes' : s < 30 * MINUTE ? 'under_30_minutes' : s < HOUR ? 'under_1_hour' : 'under_4_hours');
  sharesAreTrue('ends', tally((c) => `${c.end}|all`));
  sharesAreTrue('answers', tally((c) => (c.answer === undefined ? null : `${waiting(c.answer)}|all`)));
  sharesAreTrue('offers', tally((c) => (c.offer === undefined ? null : `${waiting(c.offer)}|all`)));
  sharesAreTrue('arrivals', tally((c) => (c.arrival === undefined ? null : `${waiting(c.arrival)}|all`)));
  sharesAreTrue('stays', tally((c) => (c.stay === undefined ? null : `${c.stay < 7 * DAY ? 'under_1_week' : 'under_4_weeks'}|all`)));
  assert.deepEqual(shown('stays')['under_1_week|all'], 60);
});

test('places and family places are counted apart, and never for fewer than three houses', { skip }, () => {
  const types = {}, typeOf = {};
  const add = (type) => (types[type] ??= { houses: 0, places: 0, family_places: 0 });
  for (const l of samples.shelters.slice(1)) {
    const [name, , type, , licensed] = l.split(',');
    typeOf[name] = type;
    add(type).houses++;
    types[type].places += Number(licensed);
  }
  for (const l of samples.units.slice(1)) {
    const [name, , adults, , , shared] = l.split(',');
    types[typeOf[name]].family_places += shared === 'yes' ? Number(adults) : 1;
  }
  add('crisis_centre').houses += 7;
  types.crisis_centre.places += 7 * LICENSED;
  types.crisis_centre.family_places += 7 * ROOMS;
  Object.assign(add('elderly_home'), { houses: 1, places: 19 });
  for (const [type, t] of Object.entries(types)) {
    for (const what of ['places', 'family_places']) {
      const x = figures[`places|${type}|${what}`], rate = figures[`per_10000|${type}|${what}`];
      if (t.houses < 3 || t.family_places < 5) assert.equal(x.withheld, 'yes', type);
      if (x.withheld === 'yes') assert.equal(rate.withheld + rate.value, 'yes', `${type}: its rate would tell it`);
      else assert.deepEqual([Number(x.value), rate.value], [t[what], (t[what] * 10000 / INHABITANTS).toFixed(2)], `${type} ${what}`);
    }
  }
  for (const what of ['places', 'family_places']) {
    assert.equal(figures[`places|elderly_home|${what}`].withheld, 'yes');
    assert.equal(figures[`places|all|${what}`].withheld, 'yes', 'the sum of all types would tell the only elderly home');
  }
  assert.ok(rows('places').some((x) => x.row === 'crisis_centre' && x.withheld === 'no'));
});

test('how fresh the data are is told as a share of the open houses, on the day it names', { skip }, () => {
  const of = (list) => Object.fromEntries(list.filter((x) => x.section === 'freshness').map((x) => [x.row, `${x.value} ${x.measure} ${x.withheld}`]));
  const all = (fresh, unknown) => ({ fresh: `${fresh} percent no`, aging: '0 percent no', unknown: `${unknown} percent no` });
  assert.deepEqual(of(newborn), all(100, 0), 'every open house had just confirmed all its rooms');
  assert.deepEqual(of(rows('freshness')), all(0, 100), 'months later none had');
  assert.ok(rows('freshness').every((x) => /^\d{4}-\d\d-\d\d$/.test(x.day)));
});

test('what regulators ask for and cannot be told is said, with the reason, in both languages', { skip }, () => {
  const gaps = rows('not_told');
  assert.deepEqual(gaps.map((x) => x.row).sort(), ['days_without_place', 'freshness_per_house', 'redirected']);
  for (const x of gaps) assert.match(`${x.column}|${x.value}|${x.withheld}`, /^(not_recorded|not_kept|would_identify)\|\|no$/, 'a gap is neither a zero nor withheld');
  for (const [lang, words] of [['hu', ['nem tud megmondani', 'másik zónába', 'Hány napon']], ['en', ['cannot tell', 'another zone', 'how many days']]])
    for (const word of words) assert.ok(told[`${lang}.html`].includes(word), `${lang}: ${word}`);
});

test('two runs give the same bytes, and a purge of all detail changes no figure', { skip }, () => {
  assert.deepEqual(report('two'), told);
  const purged = menedek('purge', '--json');
  assert.equal(purged.status, 0, purged.stderr);
  assert.match(menedek('upkeep', '--json').stdout, /"purge_removed":[1-9]/);
  assert.deepEqual(report('three'), told);
});

test('the page says the same in both languages, loads nothing, runs nothing and names nobody', { skip }, () => {
  for (const [lang, word] of [['hu', 'Elhelyezések'], ['en', 'Placements']]) {
    const page = told[`${lang}.html`];
    assert.match(page, new RegExp(`<html lang="${lang}">`));
    assert.ok(page.includes(`<h2>${word}</h2>`) && page.includes('DEM'), 'invented data are called so');
    assert.doesNotMatch(page.replaceAll('http://www.w3.org/2000/svg', ''), /<script|javascript:|https?:|url\(|@import|<link|<img|\bon\w+=/i);
    assert.doesNotMatch(page + told.csv, /Próba|Egyetlen|P[1-7]\b|szoba|Nyugat \d|okit/);
    const opened = [...page.matchAll(/<(section|svg|table|tbody|thead|tr|td|th|text|h2|p)\b/g)].map((m) => m[1]);
    for (const tag of new Set(opened)) assert.equal(page.split(`</${tag}>`).length - 1, opened.filter((t) => t === tag).length, `<${tag}> is closed`);
    const bars = [...page.matchAll(/<rect /g)].length;
    assert.equal(bars, Object.values(figures).filter((x) => Number(x.value) > 0).length, 'a bar for each figure');
    assert.ok(page.includes(lang === 'hu' ? '0,' : '0.'), 'numbers as the language writes them');
  }
});

test('what is no year is a usage error', { skip }, () => {
  for (const bad of [['26'], ['2025-Q1'], ['2025', '2026'], [], ['2025', '--inhabitants', '0']])
    assert.equal(menedek('report', '--out', join(r.work, 'x'), ...bad).status, 2, bad.join(' '));
  assert.ok(execFileSync(program, ['help', 'report'], { encoding: 'utf8' }).includes('--inhabitants'));
});
