// SPDX-License-Identifier: Apache-2.0
// Searching: beside bare libmicrohttpd and two proxies answering as many bytes, beside the peers, and as the network grows.
import { load, pick, rounds } from '../lib/measure.mjs';
import { fastify, haproxy, hello, nginx } from '../lib/servers.mjs';

export const SEARCH = ['200 POST /v1/episodes/$2/searches'];

const ours = (scene, more = {}) => load(scene, scene, { table: scene.deskTable, script: scene.script('search', ...SEARCH), label: 'search', ...more });

export async function floor(scene, report, count) {
  const bytes = Math.round((await ours(scene, { seconds: 0.3 })).bytes_each) - 330; // heads differ by about so much
  const plain = scene.registry.file('plain.script', '200 GET /\n');
  const servers = [await hello(scene, bytes, true), await hello(scene, bytes, false), await nginx(scene, bytes), await haproxy(scene, bytes)];
  try {
    const measures = { ours: () => ours(scene) };
    for (const s of servers) measures[s.name] = () => load(scene, s, { table: scene.deskTable, script: plain });
    const r = await rounds(count, measures);
    report.add({ row: 'search, national: throughput', unit: '/s', ours: pick(r.ours, 'good_per_s'), other: pick(r['mhd joined'], 'per_s'), against: 'bare libmicrohttpd, joined writes', goal: ['>=', 0.8] });
    report.add({ row: 'search, national: CPU a request', unit: 'us', ours: pick(r.ours, 'server_us'), other: pick(r['mhd joined'], 'server_us'), against: 'bare libmicrohttpd, joined writes', goal: ['<=', 1.25] });
    report.add({ row: 'search, national: CPU beside nginx', unit: 'us', ours: pick(r.ours, 'server_us'), other: pick(r.nginx, 'server_us'), against: 'nginx, static', goal: ['<=', 1.25] });
    report.add({ row: 'generator: its CPU beside bare libmicrohttpd', unit: 'us', ours: pick(r['mhd joined'], 'client_us'), other: pick(r['mhd joined'], 'server_us'), against: 'the server', goal: ['<=', 1] });
    report.assert('every search was answered', r.ours.every((x) => x.good_per_s === x.per_s), r.ours.map((x) => x.status).join(' '));
  } finally {
    for (const s of servers) await s.stop();
  }
}

/** One peer of one kind; gives its server and a table of its clients. */
export async function peer(scene, store) {
  const server = await fastify(scene, store, scene.houses);
  const who = scene.peerClients(scene.desks.slice(0, 32), server.port);
  await scene.openEpisodes(who);
  for (const w of who) w.agent.destroy();
  return { server, table: scene.table(`peer-${store}`, who, (w) => [w.episode, w.candidate]) };
}

/** And how far above the peers anything on libmicrohttpd comes on this machine: a bare server with an answer of our size. */
export async function peers(scene, report, count) {
  const both = [];
  const bytes = Math.round((await ours(scene, { seconds: 0.3 })).bytes_each) - 330;
  const bare = await hello(scene, bytes, true), plain = scene.registry.file('plain.script', '200 GET /\n');
  try {
    for (const store of ['sqlite', 'pg']) both.push(await peer(scene, store));
    const script = scene.script('search', ...SEARCH);
    const r = await rounds(count, { ours: () => ours(scene), sqlite: () => load(scene, both[0].server, { table: both[0].table, script }),
      pg: () => load(scene, both[1].server, { table: both[1].table, script }), bare: () => load(scene, bare, { table: scene.deskTable, script: plain }) });
    const best = r.sqlite.map((x, i) => (x.good_per_s > r.pg[i].good_per_s ? x : r.pg[i]));
    report.add({ row: 'search, national: throughput beside the better peer', unit: '/s', ours: pick(r.ours, 'good_per_s'), other: pick(best, 'good_per_s'), against: 'Fastify', goal: ['>=', 10] });
    report.add({ row: 'search, national: CPU beside the better peer', unit: 'us', ours: pick(r.ours, 'server_us'), other: pick(best, 'server_us'), against: 'Fastify', goal: ['<=', 0.1] });
    report.add({ row: 'bare libmicrohttpd, nothing of ours: throughput beside the better peer', unit: '/s', ours: pick(r.bare, 'per_s'), other: pick(best, 'good_per_s'), against: 'Fastify', goal: ['>=', 10] });
  } finally {
    await bare.stop();
    for (const one of both) await one.server.stop();
  }
}

/** ${small} and ${large} are scenes; both are served. */
export async function growth(small, large, report, count) {
  const r = await rounds(count, { small: () => ours(small), large: () => ours(large) });
  report.add({ row: 'search at 1,000,000 places: CPU a request', unit: 'us', ours: pick(r.large, 'server_us'), other: pick(r.small, 'server_us'), against: 'national', goal: ['<=', 2] });
  report.add({ row: 'search at 1,000,000 places: p99, 32 clients', unit: 'ms', ours: pick(r.large, (x) => x.p99_us / 1000), goal: ['<=', 5] });
  return r;
}

/** CPU and latency by number of clients. */
export async function clients(scene, counts) {
  const points = [];
  for (const n of counts) points.push([n, await ours(scene, { connections: Math.max(n, scene.connections), flight: n, seconds: Math.min(scene.seconds, 1) })]);
  return points;
}
