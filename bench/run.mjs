// SPDX-License-Identifier: Apache-2.0
// make bench: all that docs/performance.md tells of, measured here and now, in the same run as what it is measured beside.
//   run.mjs                  everything, in some minutes
//   run.mjs quick            a few seconds that only prove that it runs; its numbers mean nothing
//   run.mjs PART [PART...]   parts of it: floor peers disk alone reserve conflict durable handshakes streams token flood overload first costs growth start verify cluster writer room country
import { cpus } from 'node:os';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { out, spread, pick } from './lib/measure.mjs';
import { plot, Report } from './lib/report.mjs';
import { Scene } from './lib/scene.mjs';
import { Cluster, Pair } from './lib/spread.mjs';
import { Postgres } from './lib/database.mjs';
import * as cluster from './rows/cluster.mjs';
import * as country from './rows/country.mjs';
import * as costs from './rows/costs.mjs';
import * as connections from './rows/connections.mjs';
import * as search from './rows/search.mjs';
import * as upkeep from './rows/upkeep.mjs';
import * as writes from './rows/writes.mjs';

const words = process.argv.slice(2);
const isQuick = words.includes('quick');
const ROUNDS = isQuick ? 1 : Number(process.env.ROUNDS ?? 5);
const SECONDS = isQuick ? 0.3 : Number(process.env.SECONDS ?? 2);
// A device may ask 2,000 times at once and 200 times a second after that: enough devices that this bounds nobody
const MIDDLE = 1000, LARGE = isQuick ? 0 : 100_000;

const report = new Report();
const scenes = {};

/** A served network of so many more houses than the country's, made when it is first asked for. */
async function sceneOf(houses, more = {}) {
  const name = `${houses}${JSON.stringify(more)}`;
  if (!scenes[name]) {
    console.log(`(making a network of ${houses === 0 ? 'the country' : `${houses} houses more`})`);
    scenes[name] = new Scene({ houses, seconds: SECONDS, desks: isQuick ? 8 : 64, staff: isQuick ? 8 : 32, ...more });
    await scenes[name].start();
    await scenes[name].prepare();
  }
  await scenes[name].refresh();
  return scenes[name];
}

/** A PostgreSQL with a standby, and over it what ${make} makes, while ${work} measures it; whatever happens, both end. */
async function overPostgres(make, work) {
  const home = mkdtempSync(join(tmpdir(), 'menedek-bench-')), database = new Postgres(home);
  try {
    await database.start({ standby: true });
    const scene = make(database);
    try { await work(scene, database); } finally { await scene.close(); }
  } finally {
    await database.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

const sizes = (staff) => ({ houses: isQuick ? 0 : MIDDLE, seconds: SECONDS, desks: isQuick ? 12 : 66, staff });

const parts = {
  floor: async () => search.floor(await sceneOf(0), report, ROUNDS),
  peers: async () => search.peers(await sceneOf(0), report, ROUNDS),
  disk: async () => writes.disk(await sceneOf(MIDDLE), report, ROUNDS),
  alone: async () => writes.alone(await sceneOf(MIDDLE), report, ROUNDS),
  reserve: async () => writes.peers(await sceneOf(MIDDLE), report, ROUNDS),
  conflict: async () => writes.conflict(await sceneOf(0), await sceneOf(MIDDLE), report, ROUNDS),
  durable: async () => writes.durable(await sceneOf(MIDDLE), report),
  handshakes: async () => connections.handshakes(await sceneOf(0), report, ROUNDS),
  streams: async () => connections.streams(await sceneOf(0), report, isQuick ? 50 : 2000, isQuick ? 2 : 20),
  token: async () => connections.token(await sceneOf(0), report),
  flood: async () => connections.flood(await sceneOf(0), report, ROUNDS),
  overload: async () => connections.overload(await sceneOf(0), report, ROUNDS),
  first: async () => connections.first(await sceneOf(MIDDLE), report, ROUNDS),
  costs: async () => costs.costs(await sceneOf(0), await sceneOf(MIDDLE), report),
  growth: growth,
  start: async () => upkeep.start(await sceneOf(0), await sceneOf(MIDDLE), LARGE > 0 ? await sceneOf(LARGE) : null, report, ROUNDS),
  cluster: () => overPostgres((database) => new Pair(new Cluster(database, 1, sizes(2)), new Cluster(database, 3, sizes(2))), async ({ alone, three }) => {
    for (const scene of [alone, three]) {
      await scene.start();
      await scene.prepare();
    }
    await cluster.peers(alone, three, report, ROUNDS);
    await alone.refresh();
    await three.refresh();
    await cluster.search(alone, three, report, ROUNDS);
    await cluster.visibility(three, report, isQuick ? 10 : 400);
  }),
  writer: () => overPostgres((database) => new Cluster(database, 1, sizes(2)), async (alone) => {
    await alone.start();
    await alone.prepare();
    await cluster.writer(alone, report, ROUNDS, isQuick ? [6, 12] : [32, 16, 64]);
  }),
  room: () => overPostgres(() => new Scene(sizes(2)), (scene, database) => cluster.room(scene, database, report, isQuick ? 100 : Number(process.env.FILL ?? 100_000), ROUNDS)),
  country: () => overPostgres(() => ({ close() {} }), async (_, database) => {
    await country.years(database, report, isQuick ? 1 : Number(process.env.YEARS ?? 6));
    for (const size of isQuick ? country.SIZES.slice(0, 1) : country.SIZES) await country.busy(database, report, size, 5 * SECONDS);
  }),
  verify: async () => {
    const scene = await sceneOf(MIDDLE);
    await scene.stop();
    upkeep.verify(scene, report, ROUNDS);
    writes.checked(scene, report);
    await scene.start();
  },
};
const QUICK = ['floor', 'disk', 'reserve', 'durable', 'handshakes', 'streams'];

/** CPU and p99 of a search by houses, and by clients. */
async function growth() {
  const small = await sceneOf(0), middle = await sceneOf(MIDDLE), large = await sceneOf(LARGE);
  const measured = await search.growth(small, large, report, ROUNDS);
  const between = await search.growth(small, middle, { add: () => {} }, 2);
  const of = (r, field) => spread(pick(r, field)).median;
  const sizes = [[97, measured.small], [MIDDLE + 97, between.large], [LARGE + 97, measured.large]];
  plot('search-by-houses.svg', { title: 'A search as the network grows', x: 'houses', y: 'CPU, us', series: { 'CPU a search': sizes.map(([n, r]) => [n, of(r, 'server_us')]) } });
  plot('search-p99-by-houses.svg', { title: 'A search as the network grows, 32 clients', x: 'houses', y: 'p99, ms', series: { p99: sizes.map(([n, r]) => [n, of(r, 'p99_us') / 1000]) } });
  const points = await search.clients(small, [1, 4, 16, 64, 128]);
  plot('search-by-clients.svg', { title: 'Searches by clients, national', x: 'clients', y: 'answers a second', series: { 'a second': points.map(([n, r]) => [n, r.good_per_s]) } });
}

async function main() {
  const wanted = words.filter((w) => w !== 'quick');
  const unknown = wanted.find((w) => !(w in parts));
  if (unknown) throw new Error(`there is no part "${unknown}"; there are ${Object.keys(parts).join(' ')}`);
  rmSync(join(out, 'runs.csv'), { force: true });
  console.log(`${cpus().length} cores, ${ROUNDS} rounds of ${SECONDS} s`);
  try {
    for (const part of wanted.length > 0 ? wanted : isQuick ? QUICK : Object.keys(parts)) {
      console.log(`\n--- ${part}`);
      // a part that cannot run is a finding, too, and the others still tell something
      await parts[part]().catch((e) => report.assert(`part ${part} runs`, false, e.message.slice(0, 600)));
    }
  } finally {
    for (const s of Object.values(scenes)) await s.close();
  }
  report.write();
  report.print();
  if (isQuick ? !report.isSound : report.notes.some((n) => !n.holds)) process.exitCode = 1;
}

await main();
