// SPDX-License-Identifier: Apache-2.0
// The Nth request for memory fails, whoever makes it: our code, TLS, the HTTP daemon, JSON.  The call may be refused or hung
// up on, the service stays, nothing is lost, a repeat gives the first answer.  And: few descriptors, little address space.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { noClock as noPreload } from '../api/lib/clockwork.mjs';
import { PATIENCE } from '../api/lib/patience.mjs';
import { sleep } from '../api/lib/registry.mjs';
import { ownHouse } from '../api/lib/scenes.mjs';
import { Faults } from './lib/faults.mjs';
import { LONG, SEED, generator } from './lib/random.mjs';
import { Script } from './lib/script.mjs';
import { Traffic, checkOffline } from './lib/traffic.mjs';
import { Tireless } from './lib/tireless.mjs';

const LEAST = 500; // requests for memory that a night makes at least
const QUICK = 150; // rounds of the quick form, spread over all

async function stage() {
  const r = new Tireless();
  const faults = new Faults(r);
  await r.start(faults.environment);
  const people = await Promise.all(['counsellor', 'shelter_staff'].map(async (role) => {
    const { user, passphrase } = r.credentials(role);
    return r.bare(role, { sockets: 1 }).signIn(user, passphrase);
  }));
  const s = { r, faults, people, shelter: await ownHouse(people[1]), hasEnded: false };
  r.ended.then(() => { s.hasEnded = true; });
  return s;
}

const scriptOf = (s) => Object.assign(new Script(...s.people), { shelter: s.shelter });
const CALLS = 2; // of one night, on the same two connections

/** All calls of a night, one after the other as far as they go; true if the end of the last was reached. */
async function run(calls) {
  for (const call of calls) if (!await call.run()) return false;
  return true;
}

/** How many requests for memory one undisturbed night makes. */
async function count(s) {
  assert.ok(await scriptOf(s).run()); // the first one fills caches
  const calls = Array.from({ length: CALLS }, () => scriptOf(s));
  s.people.forEach((p) => p.end()); // the handshakes belong to it
  s.faults.memory(0);
  assert.ok(await run(calls));
  return s.faults.read().memory_count;
}

async function night(s, at, goesOn) {
  const calls = Array.from({ length: CALLS }, () => scriptOf(s));
  s.people.forEach((p) => p.end());
  s.faults.memory(at, goesOn);
  await run(calls);
  const { memory_hits: hits } = s.faults.read();
  s.faults.mend();
  for (const end = performance.now() + PATIENCE; !await run(calls); await sleep(20))
    assert.ok(performance.now() < end && !s.hasEnded && calls.every((c) => c.wrong.length === 0), `memory at ${at}: it does not recover: ${calls.map((c) => `${c.refusals} ${c.wrong}`)}`);
  for (const call of calls) assert.deepEqual(await call.read(), [], `memory at ${at}`);
  return hits;
}

for (const goesOn of [false, true]) {
  test(`memory fails at each request${goesOn ? ' and from there on' : ''} (TORTURE_SEED=${SEED})`, { skip: noPreload, timeout: 3600_000 }, async (t) => {
    const s = await stage();
    const { pid } = s.r;
    try {
      const all = await count(s);
      assert.ok(all > LEAST, `a night asks for memory ${all} times only: no verdict`);
      const step = LONG ? 1 : Math.ceil(all / QUICK);
      let met = 0, tried = 0;
      for (let at = 1 + generator(SEED)(step); at <= all; at += step, tried++) met += await night(s, at, goesOn) > 0 ? 1 : 0;
      assert.ok(met > tried * 0.6, `only ${met} of ${tried} rounds met their fault`);
      process.kill(pid, 0);
      assert.equal(s.r.pid, pid);
      s.faults.mend();
      await s.r.stop();
      checkOffline(s.r);
      t.diagnostic(`memory: ${met} rounds met a failure among ${all} requests${goesOn ? ' and all after it' : ''}; lost 0`);
    } finally { await s.r.kill9().catch(() => {}); rmSync(s.r.work, { recursive: true, force: true }); }
  });
}

test('a service that dies of it is found out (mutant)', { skip: noPreload, timeout: 180_000 }, async () => {
  const s = await stage();
  try {
    await assert.rejects(night(s, 100, 2), /does not recover|ECONNREFUSED/);
    assert.equal((await s.r.ended).signal, 'SIGSEGV');
  } finally { await s.r.kill9().catch(() => {}); rmSync(s.r.work, { recursive: true, force: true }); }
});

test('few descriptors and little address space: who is served is served well', { skip: noPreload, timeout: 180_000 }, async (t) => {
  const r = new Tireless();
  await r.start();
  try {
    const traffic = await new Traffic(r, { seed: SEED }).signIn();
    await traffic.begin();
    await traffic.floor(50);
    const used = Number(readFileSync(`/proc/${r.pid}/statm`, 'utf8').split(' ')[0]) * 4096;
    // from here on: nine descriptors more than it has, and one MiB of addresses
    const open = readdirSync(`/proc/${r.pid}/fd`).length;
    execFileSync('prlimit', ['--pid', r.pid, `--nofile=${open + 9}:`, `--as=${used + (1 << 20)}:`]);
    const crowd = Array.from({ length: 60 }, () => r.bare('family_support', { sockets: 1 }));
    const answers = await Promise.all(crowd.map((c) => Promise.race([c.get('/v1/codes').then((a) => a.status, (e) => e.code), sleep(2000).then(() => 'waits')])));
    const turnedAway = answers.filter((a) => a !== 200).length;
    crowd.forEach((c) => c.end());
    execFileSync('prlimit', ['--pid', r.pid, '--nofile=4096:', '--as=unlimited:']);
    const before = traffic.changes;
    await traffic.floor(before + 50);
    await traffic.end();
    assert.ok(turnedAway > 0, 'all 60 were served: the limits limited nothing, no verdict');
    const verdict = await traffic.verdict();
    assert.deepEqual(verdict, { lost: [], doubles: [], changed: [] });
    await traffic.provesAwake();
    const log = r.logText();
    assert.ok(log.length < 100_000, `the log grew to ${log.length} bytes`);
    await r.stop();
    checkOffline(r);
    t.diagnostic(`limits: ${turnedAway} of 60 strangers turned away, ${traffic.changes} changes acknowledged, lost 0`);
  } finally { await r.kill9().catch(() => {}); rmSync(r.work, { recursive: true, force: true }); }
});

/** Processor time the service has used, in hundredths of a second. */
const ticks = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13).reduce((a, b) => a + Number(b), 0);

test('without one descriptor left the command socket waits and does not spin', { timeout: 180_000 }, async (t) => {
  const r = new Tireless();
  await r.start();
  const path = join(r.dir, 'control.sock');
  const waiting = [];
  const ask = () => new Promise((done) => {
    const socket = net.connect(path, () => socket.write('status\n'));
    waiting.push(socket);
    socket.once('data', (d) => done(`${d}`)).once('error', (e) => done(e.code));
  });
  try {
    assert.match(await ask(), /"step":"done"/);
    // the connection that was just answered is closed a moment later
    let asked, used, isPending = false;
    for (let tries = 0; tries < 20 && !isPending; tries++) {
      const taken = new Set(readdirSync(`/proc/${r.pid}/fd`).map(Number));
      let next = 0;
      while (taken.has(next)) next++;
      execFileSync('prlimit', ['--pid', r.pid, `--nofile=${next}:`]);
      isPending = true;
      asked = ask().finally(() => { isPending = false; });
      await Promise.race([asked, sleep(1000)]);
      if (!isPending) continue;
      const before = ticks(r.pid);
      await sleep(3000); // one that is merely slow is answered meanwhile
      used = ticks(r.pid) - before;
    }
    assert.ok(isPending, 'it was answered: the limit limited nothing, no verdict');
    execFileSync('prlimit', ['--pid', r.pid, '--nofile=4096:']);
    assert.ok(used < 50, `${used / 100} s of processor time in 3 s`);
    assert.match(await asked, /"step":"done"/, 'who waited is answered in the end');
    assert.match(await ask(), /"step":"done"/);
    t.diagnostic(`no descriptors: ${used / 100} s of processor time in 3 s, answered afterwards; lost 0`);
  } finally {
    for (const socket of waiting) socket.destroy();
    await r.kill9().catch(() => {});
    rmSync(r.work, { recursive: true, force: true });
  }
});
