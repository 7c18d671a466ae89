// SPDX-License-Identifier: Apache-2.0
// What a request costs beside time: how often memory is asked for, how many bytes are moved in memory, which system calls are
// made.  Counted, so the machine's mood does not matter; beside a bare libmicrohttpd that answers as many bytes.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, out } from '../lib/measure.mjs';
import { hello } from '../lib/servers.mjs';
import { SEARCH } from './search.mjs';
import { HOLD, REPORT } from './writes.mjs';

const SHORT = 0.3, COUNTS = ['allocations', 'allocated', 'moves', 'moved'];

/** Starts ${server} with bench/count.c in it; gives how it is told so, and how to read it. */
function counter(scene, name) {
  const file = scene.registry.file(`${name}.counts`, '');
  writeFileSync(file, Buffer.alloc(8 * COUNTS.length));
  const read = () => { const b = readFileSync(file); return Object.fromEntries(COUNTS.map((c, i) => [c, Number(b.readBigUInt64LE(8 * i))])); };
  return { env: { LD_PRELOAD: join(out, 'count.so'), COUNTS: file }, read };
}

const less = (a, b) => Object.fromEntries(Object.keys(a).map((k) => [k, a[k] - (b[k] ?? 0)]));

/** What ${run} of a short and of a longer time differ in, for each request more: handshakes and the first requests fall out. */
async function each(run, seconds) {
  const short = await run(SHORT), long = await run(SHORT + seconds), more = long.requests - short.requests;
  return Object.fromEntries(Object.entries(less(long.counted, short.counted)).map(([k, v]) => [k, v / more]));
}

const requestsOf = (x) => x.per_s * x.seconds;

/** System calls by name while ${work} runs. */
async function traced(scene, pids, work) {
  const file = join(scene.work, 'calls.txt');
  const strace = spawn('strace', ['-c', '-f', '-qq', '-U', 'name,calls', '-o', file, ...String(pids).split(',').flatMap((p) => ['-p', p])], { stdio: 'ignore' });
  const ended = new Promise((done, fail) => { strace.on('exit', done); strace.on('error', fail); });
  await new Promise((done) => setTimeout(done, 500));
  const x = await work();
  strace.kill('SIGINT');
  await ended;
  const rows = readFileSync(file, 'utf8').split('\n').map((l) => /^(\w+)\s+(\d+)$/.exec(l.trim())).filter((m) => m && m[1] !== 'total');
  return { counted: Object.fromEntries(rows.map((m) => [m[1], Number(m[2])])), requests: requestsOf(x) };
}

const shown = (calls) => Object.entries(calls).filter(([, n]) => n >= 0.05).sort((a, b) => b[1] - a[1]).map(([k, n]) => `${k} ${n.toFixed(2)}`).join(', ');

/** What each request of ${work} costs ${target}, of which ${counts} is told. */
async function measure(scene, target, counts, work, report, name) {
  const at = (seconds) => load(scene, target, { ...work, seconds, warm: 0.01 }), seen = [];
  const counted = await each(async (seconds) => {
    const before = counts.read(), x = await at(seconds);
    seen.push(x);
    return { counted: less(counts.read(), before), requests: requestsOf(x) };
  }, scene.seconds);
  const calls = await each((seconds) => traced(scene, target.pids, () => at(seconds)), scene.seconds / 2);
  report.assert(`${name}: what it costs was counted`, counted.allocations > 0 && calls.sendmsg > 0, shown(calls));
  report.assert(`${name}: every request was answered as it should`, seen.every((x) => x.good_per_s >= 0.98 * x.per_s), seen.map((x) => x.status).join(' '));
  return { ...counted, calls: Object.values(calls).reduce((a, b) => a + b, 0) };
}

/** Restart ${scene} with what counts in it, and without when ${work} is done. */
async function countedIn(scene, name, work) {
  const counts = counter(scene, name);
  await scene.stop();
  await scene.start(counts.env);
  try { await work(counts); } finally {
    await scene.stop();
    await scene.start();
  }
}

/** Searches of the country; writes in a ${network} with a house for each desk, so that nobody is refused. */
export async function costs(country, network, report) {
  const bare = counter(country, 'bare'), search = country.script('search', ...SEARCH);
  const bytes = Math.round((await load(country, country, { table: country.deskTable, script: search, seconds: SHORT })).bytes_each) - 330;
  const server = await hello(country, bytes, true, null, bare.env);
  try {
    const floor = await measure(country, server, bare, { table: country.deskTable, script: country.registry.file('plain.script', '200 GET /\n') }, report, 'bare libmicrohttpd');
    const rows = async (scene, counts, name, table, steps) => {
      const x = await measure(scene, scene, counts, { table, script: scene.script('costs', ...steps) }, report, name);
      const row = (what, unit, field) => report.add({ row: `${name}: ${what}`, unit, ours: [x[field]], other: [floor[field]], against: 'bare libmicrohttpd' });
      row('memory asked for', 'times', 'allocations');
      row('memory asked for, all of it', 'bytes', 'allocated');
      row('moved by memcpy and memmove', 'bytes', 'moved');
      row('system calls', '', 'calls');
    };
    await countedIn(country, 'country', (counts) => rows(country, counts, 'search', country.deskTable, SEARCH));
    await countedIn(network, 'network', async (counts) => {
      await rows(network, counts, 'availability update', network.staffTable, REPORT);
      await rows(network, counts, 'reservation', network.deskTable, HOLD);
    });
  } finally {
    await server.stop();
  }
}
