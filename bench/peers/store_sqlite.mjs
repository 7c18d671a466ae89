// SPDX-License-Identifier: Apache-2.0
// The peer's store in SQLite: write-ahead log, every commit synced, one writer at a time, prepared statements.
import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { answerSearch, FULL, INDEXES, networkRows, newEpisode, newReservation, now, SEARCH, searchValues, TABLES } from './common.mjs';

const connect = ({ database }) => {
  const db = new Database(database);
  for (const pragma of ['journal_mode=WAL', 'synchronous=FULL', 'busy_timeout=5000', 'cache_size=-262144', 'mmap_size=1073741824']) db.pragma(pragma);
  return db;
};
const marks = (n) => Array.from({ length: n }, () => '?').join(',');
// $1, $2 under names, as this library wants them
const numbered = (sql) => sql.replace(/\$(\d)/g, '@p$1');
const values = (list) => Object.fromEntries(list.map((v, i) => [`p${i + 1}`, v]));

export async function prepare(settings) {
  const db = connect(settings);
  db.exec(TABLES.replaceAll('ID_TYPE', 'integer primary key'));
  const { houseRows, unitRows } = networkRows(JSON.parse(readFileSync(settings.network, 'utf8')));
  const house = db.prepare(`insert into houses values(${marks(15)})`), unit = db.prepare(`insert into units values(${marks(10)})`);
  db.transaction(() => {
    for (const r of houseRows) house.run(r);
    for (const r of unitRows) unit.run(r);
  })();
  db.exec(INDEXES);
  db.exec('analyze');
  db.close();
}

export async function open(settings) {
  const db = connect(settings);
  const p = (sql) => db.prepare(sql);
  const q = { search: p(numbered(SEARCH)), full: p(numbered(FULL)), episode: p('select * from episodes where id=?'),
    opened: p(`insert into episodes values(${marks(11)})`), kept: p('select answer from kept where key=?'), keep: p('insert into kept values(?,?,?)'),
    house: p('select id, code_name, taken, licensed, open from houses where id=?'),
    unit: p('select id from units where house=? and free=1 and beds>=? and adult_beds>=? order by beds, id limit 1'),
    take: p('update units set free=0 where id=?'), release: p('update units set free=1 where id=?'), fill: p('update houses set taken=taken+? where id=?'),
    reserve: p(`insert into reservations values(${marks(14)})`), reservation: p('select r.*, h.code_name from reservations r join houses h on h.id=r.house where r.id=?'),
    end: p("update reservations set state='cancelled', version=version+1 where id=?"),
    episodeHas: p('update episodes set reservation=?, attempts=attempts+1 where id=?'),
    event: p('insert into events(house,subject,kind,at) values(?,?,?,?)'), audit: p('insert into audit(who,action,object,detail,at) values(?,?,?,?,?)'),
    units: p('select id, name, free, adult_beds, child_beds, cots, beds, step_free, confirmed_at from units where house=?'),
    state: p('update units set free=?, confirmed_at=? where id=? and house=?') };

  const hold = db.transaction((who, key, body) => {
    const before = q.kept.get(key);
    if (before) return JSON.parse(before.answer);
    const e = q.episode.get(body.episode), house = q.house.get(body.candidate);
    const persons = e ? e.adults + e.children : 0;
    if (!e || e.reservation || !house || !house.open || house.taken + persons > house.licensed) return null;
    const unit = q.unit.get(house.id, persons, e.adults);
    if (!unit) return null;
    const r = newReservation(who, body, house, unit.id, persons);
    q.take.run(unit.id);
    q.fill.run(persons, house.id);
    q.reserve.run(r.id, r.episode, r.house, r.unit, who, r.state, persons, r.need, r.contact_channel, r.check_word, r.number, r.held_at, r.expires_at, 1);
    q.episodeHas.run(r.id, e.id);
    q.event.run(house.id, r.id, 'held', r.held_at);
    q.audit.run(who, 'reservations_create', r.id, body.need, r.held_at);
    q.keep.run(key, JSON.stringify(r), r.held_at);
    return r;
  });
  const cancel = db.transaction((who, key, id) => {
    const before = q.kept.get(key);
    if (before) return JSON.parse(before.answer);
    const r = q.reservation.get(id);
    if (!r || r.state !== 'held') return null;
    Object.assign(r, { state: 'cancelled', version: r.version + 1 });
    q.end.run(id);
    q.release.run(r.unit);
    q.fill.run(-r.persons, r.house);
    q.episodeHas.run(null, r.episode);
    q.event.run(r.house, id, 'cancelled', now());
    q.audit.run(who, 'reservations_cancel', id, '', now());
    q.keep.run(key, JSON.stringify(r), now());
    return r;
  });
  const change = db.transaction((who, house, changes) => {
    for (const c of changes) if (q.state.run(c.state === 'free' ? 1 : 0, now(), c.unit, house).changes !== 1) throw new Error('no such unit');
    q.event.run(house, house, 'availability', now());
    q.audit.run(who, 'availability_change', house, '', now());
    return q.units.all(house);
  });

  // searches are audited like the service's: together, by somebody nobody waits for
  let looks = [];
  const writeLooks = db.transaction((rows) => { for (const r of rows) q.audit.run(r); });
  setInterval(() => {
    const rows = looks;
    looks = [];
    if (rows.length > 0) writeLooks.immediate(rows);
  }, 20);
  return {
    openEpisode: async (who, household) => {
      const e = newEpisode(who, household);
      q.opened.run(e.id, who, e.adults, e.children, e.babies, e.boys_to, e.step_free, e.salt, null, 0, e.opened_at);
      return e;
    },
    search: async (who, id) => {
      const e = q.episode.get(id);
      if (!e) return null;
      looks.push([who, 'searches_create', id, '', now()]);
      return answerSearch(e, q.search.all(values(searchValues(e))), q.full.all(values([e.salt])));
    },
    hold: async (...all) => hold.immediate(...all),
    cancel: async (...all) => cancel.immediate(...all),
    units: async (house) => q.units.all(house),
    change: async (...all) => change.immediate(...all),
  };
}
