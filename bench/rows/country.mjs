// SPDX-License-Identifier: Apache-2.0
// What offices do in years, over PostgreSQL: a country's calls for help, year after year with retention at work, and the
// busiest hour of one country, of twenty-seven and of a million places.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuOf } from '../lib/database.mjs';
import { network, placesOf } from '../lib/data.mjs';
import { load } from '../lib/measure.mjs';
import { Cluster, sizesOf } from '../lib/spread.mjs';
import { residentOf } from './upkeep.mjs';
import { HOLD, REPORT } from './writes.mjs';
import { Decade } from '../../tests/torture/lib/decade.mjs';
import { generator } from '../../tests/torture/lib/random.mjs';

// of one country in a year, as docs/scale.md reckons; its busiest hour has a hundred times the changes of the mean one
const CALLS = 12_000, PLACEMENTS = 700, CHANGES = 10, BUSY = 100;
const HOURS = 365 * 24;
const STEP_DAYS = 14, STEPS = 26, AT_ONCE = 96, STAY_DAYS = 12;
const ALONE = '{"case_type":"partner_violence","women":1,"men":0}';
const CALL = ['+Idempotency-Key: $k', `201 POST /v1/episodes {"channel":"phone","household":${ALONE}} > id`, '200 POST /v1/episodes/$g/searches',
  '200 POST /v1/episodes/$g/close {"outcome":"other_help"}'];
const YEARS = ['A', 'k', 'v', 'j', 'x', 'b', 'z']; // first bytes of keys: the trail and its tree; who looked, opened and broke the glass; statistics

export const SIZES = [{ name: 'a country', houses: 0, countries: 1 }, { name: '27 countries', houses: 26 * 96, countries: 27 }, { name: '1,000,000 places', houses: 100_000 }];

async function together(jobs) {
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => { while (next < jobs.length) await jobs[next++](); }));
}

/** Bytes of keys and values in ${schema}: what is kept for years, and all else. */
function content(database, schema) {
  const rows = database.sql(`select chr(get_byte(k, 0)) || ' ' || sum(octet_length(k) + octet_length(v)) from ${schema}.menedek_kv group by get_byte(k, 0)`)
    .split('\n').map((l) => [l[0], Number(l.slice(2))]);
  const sum = (isWanted) => rows.filter(([kind]) => isWanted(kind)).reduce((all, [, n]) => all + n, 0);
  return { long: sum((k) => YEARS.includes(k)), rest: sum((k) => !YEARS.includes(k)), kinds: rows.sort((a, b) => b[1] - a[1]).slice(0, 6).map(([k, n]) => `${k} ${(n / 2 ** 20).toFixed(2)}`).join(', '), ...sizesOf(database, schema) };
}

/** A year's calls and placements; who finds no room is helped otherwise.  At its end a purge comes through. */
async function liveYear(d) {
  for (let step = 0; step < STEPS; step++) {
    d.pass(STEP_DAYS);
    const placements = Math.round(PLACEMENTS / STEPS), calls = Math.round(CALLS / STEPS) - placements;
    await together([...d.leavings(), ...d.confirmations(step), ...Array.from({ length: placements }, () => () => d.placement()),
      ...Array.from({ length: calls }, (_, i) => () => d.call(i % 10 === 0))]);
  }
  await d.nights();
}

/** ${years} of a country: what is kept for days must not grow, and what is kept for five years does by so much a call. */
export async function years(database, report, count) {
  const d = new Decade(generator(1), { stayDays: STAY_DAYS, database: database.schema('years') }), seen = [];
  try {
    await d.start();
    const empty = content(database, 'years');
    for (let year = 1; year <= count; year++) {
      const from = performance.now();
      await liveYear(d);
      const now = content(database, 'years');
      seen.push(now);
      await d.newYear();
      console.log(`       year ${year}: ${d.calls} calls, ${d.placed} placed, ${now.rows} pairs, kept for years ${(now.long / 2 ** 20).toFixed(1)} MiB, all else ${(now.rest / 2 ** 20).toFixed(2)} MiB (${now.kinds}); ` +
        `${(now.pairs / 2 ** 20).toFixed(1)} MiB in PostgreSQL, node's copy ${(d.storeBytes() / 2 ** 20).toFixed(1)} MiB (${((performance.now() - from) / 1000).toFixed(0)} s)`);
    }
    const last = seen.at(-1), calls = d.calls / count, grown = seen[Math.min(4, count - 1)], years = Math.min(5, count);
    report.add({ row: `a country, ${count} years over PostgreSQL: what is kept for days, beside the first year's`, unit: 'MiB', ours: [last.rest / 2 ** 20], other: [seen[0].rest / 2 ** 20], against: 'after a year', goal: ['<=', 1.25] });
    report.add({ row: 'a call: bytes that stay for five years', unit: 'bytes', ours: [(grown.long - empty.long) / (years * calls)], goal: ['<=', 8192] });
    report.add({ row: 'a country: PostgreSQL at the end, of it for each pair', unit: 'bytes', ours: [last.pairs / last.rows], goal: ['<=', 1024] });
    assertYears(d, report, count);
  } finally {
    await d.discard();
  }
}

function assertYears(d, report, count) {
  report.assert('no room was given twice in these years', d.doubles.length === 0, d.doubles.slice(0, 3).join(' '));
  report.assert('as many called and were placed as were meant to', d.calls >= 0.98 * count * CALLS && d.placed >= 0.5 * count * PLACEMENTS, `${d.calls} calls, ${d.placed} placed`);
}

/** Bytes that the process ${pid} has received over the connections that it has to ${port}. */
function receivedBy(pid, port) {
  const lines = execFileSync('ss', ['-tinpHO', `dport = :${port}`], { encoding: 'utf8' }).split('\n').filter((l) => l.includes(`pid=${pid},`));
  return lines.reduce((sum, l) => sum + Number(/bytes_received:(\d+)/.exec(l)?.[1] ?? 0), 0);
}

/** The second node's own connection to the primary goes over TCP, where its bytes are counted. */
function overTcp(node, database) {
  const file = join(node.dir, 'store/postgresql');
  writeFileSync(file, readFileSync(file, 'utf8').replace(`host=${database.dir}`, 'host=127.0.0.1 sslmode=disable'));
}

/** Calls, holds and reports as fast as ${perSecond} changes a second ask for, at the first node. */
async function busyHour(scene, perSecond, seconds) {
  const at = { port: scene.port, pids: scene.pids, name: 'busy' }, half = scene.desks.length >> 1;
  const desks = (name, who) => scene.table(name, who, (w) => [w.episode, w.candidate]);
  const of = (share, changes, table, script, connections) => load(scene, at, { table, script, connections, rate: (share * perSecond) / changes, seconds, warm: 0.01 })
    .then((x) => ({ ...x, changes: x.good_per_s * changes }));
  const all = await Promise.all([
    of(0.5, 2 / 3, desks('callers', scene.desks.slice(0, half)), scene.script('call', ...CALL), half),
    of(0.3, 1, desks('holders', scene.desks.slice(half)), scene.script('hold', ...HOLD), half),
    of(0.2, 1, scene.staffTable, scene.script('report', ...REPORT), scene.staff.length),
  ]);
  return { p99: Math.max(...all.map((x) => x.p99_us)) / 1000, perSecond: all.reduce((sum, x) => sum + x.changes, 0), status: all.map((x) => x.status).join(' ') };
}

/** The busiest hour of ${size}, and what a node that only listens receives and holds for it. */
export async function busy(database, report, size, seconds) {
  const scene = new Cluster(database, 2, { houses: size.houses, seconds, desks: 32, staff: 16, schema: `busy${size.houses}` });
  try {
    overTcp(scene.nodes[1], database);
    await scene.start();
    await scene.prepare();
    const { units, more } = network(size.houses), sample = units.slice(1).reduce((n, u) => n + placesOf(u), 0), places = sample + more.places;
    const countries = size.countries ?? places / sample, perSecond = (countries / HOURS / 3600) * CALLS * CHANGES * BUSY, asked = Math.max(perSecond, 5);
    const heard = () => receivedBy(scene.nodes[1].pid, database.port), used = () => [cpuOf(scene.pids), cpuOf(database.pids), cpuOf(String(scene.nodes[1].pid))];
    const began = heard();
    await new Promise((done) => setTimeout(done, 1000 * seconds));
    const idle = (heard() - began) / seconds, before = [heard(), ...used()], from = performance.now();
    const x = await busyHour(scene, asked, seconds), took = (performance.now() - from) / 1000;
    const [bytes, ...cpu] = [heard(), ...used()].map((now, i) => now - before[i]);
    const each = (bytes - idle * took) / (x.perSecond * seconds), [node, postgres, other] = cpu.map((s) => (100 * s) / took);
    console.log(`       ${size.name}: ${places} places, its busiest hour has ${perSecond.toPrecision(3)} changes a second; seen ${x.perSecond.toFixed(0)}/s for ${seconds} s: p99 ${x.p99.toFixed(1)} ms, ` +
      `CPU of the node ${node.toFixed(1)} % of a core, of PostgreSQL and standby ${postgres.toFixed(1)} %, of the node that listens ${other.toFixed(1)} %; ` +
      `it received ${each.toFixed(0)} bytes a change and ${(idle / 1024).toFixed(1)} KiB/s with none; memory ${(residentOf(scene.nodes[1].pid) / 2 ** 20).toFixed(1)} MiB`);
    report.add({ row: `${size.name}, busiest hour: p99 of all that is asked`, unit: 'ms', ours: [x.p99], goal: ['<=', 200] });
    report.add({ row: `${size.name}: what a change brings to each other node`, unit: 'bytes', ours: [each], goal: ['<=', 8192] });
    report.assert(`${size.name}: the busiest hour was kept up with`, x.perSecond >= 0.9 * asked, `${x.perSecond.toFixed(1)} of ${asked.toFixed(1)} changes a second; ${x.status}`);
  } finally {
    await scene.close();
  }
}
