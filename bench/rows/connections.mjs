// SPDX-License-Identifier: Apache-2.0
// Handshakes beside nginx, event streams by the thousand, a device that floods with forged tokens, and ten times too much work.
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { load, out, pick, rounds } from '../lib/measure.mjs';
import { plot } from '../lib/report.mjs';
import { nginx } from '../lib/servers.mjs';
import { SEARCH } from './search.mjs';
import { HOLD } from './writes.mjs';

export async function handshakes(scene, report, count) {
  const script = scene.script('me', '200 GET /v1/me'), plain = scene.registry.file('plain.script', '200 GET /\n');
  const peer = await nginx(scene, 500, { tickets: true }); // as we do it: tickets are handed out after every full handshake
  const shake = (server, what, handshake) => load(scene, server, { table: scene.deskTable, script: what, handshake, connections: 16 });
  try {
    const r = await rounds(count, { ours: () => shake(scene, script, 'full'), nginx: () => shake(peer, plain, 'full'),
      oursAgain: () => shake(scene, script, 'resume'), nginxAgain: () => shake(peer, plain, 'resume') });
    report.add({ row: 'full mTLS handshakes', unit: '/s', ours: pick(r.ours, 'per_s'), other: pick(r.nginx, 'per_s'), against: 'nginx', goal: ['>=', 1.2] });
    report.add({ row: 'full mTLS handshake: CPU', unit: 'us', ours: pick(r.ours, 'server_us'), other: pick(r.nginx, 'server_us'), against: 'nginx', goal: ['<=', 0.84] });
    report.add({ row: 'resumed handshakes', unit: '/s', ours: pick(r.oursAgain, 'per_s'), other: pick(r.ours, 'per_s'), against: 'full', goal: ['>=', 2.5] });
    report.assert('what was measured as resumed was resumed (nginx)', r.nginxAgain.every((x) => x.resumed > 0.8 * x.handshakes));
    report.add({ row: 'handshakes that could be resumed', unit: '%', ours: pick(r.oursAgain, (x) => (100 * x.resumed) / x.handshakes), goal: ['>=', 90] });
  } finally {
    await peer.stop();
  }
}

/**
 * ${many} streams are held while one desk opens calls for help, ${waves} of them, which all of its organisation hear of.  What it
 * takes: resident bytes before and with them, for each call how many heard of it and the milliseconds until the last did.
 */
async function hold(scene, many, waves) {
  const before = scene.rss();
  const child = spawn(join(out, 'streams'), ['--port', scene.port, '--ca', scene.ca, '--clients', scene.deskTable, '--streams', many, '--seconds', 5 + waves].map(String),
    { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = [];
  let rest = '', said = '';
  child.stdout.on('data', (d) => {
    const parts = (rest + d).split('\n');
    rest = parts.pop();
    lines.push(...parts);
  });
  child.stderr.on('data', (d) => { said += d; });
  const until = async (n) => { for (let i = 0; i < 700 && lines.length < n && child.exitCode === null; i++) await new Promise((done) => setTimeout(done, 100)); };
  try {
    await until(1);
    if (lines[0] !== `open ${many}`) throw new Error(`${many} event streams do not open: ${lines[0] ?? said.slice(0, 400)}`);
    await new Promise((done) => setTimeout(done, 500));
    const result = { many, before, with: scene.rss(), late: [], reached: [] };
    for (let i = 0; i < waves; i++) {
      const sent = process.hrtime.bigint();
      await scene.must(scene.desks[0], 201, 'POST', '/v1/episodes', { channel: 'phone', household: { case_type: 'partner_violence', women: 1, men: 0 } });
      await until(2 + i);
      const [, count, , last] = (lines[1 + i] ?? 'wave 0 0 0').split(' ');
      result.reached.push(Number(count));
      result.late.push(Number(BigInt(last) - sent) / 1e6);
    }
    return result;
  } finally {
    const ended = new Promise((done) => child.on('exit', done));
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await ended;
  }
}

/** ${many} is judged; what fewer take, from the fewest on, is drawn beside it. */
export async function streams(scene, report, many, waves) {
  const fewer = [];
  for (const n of [16, 4]) fewer.push(await hold(scene, Math.ceil(many / n), Math.ceil(waves / 2)));
  const all = await hold(scene, many, waves), grown = [...fewer, all], slowest = (x) => Math.max(...x.late);
  // what fewer streams took is kept for the next ones: what is resident without any is what it was before the first
  report.add({ row: 'memory of an idle stream with its TLS', unit: 'KiB', ours: [(all.with - fewer[0].before) / 1024 / many], goal: ['<=', 64] });
  report.assert('every change reached every stream', grown.every((x) => x.reached.every((n) => n === x.many)), grown.map((x) => `${Math.min(...x.reached)} of ${x.many}`).join(', '));
  report.add({ row: `a change reaches the last of ${many} streams (slowest of ${waves})`, unit: 'ms', ours: [slowest(all)], goal: ['<=', 100] });
  plot('streams.svg', { title: 'Event streams: until the last hears of a change', x: 'streams', y: 'ms', series: { slowest: grown.map((x) => [x.many, slowest(x)]) } });
  plot('memory-by-streams.svg', { title: 'Event streams held: resident memory', x: 'streams', y: 'MiB', series: { resident: grown.map((x) => [x.many, x.with / 2 ** 20]) } });
}

/** The same searches with and without somebody who sends a new forged token with each request. */
export async function flood(scene, report, count) {
  const script = scene.script('search', ...SEARCH);
  const forged = scene.registry.file('forged.script', '+Authorization: Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJi$k.$k$k$k\n401,429 GET /v1/me\n');
  const attacker = scene.table('attacker', [scene.desks.at(-1)]);
  const searches = () => load(scene, scene, { table: scene.deskTable, script, rate: 1500 });
  const r = await rounds(count, { calm: searches, flooded: async () => {
    const attack = load(scene, scene, { table: attacker, script: forged, connections: 4, rate: 2000, seconds: scene.seconds, label: 'flood' });
    const measured = await searches();
    await attack;
    return measured;
  } });
  report.add({ row: 'searches while one device floods with forged tokens', unit: '/s', ours: pick(r.flooded, 'good_per_s'), other: pick(r.calm, 'good_per_s'), against: 'without', goal: ['>=', 0.95] });
}

/** Ten times as many searches fall due as can be done, from many more connections; what is turned away must be told when to come again. */
export async function overload(scene, report, count) {
  const script = scene.script('search', ...SEARCH), work = { table: scene.deskTable, script, connections: 64 };
  const can = await load(scene, scene, work);
  const r = await rounds(Math.min(count, 3), { fit: () => load(scene, scene, work), tenfold: () => load(scene, scene, { ...work, connections: 640, rate: Math.round(10 * can.good_per_s) }) });
  report.add({ row: 'goodput under 10 x overload', unit: '/s', ours: pick(r.tenfold, 'good_per_s'), other: pick(r.fit, 'good_per_s'), against: 'without', goal: ['>=', 0.9] });
  const busy = (x) => Number(/503:(\d+)/.exec(x.status)?.[1] ?? 0);
  report.assert('whoever is turned away with 503 is told when to come again', r.tenfold.every((x) => x.retry_after === busy(x)), r.tenfold.map((x) => x.status).join(' '));
}

/** Desks that hold places and release them while others, a whole network's worth of devices, search ten times as much as can be answered. */
export async function first(scene, report, count) {
  const few = scene.desks.slice(-16), many = scene.desks.slice(0, -16), rate = 100;
  const search = { table: scene.table('many', many, (w) => [w.episode]), script: scene.script('search', ...SEARCH) };
  const hold = () => load(scene, scene, { table: scene.table('few', few, (w) => [w.episode, w.candidate]), script: scene.script('hold', ...HOLD), connections: few.length, rate, label: 'hold' });
  const can = await load(scene, scene, { ...search, connections: 64 });
  const r = await rounds(Math.min(count, 3), { calm: hold, crushed: async () => {
    const attack = load(scene, scene, { ...search, connections: 10 * many.length, rate: Math.round(10 * can.good_per_s), seconds: scene.seconds + 1, label: 'tenfold' });
    const measured = await hold();
    await attack;
    return measured;
  } });
  report.add({ row: `holds and releases, ${rate}/s, while searches come tenfold`, unit: '/s', ours: pick(r.crushed, 'good_per_s'), other: pick(r.calm, 'good_per_s'), against: 'without', goal: ['>=', 0.9] });
  report.add({ row: 'the same: p99', unit: 'ms', ours: pick(r.crushed, (x) => x.p99_us / 1000), goal: ['<=', 1000] });
  report.assert('none of them was turned away', r.crushed.every((x) => !/503|429/.test(x.status)), r.crushed.map((x) => x.status).join(' '));
}

/** What checking a token that was verified before costs a request: its share of the samples, of the CPU of the request. */
export async function token(scene, report) {
  const data = join(scene.work, 'perf.data');
  const perf = spawn('perf', ['record', '-q', '-F', '999', '--call-graph', 'dwarf,8192', '-e', 'cpu-clock', '-o', data, '-p', scene.pids, '--', 'sleep', '2'], { stdio: 'ignore' });
  const ended = new Promise((done) => { perf.on('exit', done); perf.on('error', done); });
  const x = await load(scene, scene, { table: scene.deskTable, script: scene.script('me', '200 GET /v1/me'), seconds: 2 });
  await ended;
  const text = execFileSync('perf', ['report', '-i', data, '--children', '-g', 'none', '--stdio'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 });
  const share = Number(/^ +([\d.]+)%.* auth_verify\b/m.exec(text)?.[1] ?? 0) / 100;
  report.assert('the token check was seen in the profile', share > 0);
  report.add({ row: 'token check, once it was verified', unit: 'us', ours: [share * x.server_us], goal: ['<=', 2] });
}
