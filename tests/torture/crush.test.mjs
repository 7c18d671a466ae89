// SPDX-License-Identifier: Apache-2.0
// Crushed at night: silent, slow and greedy clients by the hundred, and an honest house whose yes must get through within a
// second.  Then the end on SIGTERM in the middle of it, and a soak that leaves memory and descriptors as they were.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { comes, within } from '../api/lib/patience.mjs';
import { sleep } from '../api/lib/registry.mjs';
import { LONG, SEED } from './lib/random.mjs';
import { readers } from './lib/readers.mjs';
import { Tireless } from './lib/tireless.mjs';
import { Traffic, checkOffline } from './lib/traffic.mjs';

const SILENT = LONG ? 500 : 200, SLOW = LONG ? 1000 : 200, GREEDY = LONG ? 120 : 60;
const SECONDS = LONG ? 120 : 12;
const SOAK = Number(process.env.SOAK ?? (LONG ? 30 * 60 : 15)); // seconds
const MOST_MS = 1000;
const LOG_A_SECOND = 14_000; // bytes: 1.2 GB a day, were it never to end
const LOOKS = 20; // at the store's readers
const SAMPLES = 200; // of each, so that the worst two are no verdict
const LONGEST = 60; // seconds until there are so many

async function flood(r) {
  const { user, passphrase } = r.credentials('family_support');
  const { token } = await r.bare('family_support').signIn(user, passphrase);
  const device = r.device('family_support');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'lib/flood.mjs'), r.port, join(r.certs, 'ca.crt'), `${device}.crt`, `${device}.key`,
    token, SILENT, SLOW, GREEDY].map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (d) => { said += d; });
  return async () => {
    child.stdin.end();
    await new Promise((done) => { child.on('close', done); });
    return JSON.parse(said);
  };
}

const p99 = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length * 0.99)];
const tookOf = (traffic, ...actions) => traffic.acknowledged.filter((a) => actions.includes(a.action)).map((a) => a.took);
/** What the house waits for: how long each of its yes took, and each room that became free. */
const heard = (traffic) => ({
  confirms: tookOf(traffic, 'reservations_confirm'),
  releases: tookOf(traffic, 'reservations_cancel', 'reservations_leave', 'reservations_decline'),
});
const isPunctual = ({ confirms, releases }) => p99(confirms) < MOST_MS && p99(releases) < MOST_MS;

test(`${SLOW} slow, ${SILENT} silent, ${GREEDY} greedy: the honest house is heard within a second (TORTURE_SEED=${SEED})`, { timeout: 600_000 }, async (t) => {
  const r = await new Tireless().start();
  try {
    let tries = 0;
    await within(MOST_MS, async () => { // one stall of the machine while both wait is a p99, and says nothing of the service
      const traffic = await new Traffic(r, { seed: SEED + tries++, workers: 3, slow: 5 }).signIn();
      const end = await flood(r);
      const began = performance.now(), logged = statSync(r.log).size;
      await sleep(2000); // until the crowd stands in the door
      await traffic.begin();
      await sleep(SECONDS * 1000);
      const few = () => Object.values(heard(traffic)).some((list) => list.length < SAMPLES);
      for (let s = SECONDS; s < LONGEST && few(); s++) await sleep(1000);
      const held = readdirSync(`/proc/${r.pid}/fd`).length;
      await traffic.end();
      const met = await end();
      const asked = Object.values(met.statuses).reduce((a, b) => a + b, 0);
      assert.ok(asked > SECONDS * 50, `the greedy asked ${asked} times only: no verdict`);
      assert.ok(met.silent + met.slow > (SILENT + SLOW) / 4, `too few came: ${JSON.stringify(met)}`);
      assert.equal(met.withoutRetryAfter, 0);
      const { confirms, releases } = heard(traffic);
      assert.ok(confirms.length >= 20 && releases.length >= 20, `${confirms.length} confirmed, ${releases.length} released: no verdict`);
      const grown = (statSync(r.log).size - logged) / ((performance.now() - began) / 1000);
      assert.ok(grown < LOG_A_SECOND, `the log grew by ${Math.round(grown)} bytes a second`);
      const verdict = await traffic.verdict();
      assert.deepEqual(verdict, { lost: [], doubles: [], changed: [] });
      await traffic.provesAwake();
      t.diagnostic(`crushed by ${asked} requests and ${met.silent + met.slow} idle peers (${held} descriptors): ${confirms.length} confirmations p99 ${p99(confirms).toFixed(0)} ms, ${releases.length} releases p99 ${p99(releases).toFixed(0)} ms; lost 0; ${JSON.stringify(met.statuses)}`);
      return Math.max(p99(confirms), p99(releases));
    }, 'heard');
  } finally { await r.kill9().catch(() => {}); rmSync(r.work, { recursive: true, force: true }); }
});

test(`a service that stands still for 1.2 s is not called punctual (TORTURE_SEED=${SEED})`, { timeout: 120_000 }, async () => {
  const r = await new Tireless().start();
  try {
    const traffic = await new Traffic(r, { seed: SEED, workers: 12 }).signIn();
    await traffic.begin();
    // whom a stop hits is chance: somebody's yes or release before long
    let seen = false;
    for (let stops = 0; stops < 8 && !seen; stops++) {
      await traffic.floor(traffic.changes + 20);
      process.kill(r.pid, 'SIGSTOP');
      await sleep(1200);
      process.kill(r.pid, 'SIGCONT');
      await traffic.floor(traffic.changes + 20);
      seen = !isPunctual(heard(traffic)); // before punctual ones hide the few
    }
    await traffic.end();
    assert.ok(seen, 'the clock of this test would not see a pause');
  } finally { await r.kill9().catch(() => {}); rmSync(r.work, { recursive: true, force: true }); }
});

test(`SIGTERM amid traffic: over in 5 s, no accepted write lost (TORTURE_SEED=${SEED})`, { timeout: 300_000 }, async (t) => {
  const r = await new Tireless().start();
  try {
    const times = [], tokens = new Map();
    let changes = 0;
    for (let round = 0; round < (LONG ? 100 : 4); round++) {
      await within(5000, async () => {
        const traffic = await new Traffic(r, { seed: SEED + round, tokens }).signIn();
        const end = round % 2 ? await flood(r) : null;
        await traffic.begin();
        await traffic.floor(60);
        const from = performance.now();
        process.kill(r.pid, 'SIGTERM');
        traffic.isOver = true;
        const { code } = await r.ended;
        times.push(performance.now() - from);
        assert.equal(code, 0);
        await traffic.end();
        await end?.();
        await r.start();
        assert.deepEqual({ ...await traffic.verdict(), unrecorded: await traffic.unrecorded() }, { lost: [], doubles: [], changed: [], unrecorded: [] });
        changes += traffic.changes;
        return times.at(-1);
      }, `round ${round}: over`);
    }
    await r.stop();
    checkOffline(r);
    t.diagnostic(`SIGTERM: ${times.length} rounds, the slowest end ${Math.max(...times).toFixed(0)} ms; ${changes} acknowledged, lost 0`);
  } finally { await r.kill9().catch(() => {}); rmSync(r.work, { recursive: true, force: true }); }
});

/** How many connections to ${port} somebody holds open. */
const connections = (port) => {
  const to = `:${port.toString(16).toUpperCase().padStart(4, '0')} 01 `; // established, seen from the other end
  return readFileSync('/proc/net/tcp', 'utf8').split('\n').filter((line) => line.includes(to)).length;
};
/** Descriptors but those of connections: clients open more of these after each stall, and keep them. */
const measure = ({ pid, port }) => ({
  rss: Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/RssAnon:\s*(\d+)/)[1]),
  fds: readdirSync(`/proc/${pid}/fd`).length - connections(port),
  threads: readdirSync(`/proc/${pid}/task`).length,
});

test(`a soak of ${SOAK} s: memory, descriptors, threads and the store's readers stay (TORTURE_SEED=${SEED})`, { timeout: (SOAK + 120) * 1000 }, async (t) => {
  const r = await new Tireless().start();
  try {
    const traffic = await new Traffic(r, { seed: SEED, workers: 8, slow: LONG ? 200 : 0 }).signIn();
    await traffic.begin();
    await sleep((SOAK * 1000) / 3);
    const early = { ...measure(r), ...readers(r) }, changes = traffic.changes;
    let behind = 0;
    for (let look = 0; look < LOOKS; look++) {
      await sleep((SOAK * 2000) / 3 / LOOKS);
      behind = Math.max(behind, readers(r).behind);
    }
    const late = { ...measure(r), ...readers(r) };
    await traffic.end();
    await comes(() => readers(r).held.length === 0, 'a reader keeps its snapshot though nobody asks');
    assert.ok(late.slots <= early.slots + 2, `slots of readers: ${early.slots}, then ${late.slots}`);
    assert.ok(traffic.changes - changes > SOAK, `only ${traffic.changes - changes} changes: no verdict`);
    assert.equal(late.threads, early.threads);
    assert.ok(Math.abs(late.fds - early.fds) <= 4, `descriptors: ${early.fds}, then ${late.fds}`);
    assert.ok(late.rss < early.rss * 1.1 + 8192, `anonymous memory: ${early.rss} KiB, then ${late.rss} KiB`);
    t.diagnostic(`soak: ${traffic.changes} acknowledged; memory ${early.rss} to ${late.rss} KiB, descriptors ${early.fds} to ${late.fds}, readers ${early.slots} to ${late.slots}, the oldest ${behind} commits behind`);
  } finally { await r.kill9().catch(() => {}); rmSync(r.work, { recursive: true, force: true }); }
});
