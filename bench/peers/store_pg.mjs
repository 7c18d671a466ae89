// SPDX-License-Identifier: Apache-2.0
// The peer's store in PostgreSQL: a pool for each worker, prepared statements, row locks on the house, every commit synced
// and grouped as PostgreSQL does it.  A reservation is four round trips: begin with the lock, look, write all, commit.
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { answerSearch, FULL, INDEXES, networkRows, newEpisode, newReservation, now, SEARCH, searchValues, TABLES } from './common.mjs';

// the types that PostgreSQL cannot guess from "$2 + $3"
const typed = (sql) => sql.replace(/\$(\d)/g, '$$$1::int');
const named = (name, text, values) => ({ name, text, values });
const ROWS = 500;

async function insert(pool, table, rows) {
  for (let i = 0; i < rows.length; i += ROWS) {
    const part = rows.slice(i, i + ROWS), width = part[0].length;
    const marks = part.map((_, r) => `(${part[r].map((__, c) => `$${r * width + c + 1}`).join(',')})`).join(',');
    await pool.query(`insert into ${table} values${marks}`, part.flat());
  }
}

export async function prepare(settings) {
  const pool = new pg.Pool({ ...settings.database, max: 2 });
  await pool.query(TABLES.replaceAll('ID_TYPE', 'bigint generated always as identity primary key'));
  const { houseRows, unitRows } = networkRows(JSON.parse(readFileSync(settings.network, 'utf8')));
  await insert(pool, 'houses', houseRows);
  await insert(pool, 'units', unitRows);
  await pool.query(INDEXES);
  await pool.query('vacuum analyze');
  await pool.end();
}

const HOLD = `with t as (update units set free=0 where id=$4), h as (update houses set taken=taken+$7::int where id=$3),
  e as (update episodes set reservation=$1, attempts=attempts+1 where id=$2),
  v as (insert into events(house,subject,kind,at) values($3,$1,'held',$12)),
  a as (insert into audit(who,action,object,detail,at) values($5,'reservations_create',$1,$8,$12)),
  k as (insert into kept values($14,$15,$12))
  insert into reservations values($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,1)`;
const CANCEL = `with r as (update reservations set state='cancelled', version=version+1 where id=$1), t as (update units set free=1 where id=$2),
  h as (update houses set taken=taken-$4::int where id=$3), e as (update episodes set reservation=null, attempts=attempts+1 where id=$5),
  v as (insert into events(house,subject,kind,at) values($3,$1,'cancelled',$6)),
  a as (insert into audit(who,action,object,detail,at) values($7,'reservations_cancel',$1,'',$6))
  insert into kept values($8,$9,$6)`;
const LOOK = `select h.id, h.code_name, h.taken, h.licensed, h.open, e.adults, e.children, e.reservation,
  (select answer from kept where key=$3) answer from houses h, episodes e where h.id=$1 and e.id=$2 for update`;
const UNIT = 'select id from units where house=$1 and free=1 and beds>=$2 and adult_beds>=$3 order by beds, id limit 1';
const FOUND = `select r.id, r.episode, r.house, r.unit, r.state, r.persons, r.need, r.contact_channel, r.check_word, r.number, r.held_at,
  r.expires_at, r.version, h.code_name, (select answer from kept where key=$2) answer
  from reservations r join houses h on h.id=r.house where r.id=$1 for update`;
/** What the Go peer runs, too. */
export const SQL = { look: LOOK, unit: UNIT, hold: HOLD, found: FOUND, cancel: CANCEL };
const UNITS = 'select id, name, free, adult_beds, child_beds, cots, beds, step_free, confirmed_at from units where house=$1';

export async function open(settings) {
  const pool = new pg.Pool({ ...settings.database, max: settings.pool });
  const rows = async (on, name, text, values) => (await on.query(named(name, text, values))).rows;

  /** ${work} in a transaction; what it gives back null for is rolled back. */
  async function transaction(work) {
    const c = await pool.connect();
    try {
      await c.query('begin');
      const done = await work(c);
      await c.query(done === null ? 'rollback' : 'commit');
      return done;
    } catch (e) {
      await c.query('rollback');
      throw e;
    } finally {
      c.release();
    }
  }

  async function hold(c, who, key, body) {
    const [s] = await rows(c, 'look', LOOK, [body.candidate, body.episode, key]);
    const persons = s ? s.adults + s.children : 0;
    if (s?.answer) return JSON.parse(s.answer);
    if (!s || s.reservation || !s.open || s.taken + persons > s.licensed) return null;
    const [unit] = await rows(c, 'unit', UNIT, [s.id, persons, s.adults]);
    if (!unit) return null;
    const r = newReservation(who, body, s, unit.id, persons);
    await rows(c, 'hold', HOLD, [r.id, r.episode, r.house, r.unit, who, r.state, persons, r.need, r.contact_channel, r.check_word, r.number,
      r.held_at, r.expires_at, key, JSON.stringify(r)]);
    return r;
  }

  async function cancel(c, who, key, id) {
    const [r] = await rows(c, 'found', FOUND, [id, key]);
    if (r?.answer) return JSON.parse(r.answer);
    if (!r || r.state !== 'held') return null;
    Object.assign(r, { state: 'cancelled', version: r.version + 1 });
    await rows(c, 'cancel', CANCEL, [id, r.unit, r.house, r.persons, r.episode, now(), who, key, JSON.stringify(r)]);
    return r;
  }

  async function change(c, who, house, changes) {
    for (const x of changes) {
      const done = await c.query(named('state', 'update units set free=$1, confirmed_at=$2 where id=$3 and house=$4', [x.state === 'free' ? 1 : 0, now(), x.unit, house]));
      if (done.rowCount !== 1) return null;
    }
    await rows(c, 'changed', `with v as (insert into events(house,subject,kind,at) values($1,$1,'availability',$2))
      insert into audit(who,action,object,detail,at) values($3,'availability_change',$1,'',$2)`, [house, now(), who]);
    return rows(c, 'units', UNITS, [house]);
  }

  // searches are audited like the service's: together, by somebody nobody waits for
  let looks = [], isWriting = false;
  setInterval(async () => {
    if (isWriting || looks.length === 0) return;
    const now_ = looks;
    looks = [];
    isWriting = true;
    await rows(pool, 'looks', `insert into audit(who,action,object,detail,at) select * from unnest($1::text[],$2::text[],$3::text[],$4::text[],$5::text[])`,
      [0, 1, 2, 3, 4].map((i) => now_.map((l) => l[i])));
    isWriting = false;
  }, 20);
  return {
    openEpisode: async (who, household) => {
      const e = newEpisode(who, household);
      await rows(pool, 'opened', 'insert into episodes values($1,$2,$3,$4,$5,$6,$7,$8,null,0,$9)',
        [e.id, who, e.adults, e.children, e.babies, e.boys_to, e.step_free, e.salt, e.opened_at]);
      return e;
    },
    search: async (who, id) => {
      const [e] = await rows(pool, 'episode', 'select * from episodes where id=$1', [id]);
      if (!e) return null;
      looks.push([who, 'searches_create', id, '', now()]);
      const [hits, full] = await Promise.all([rows(pool, 'search', typed(SEARCH), searchValues(e)), rows(pool, 'full', typed(FULL), [e.salt])]);
      return answerSearch(e, hits, full);
    },
    hold: (...all) => transaction((c) => hold(c, ...all)),
    cancel: (...all) => transaction((c) => cancel(c, ...all)),
    units: (house) => rows(pool, 'units', UNITS, [house]),
    change: (...all) => transaction((c) => change(c, ...all)),
  };
}
