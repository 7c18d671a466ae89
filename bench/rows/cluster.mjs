// SPDX-License-Identifier: Apache-2.0
// Nodes over PostgreSQL with a synchronous standby: beside Go with pgx and Fastify over the same server, with one node and with
// three, how soon a change is seen at the other nodes, and what a reservation takes up.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { load, out, pick, rounds, spread } from '../lib/measure.mjs';
import { sizesOf } from '../lib/spread.mjs';
import { cpuOf } from '../lib/database.mjs';
import { fastify, go } from '../lib/servers.mjs';
import { Registry } from '../../tests/api/lib/registry.mjs';
import { listen } from '../../tests/api/lib/stream.mjs';
import { SEARCH } from './search.mjs';
import { HOLD } from './writes.mjs';

// each client in a house of its own, as the registry's own candidates are spread: who is refused costs next to nothing
const HOUSES = `select h.id from houses h where open = 1 and women_alone = 1 and taken < licensed
  and exists (select 1 from units u where u.house = h.id and free = 1 and adult_beds >= 1) order by n`;

/** Fastify and Go over one set of tables, each with clients that have calls of their own. */
async function startPeers(cluster) {
  const first = await fastify(cluster, 'pg', cluster.houses, cluster.database);
  const second = await go(cluster, cluster.houses, cluster.database);
  const houses = cluster.database.sql(HOUSES).split('\n'), tables = [];
  for (const server of [first, second]) {
    const who = cluster.peerClients(cluster.desks.slice(0, 32), first.port); // calls are opened with Fastify, for both
    await cluster.openEpisodes(who);
    for (const w of who) w.agent.destroy();
    tables.push(cluster.table(`peer-${server.name.replace(' ', '-')}`, who, (w) => [w.episode, houses[who.indexOf(w) % houses.length]]));
    server.pids += `,${cluster.database.pids}`;
  }
  return { servers: [first, second], tables };
}

/** A peer's run, with the CPU of its database told apart. */
async function runPeer(cluster, { servers, tables }, i, script) {
  const database = cluster.database.pids, own = servers[i].pids.replace(`,${database}`, '');
  const cpu = () => [cpuOf(own), cpuOf(database)];
  const before = cpu(), x = await load(cluster, servers[i], { table: tables[i], script }), after = cpu();
  const used = after.map((v, k) => v - before[k]);
  return Object.assign(x, { nodes_us: (x.server_us * used[0]) / (used[0] + used[1]), database_us: (x.server_us * used[1]) / (used[0] + used[1]) });
}

async function batches(cluster, count, work) {
  const read = async (n) => {
    const text = await (await fetch(`http://127.0.0.1:${n.healthPort}/metrics`)).text();
    return ['sum', 'count'].map((what) => Number(new RegExp(`^menedek_store_batch_commits_${what} (.*)$`, 'm').exec(text)[1]));
  };
  const nodes = cluster.nodes.slice(0, count), total = async () => (await Promise.all(nodes.map(read))).reduce((a, b) => [a[0] + b[0], a[1] + b[1]]);
  const before = await total(), x = await work(), after = await total();
  return Object.assign(x, { batch: (after[0] - before[0]) / Math.max(1, after[1] - before[1]) });
}

const middle = (r, field) => Math.round(spread(pick(r, field)).median);
const better = (r, field, isMore) => r.go.map((x, i) => ((isMore ? x[field] > r.fastify[i][field] : x[field] < r.fastify[i][field]) ? x : r.fastify[i]));

export async function peers(alone, cluster, report, count) {
  const all = await startPeers(cluster);
  try {
    const script = cluster.script('hold', ...HOLD), one = alone.script('hold', ...HOLD);
    const r = await rounds(count, { ours: () => batches(alone, 1, () => alone.spread(1, one)), three: () => batches(cluster, 3, () => cluster.spread(3, script)),
      go: () => runPeer(cluster, all, 1, script), fastify: () => runPeer(cluster, all, 0, script) });
    for (const [name, x] of Object.entries(r)) {
      console.log(`       ${name}: ${middle(x, 'good_per_s')}/s, CPU ${middle(x, 'server_us')} us: ${middle(x, 'nodes_us')} of the service, ` +
        `${middle(x, 'database_us')} of PostgreSQL and its standby; median ${middle(x, 'p50_us') / 1000} ms, p99 ${middle(x, 'p99_us') / 1000} ms` +
        `${x[0].batch ? `; ${spread(pick(x, 'batch')).median.toFixed(1)} changes a batch` : ''}`);
    }
    report.add({ row: 'cluster, reservation, 1 node: throughput', unit: '/s', ours: pick(r.ours, 'good_per_s'), other: pick(better(r, 'good_per_s', true), 'good_per_s'), against: 'Go + pgx or Fastify', goal: ['>=', 1.5] });
    report.add({ row: 'cluster, reservation: CPU of the better, with its database', unit: 'us', ours: pick(better(r, 'server_us', false), 'server_us'), other: pick(r.ours, 'server_us'), against: 'ours, with its database', goal: ['>=', 1.5] });
    report.add({ row: 'cluster, reservation, 3 nodes: throughput', unit: '/s', ours: pick(r.three, 'good_per_s'), other: pick(better(r, 'good_per_s', true), 'good_per_s'), against: 'Go + pgx or Fastify', goal: ['>=', 1.5] });
    report.add({ row: 'cluster, reservation, 3 nodes: CPU of the better, with its database', unit: 'us', ours: pick(better(r, 'server_us', false), 'server_us'), other: pick(r.three, 'server_us'), against: 'ours, 3 nodes, with its database', goal: ['>=', 1.5] });
    for (const [name, x] of Object.entries(r)) {
      report.assert(`cluster, ${name}: every hold and cancel was answered as it should`, x.every((y) => y.good_per_s >= 0.98 * y.per_s), pick(x, 'status').join(' '));
    }
  } finally {
    for (const s of all.servers) await s.stop();
  }
}

/** Where one writer ends: one node, asked by more and more ${clients}, beside the first number of them. */
export async function writer(alone, report, count, clients) {
  const script = alone.script('hold', ...HOLD);
  const r = await rounds(count, Object.fromEntries(clients.map((n) => [n, () => batches(alone, 1, () => alone.spread(1, script, { connections: n }))])));
  for (const n of clients)
    console.log(`       ${n} clients: ${middle(r[n], 'good_per_s')}/s, CPU ${middle(r[n], 'server_us')} us, median ${middle(r[n], 'p50_us') / 1000} ms, p99 ${middle(r[n], 'p99_us') / 1000} ms, ${spread(pick(r[n], 'batch')).median.toFixed(1)} changes a batch`);
  const [first, last] = [clients[0], clients.at(-1)];
  report.add({ row: `cluster, reservation, 1 node, ${last} clients: throughput`, unit: '/s', ours: pick(r[last], 'good_per_s'), other: pick(r[first], 'good_per_s'), against: `${first} clients`, goal: ['>=', 0.9] });
  for (const n of clients) report.assert(`cluster, ${n} clients: every hold and cancel was answered as it should`, r[n].every((y) => y.good_per_s >= 0.98 * y.per_s), pick(r[n], 'status').join(' '));
}

export async function search(alone, cluster, report, count) {
  const script = cluster.script('search', ...SEARCH), single = alone.script('search', ...SEARCH);
  const r = await rounds(count, { one: () => alone.spread(1, single), three: () => cluster.spread(3, script) });
  report.add({ row: 'cluster, search, 3 nodes on these cores: throughput', unit: '/s', ours: pick(r.three, 'good_per_s'), other: pick(r.one, 'good_per_s'), against: '1 node', goal: ['>=', 0.8] });
  report.add({ row: 'cluster, search, 3 nodes: CPU of all, a search', unit: 'us', ours: pick(r.three, 'server_us'), other: pick(r.one, 'server_us'), against: '1 node', goal: ['<=', 1.25] });
  report.add({ row: 'cluster, search: share of its CPU in PostgreSQL', unit: '%', ours: pick(r.three, (x) => (100 * x.database_us) / x.server_us), goal: ['<=', 20] });
}

/**
 * ${waves} changes of a house at the first node, each heard at the others; ms from its answer to the last that heard.  Of a
 * room that is never free, so that nobody holds it meanwhile.
 */
async function changes(cluster, waves) {
  const one = cluster.staff[0], delays = [];
  const streams = await Promise.all(cluster.nodes.slice(1).map((registry) => listen({ agent: one.agent, token: one.token, registry })));
  try {
    for (let i = 0; i < waves; i++) {
      const from = streams.map((s) => s.events.length);
      await cluster.must(one, 200, 'PATCH', `/v1/shelters/${one.house}/availability`, { units: [{ unit: one.units.at(-1).id, state: i % 2 ? 'out_of_use' : 'occupied' }] });
      const answered = performance.now(), end = answered + 10_000;
      const heard = () => streams.map((s, k) => s.events.slice(from[k]).find((e) => /^availability/.test(e.event)));
      while (heard().includes(undefined) && performance.now() < end) await new Promise((done) => setTimeout(done, 1));
      delays.push(heard().includes(undefined) ? Infinity : Math.max(0, ...heard().map((e) => e.heard - answered)));
    }
  } finally {
    for (const s of streams) s.close();
  }
  return delays.sort((a, b) => a - b);
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

export async function visibility(cluster, report, waves) {
  const quiet = await changes(cluster, waves);
  const busy = cluster.spread(3, cluster.script('hold', ...HOLD), { seconds: Math.max(1, waves / 20), connections: 10 });
  const loaded = await changes(cluster, waves);
  await busy;
  for (const [name, all] of [['quiet', quiet], ['while 30 clients hold and cancel', loaded]]) {
    console.log(`       ${name}: median ${percentile(all, 0.5).toFixed(1)} ms, p90 ${percentile(all, 0.9).toFixed(1)}, most ${all.at(-1).toFixed(1)}, of ${all.length} changes`);
    report.add({ row: `cluster, a change at the last of 3 nodes, p99, ${name}`, unit: 'ms', ours: [percentile(all, 0.99)], goal: ['<=', 200] });
  }
}

// what is only filled need not last
const FILLING = { LD_PRELOAD: join(out, 'nosync.so') };

/** Hold and cancel at one machine until ${target} reservations are there; how many there are. */
async function hoard(scene, target) {
  await scene.registry.start(FILLING, ['--health', '127.0.0.1:0']);
  Object.assign(scene, { pids: String(scene.registry.pid), port: scene.registry.port, ca: join(scene.registry.certs, 'ca.crt') });
  await scene.prepare();
  let made = 0;
  while (made < target) {
    await scene.refresh();
    const x = await load(scene, scene, { table: scene.deskTable, script: scene.script('hold', ...HOLD), label: 'fill', seconds: 20, warm: 0.01 });
    made += Number(/201:(\d+)/.exec(x.status)[1]);
  }
  await scene.stop();
  return made;
}

/** Move it into ${schema}; the seconds that it took, reading back included. */
function moveIn(scene, database, schema) {
  const where = database.schema(schema), began = performance.now();
  scene.registry.run('migrate', '--engine', 'postgresql', '--database', where);
  const moved = (performance.now() - began) / 1000;
  scene.registry.database = where;
  return moved;
}

/** Its copy thrown away: it takes all of it from the database. */
async function timeCopy(scene) {
  for (const name of ['data.mdb', 'lock.mdb']) rmSync(join(scene.registry.dir, 'store', name), { force: true });
  const began = performance.now();
  await scene.start();
  return (performance.now() - began) / 1000;
}

/**
 * ${target} reservations, each held and cancelled with its audit entries, events and kept answers: what each takes up, how fast
 * the registry moves and a node is rebuilt, and what a reservation costs then beside an empty registry.
 */
export async function room(scene, database, report, target, count) {
  const empty = new Registry(scene.registry), rate = () => load(scene, { port: scene.port, pids: `${scene.pids},${database.pids}`, name: 'room' },
    { table: scene.deskTable, script: scene.script('hold', ...HOLD) });
  try {
    empty.run('migrate', '--engine', 'postgresql', '--database', database.schema('empty'));
  } finally {
    rmSync(empty.work, { recursive: true, force: true });
  }
  const before = sizesOf(database, 'empty'), made = await hoard(scene, target), moved = moveIn(scene, database, 'filled');
  const after = sizesOf(database, 'filled'), copied = await timeCopy(scene);
  await scene.prepare();
  const used = (await scene.metrics()).menedek_store_map_used_bytes;
  const r = await rounds(count, { full: rate });
  const each = (after.pairs - before.pairs) / made;
  console.log(`       ${made} reservations: ${after.rows} pairs, ${(after.pairs / 2 ** 20).toFixed(0)} MiB in PostgreSQL, ${(used / 2 ** 20).toFixed(0)} MiB in a node's copy; ` +
    `moved in ${moved.toFixed(1)} s, copied in ${copied.toFixed(1)} s; then ${middle(r.full, 'good_per_s')}/s, CPU ${middle(r.full, 'server_us')} us`);
  report.add({ row: `cluster, with ${made} reservations: GiB that 10,000,000 would take in PostgreSQL`, unit: 'GiB', ours: [(each * 1e7) / 2 ** 30], goal: ['<=', 64] });
  report.add({ row: 'cluster: GiB that 10,000,000 would take in a node', unit: 'GiB', ours: [((used / made) * 1e7) / 2 ** 30], goal: ['<=', 64] });
  report.add({ row: 'cluster: moved from one machine', unit: 'pairs/s', ours: [after.rows / moved], goal: ['>=', 20_000] });
  report.add({ row: 'cluster: a node made anew from the database', unit: 'pairs/s', ours: [after.rows / copied], goal: ['>=', 20_000] });
  return r.full;
}
