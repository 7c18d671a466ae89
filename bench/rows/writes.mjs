// SPDX-License-Identifier: Apache-2.0
// What must be on disk before it is answered: a house's report and a reservation, beside bare LMDB writing the same keys and
// bytes, beside the peers, alone, and all on one house.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lmdb, load, pick, rounds } from '../lib/measure.mjs';
import { hello } from '../lib/servers.mjs';
import { peer } from './search.mjs';

// refused is an answer only where many want one house
const holding = (statuses) => ['+Idempotency-Key: $k',
  `${statuses} POST /v1/reservations {"episode":"$2","candidate":"$3","consent":true,"need":"no_safe_place_tonight","contact_channel":"client_calls_house"} > id`,
  '200 POST /v1/reservations/$g/cancel {"reason":"entered_by_mistake"}'];
export const HOLD = holding('201');
export const REPORT = ['200 PATCH /v1/shelters/$2/availability {"units":[{"unit":"$3","state":"occupied"}]}',
  '200 PATCH /v1/shelters/$2/availability {"units":[{"unit":"$3","state":"free"}]}'];

// What the service puts into LMDB for one change: read off mdb_put with a uprobe.  Holds and cancels take turns, here as there.
const HOLD_WRITES = ['n33:140 o33:59 o17:182 n17:193 o17:320 n33:59 n33:59 n33:560 a10:154 a10:436', 'o33:59 o17:182 o17:195 o17:310 n33:572 a10:150 a10:440 d33:5 d33:6'];
const REPORT_WRITES = ['o17:300 a10:120 a10:232'];

const hold = (scene, more = {}) => load(scene, scene, { table: scene.deskTable, script: scene.script('hold', ...HOLD), label: 'hold', ...more });
const update = (scene, more = {}) => load(scene, scene, { table: scene.staffTable, script: scene.script('update', ...REPORT), label: 'update', ...more });

/** How many changes the committer has put into one batch while ${work} ran. */
async function batched(scene, work) {
  const before = await scene.metrics(), x = await work(), after = await scene.metrics();
  const delta = (name) => after[`menedek_store_batch_commits_${name}`] - before[`menedek_store_batch_commits_${name}`];
  return Object.assign(x, { batch: Math.max(1, Math.round(delta('sum') / delta('count'))) });
}

/**
 * Beside a bare LMDB whose batches are as large as ours were.  And how near to it anything on libmicrohttpd comes on this
 * machine: a bare server that knows nobody, seals nothing and keeps no trail, but commits a change before it answers.
 */
export async function disk(scene, report, count) {
  const kinds = { 'availability update': { measure: update, writes: REPORT_WRITES, batch: 16 }, reservation: { measure: hold, writes: HOLD_WRITES, batch: 16 } };
  const plain = scene.registry.file('plain.script', '200 GET /\n'), measures = {}, servers = [];
  try {
    for (const [name, k] of Object.entries(kinds)) {
      const bytes = Math.round((await k.measure(scene, { seconds: 0.3 })).bytes_each) - 330; // heads differ by about so much
      const server = await hello(scene, bytes, true, k.writes);
      servers.push(server);
      measures[name] = async () => { const x = await batched(scene, () => k.measure(scene)); k.batch = x.batch; return x; };
      measures[`${name}: limit`] = () => lmdb(scene, k.writes, k.batch);
      measures[`${name}: nothing of ours`] = () => load(scene, server, { table: scene.deskTable, script: plain });
    }
    const r = await rounds(count, measures);
    for (const [name, k] of Object.entries(kinds)) {
      const limit = r[`${name}: limit`];
      report.add({ row: `${name}, 32 clients, by ${k.batch}`, unit: '/s', ours: pick(r[name], 'good_per_s'), other: pick(limit, 'per_s'), against: 'bare LMDB', goal: ['>=', 0.8] });
      report.add({ row: `${name}, 32 clients: bare LMDB behind bare libmicrohttpd, nothing of ours`, unit: '/s', ours: pick(r[`${name}: nothing of ours`], 'per_s'), other: pick(limit, 'per_s'), against: 'bare LMDB', goal: ['>=', 0.8] });
    }
    report.add({ row: 'reservation, 32 clients: CPU', unit: 'us', ours: pick(r.reservation, 'server_us'), other: pick(r['reservation: limit'], 'cpu_us'), against: 'bare LMDB', goal: ['<=', 3] });
    const done = Object.keys(kinds).flatMap((name) => r[name]);
    report.assert('every hold and update was answered as it should', done.every((x) => x.good_per_s >= 0.98 * x.per_s), done.map((x) => x.status).join(' '));
  } finally {
    for (const s of servers) await s.stop();
  }
}

/** What one client would reach if a server had nothing to do but answer and commit: one after the other, nothing of ours. */
const bound = (commits, answers) => commits.map((c, i) => 1 / (1 / c.per_s + 1 / answers[i].per_s));

export async function alone(scene, report, count) {
  const one = { flight: 1, seconds: Math.min(1, scene.seconds) };
  const bytes = Math.round((await hold(scene, one)).bytes_each) - 330; // heads differ by about so much
  const server = await hello(scene, bytes, true), plain = scene.registry.file('plain.script', '200 GET /\n');
  try {
    const r = await rounds(count, { update: () => update(scene, one), updateLimit: () => lmdb(scene, REPORT_WRITES, 1, one.seconds), hold: () => hold(scene, one),
      holdLimit: () => lmdb(scene, HOLD_WRITES, 1, one.seconds), answer: () => load(scene, server, { table: scene.deskTable, script: plain, ...one }) });
    for (const [row, ours, limit] of [['availability update', r.update, r.updateLimit], ['reservation', r.hold, r.holdLimit]]) {
      report.add({ row: `${row}, 1 client`, unit: '/s', ours: pick(ours, 'good_per_s'), other: pick(limit, 'per_s'), against: 'bare LMDB', goal: ['>=', 0.8] });
      report.add({ row: `${row}, 1 client: bare LMDB behind bare libmicrohttpd, nothing of ours`, unit: '/s', ours: bound(limit, r.answer), other: pick(limit, 'per_s'), against: 'bare LMDB', goal: ['>=', 0.8] });
    }
    report.add({ row: 'reservation alone: median over a bare LMDB commit', unit: 'us', ours: r.hold.map((x, i) => x.p50_us - r.holdLimit[i].p50_us), goal: ['<=', 300] });
  } finally {
    await server.stop();
  }
}

export async function peers(scene, report, count) {
  const both = [];
  try {
    for (const store of ['sqlite', 'pg']) both.push(await peer(scene, store));
    const script = scene.script('hold', ...HOLD);
    const r = await rounds(count, { ours: () => hold(scene), sqlite: () => load(scene, both[0].server, { table: both[0].table, script }), pg: () => load(scene, both[1].server, { table: both[1].table, script }) });
    const best = r.sqlite.map((x, i) => (x.good_per_s > r.pg[i].good_per_s ? x : r.pg[i]));
    report.add({ row: 'reservation: throughput beside the better peer', unit: '/s', ours: pick(r.ours, 'good_per_s'), other: pick(best, 'good_per_s'), against: 'Fastify', goal: ['>=', 3] });
    report.add({ row: 'reservation: the better peers CPU', unit: 'us', ours: pick(best, 'server_us'), other: pick(r.ours, 'server_us'), against: 'ours', goal: ['>=', 3] });
  } finally {
    for (const one of both) await one.server.stop();
  }
}

/** 64 clients of ${scene} whose candidate is the same house, beside 64 clients of ${wide} with many: who holds gives it back, who is refused asks again. */
export async function conflict(scene, wide, report, count) {
  const { table, desks } = scene.contest();
  report.assert('64 clients found the same house', desks >= 48, `${desks} desks`);
  const r = await rounds(count, { free: () => hold(wide, { connections: 64 }),
    same: () => load(scene, scene, { table, script: scene.script('contest', ...holding('201,409')), connections: 64, label: 'conflict' }) });
  report.add({ row: 'conflict, 64 clients on one house: held or refused', unit: '/s', ours: pick(r.same, 'good_per_s'), other: pick(r.free, 'good_per_s'), against: '64 houses', goal: ['>=', 0.5] });
  report.add({ row: 'conflict: answered 503', unit: '%', ours: pick(r.same, (x) => (100 * (x.per_s - x.good_per_s)) / x.per_s), goal: ['<=', 0.1] });
}

/** Nothing is acknowledged that is not on disk and sealed: synced once a batch, the trail whole, no name readable. */
export async function durable(scene, report) {
  const trace = join(scene.work, 'syncs.txt');
  const before = await scene.metrics();
  const strace = spawn('strace', ['-f', '-qq', '-e', 'trace=fdatasync,fsync,msync', '-o', trace, '-p', scene.pids], { stdio: 'ignore' });
  await new Promise((done) => setTimeout(done, 500));
  const written = scene.commits();
  const x = await hold(scene, { seconds: 1, warm: 0.01 });
  const after = await scene.metrics(), wrote = scene.commits() - written;
  strace.kill('SIGINT');
  await new Promise((done) => strace.on('exit', done));
  const syncs = readFileSync(trace, 'utf8').split('\n').filter((l) => /sync(\(| resumed).*= 0/.test(l)).length;
  const commits = after.menedek_store_commits_total - before.menedek_store_commits_total;
  report.assert('every commit of LMDB is synced', syncs >= wrote && wrote > 0, `${syncs} syncs, ${wrote} commits of LMDB`);
  report.assert('each acknowledged write is a commit', commits >= x.good_per_s * x.seconds, `${commits} commits, answers ${x.status}`);
  rmSync(trace);
}

/** After everything: the store's own check, and no code name in its files. */
export function checked(scene, report) {
  let said = '';
  try {
    said = scene.registry.run('check');
  } catch (e) {
    said = `${e.stdout}${e.stderr}`;
    report.assert('menedek check finds the store and its trail whole', false, said.trim().slice(-300));
    return;
  }
  report.assert('menedek check finds the store and its trail whole', true);
  const found = execFileSync('sh', ['-c', 'grep -c -a -r -e "Nyugat 1" "$0" || true', join(scene.registry.dir, 'store')], { encoding: 'utf8' });
  report.assert('no code name can be read in the store', !/:[1-9]|^[1-9]/m.test(found), found.trim());
}
