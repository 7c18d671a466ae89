// SPDX-License-Identifier: Apache-2.0
// What both stores of the peer share: tables, the search's text, rows of the network's CSV, answers.
import { randomBytes, randomUUID } from 'node:crypto';

export const id = () => randomBytes(16).toString('hex');
export const now = () => new Date().toISOString();

export const TABLES = `
create table houses(id text primary key, n integer, code_name text, type text, zone text, county text, protected integer, open integer,
  licensed integer, taken integer, women_alone integer, fathers integer, pets integer, boy_max_age integer, max_children integer);
create table units(id text primary key, house text, name text, adult_beds integer, child_beds integer, cots integer, beds integer,
  step_free integer, free integer, confirmed_at text);
create table episodes(id text primary key, who text, adults integer, children integer, babies integer, boys_to integer, step_free integer,
  salt integer, reservation text, attempts integer, opened_at text);
create table reservations(id text primary key, episode text, house text, unit text, who text, state text, persons integer, need text,
  contact_channel text, check_word text, number text, held_at text, expires_at text, version integer);
create table events(id ID_TYPE, house text, subject text, kind text, at text);
create table audit(id ID_TYPE, who text, action text, object text, detail text, at text);
create table kept(key text primary key, answer text, at text);`;
export const INDEXES = `
create index units_house on units(house);
create index units_free on units(house, beds) where free = 1;`;

/** $1 adults, $2 persons, $3 babies, $4 step free wanted, $5 children, $6 age of the oldest boy or -1, $7 a number of the episode. */
const FITS = `select h.id, h.code_name, h.type, h.zone, h.protected, f.unit, f.spare, f.places, f.confirmed_at, f.step_free
  from (select house, min(id) unit, min(beds) - $2 spare, min(beds) places, max(confirmed_at) confirmed_at, max(step_free) step_free
    from units where free = 1 and beds >= $2 and adult_beds >= $1 and (cots >= $3 or child_beds > 0) and step_free >= $4 group by house) f
  join houses h on h.id = f.house`;
const RULES = `h.open = 1 and h.taken + $2 <= h.licensed and (h.women_alone = 1 or $5 > 0)
  and $5 <= h.max_children and $6 <= h.boy_max_age`;
export const SEARCH = `${FITS} where ${RULES} order by h.protected desc, f.confirmed_at desc, f.spare, (h.n * $7) % 1000003 limit 20`;
/** $1 a number of the episode. */
export const FULL = `select h.code_name, h.type, h.zone from houses h where h.open = 1 and not exists
  (select 1 from units u where u.house = h.id and u.free = 1) order by (h.n * $1) % 1000003 limit 5`;

export function answerSearch(episode, hits, full) {
  return { episode: episode.id, at: now(), fits: hits.length, full: full.length,
    candidates: hits.map((h) => ({ candidate: h.id, code_name: h.code_name, type: h.type, zone: h.zone, answer: 'capacity', freshness: 'fresh',
      units: 1, places: h.places, spare: h.spare, step_free: h.step_free === 1, address_unprotected: h.protected === 0, confirmed_at: h.confirmed_at })),
    near_misses: full.map((h) => ({ code_name: h.code_name, type: h.type, zone: h.zone, freshness: 'fresh', reasons: ['full'] })) };
}

export function newEpisode(who, household) {
  const children = household.children ?? [];
  const age = { '0-2': 2, '3-9': 9, '10-13': 13, '14-17': 17 };
  return { id: id(), who, adults: (household.women ?? 0) + (household.men ?? 0), children: children.length,
    babies: children.filter((c) => c.band === '0-2').length,
    boys_to: Math.max(-1, ...children.filter((c) => c.sex === 'male').map((c) => age[c.band] ?? 17)),
    step_free: household.step_free ? 1 : 0, salt: 1 + Math.floor(Math.random() * 999_999), opened_at: now() };
}

export const searchValues = (e) => [e.adults, e.adults + e.children, e.babies, e.step_free, e.children, e.boys_to, e.salt];

export function newReservation(who, body, house, unit, persons) {
  return { id: id(), episode: body.episode, house: house.id, unit, who, state: 'held', persons, need: body.need,
    contact_channel: body.contact_channel, check_word: 'tavasz', number: randomUUID().slice(0, 6), held_at: now(),
    expires_at: new Date(Date.now() + 1_800_000).toISOString(), version: 1, code_name: house.code_name };
}

const PROTECTED = new Set(['secret_house', 'crisis_centre', 'halfway_house', 'protected_shelter']);

/** Rows of houses and units from what data.mjs gives. */
export function networkRows({ houses, units }) {
  const ids = new Map();
  const houseRows = houses.map((h, n) => {
    const admits = h.admits.split(' ');
    ids.set(h.code_name, id());
    return [ids.get(h.code_name), n + 1, h.code_name, h.type, h.county.slice(0, 4), h.county, PROTECTED.has(h.type) ? 1 : 0, h.open === 'yes' ? 1 : 0,
      Number(h.licensed_capacity), 0, admits.includes('women_alone') ? 1 : 0, admits.includes('fathers') ? 1 : 0, admits.includes('pets') ? 1 : 0,
      Number(h.boy_max_age || 17), Number(h.max_children || 12)];
  });
  const unitRows = units.map((u) => [id(), ids.get(u.shelter), u.name, Number(u.adult_beds), Number(u.child_beds), Number(u.cots),
    Number(u.adult_beds) + Number(u.child_beds) + Number(u.cots), u.step_free === 'yes' ? 1 : 0,
    Number(u.adults) + Number(u.children) === 0 && u.out_of_use !== 'yes' ? 1 : 0, now()]);
  return { houseRows, unitRows };
}
