// SPDX-License-Identifier: Apache-2.0
// Ten years of national traffic: day after day of calls and placements, with the service killed, its disk without power or
// full amid them, and retention at work.  Afterwards everything is as an independent book says: nobody lost, no room twice, each
// year's statistics, and a store and a memory that are no larger than the trail of five years makes them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noClock } from '../api/lib/clockwork.mjs';
import { Decade } from './lib/decade.mjs';
import { noDisk } from './lib/disks.mjs';
import { LONG, SEED, generator } from './lib/random.mjs';
import { checkOffline } from './lib/traffic.mjs';

const DAYS = Number(process.env.DAYS ?? (LONG ? 3612 : 420)); // with the quiet nights 20 more; the sample's authority lives for 3,650
const CALLS = Number(process.env.CALLS ?? (LONG ? 120_000 : 280));
const PLACEMENTS = Number(process.env.PLACEMENTS ?? (LONG ? 7000 : 42));
const STEP = Number(process.env.STEP ?? (LONG ? 14 : 28)); // days from one morning of the clock to the next: what happens in them happens then
const STEPS = Math.floor(DAYS / STEP);
const FAULTS = Number(process.env.FAULTS ?? (LONG ? 60 : 3)); // each of the kinds in turn
const WITHIN = Number(process.env.WITHIN ?? Infinity); // seconds, on a machine that has nothing else to do
const ROOMS = 12; // a part of those there are, taken on average
const STAY_DAYS = Math.min(40, Math.floor((2 * ROOMS * DAYS) / PLACEMENTS));
const withoutDisk = noDisk();
const KINDS = withoutDisk ? ['kill'] : ['kill', 'cutPower', 'fillDisk'];
const YEAR = 364;
const TRAIL_YEARS = 5, TABLE_KIB = 96 * 1024; // what the trail's expiry compares by while it works (ledger/tags.c), once there is something to expire
const AT_ONCE = 192; // so that one commit has many

/** Do ${jobs}, ${AT_ONCE} at a time. */
async function together(jobs) {
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => { while (next < jobs.length) await jobs[next++](); }));
}

/** How many of ${total} belong to ${step}, so that all steps make all of it. */
const share = (total, step) => Math.floor((total * (step + 1)) / STEPS) - Math.floor((total * step) / STEPS);

/** Quiet nights, after which nobody is told of a case that was over and due before them; how many were asked for. */
async function rest(d) {
  await d.nights();
  const due = d.due();
  assert.deepEqual(await d.remaining(due), [], 'cases that retention should have removed');
  return due.length;
}

async function live(d, random) {
  const years = [];
  let faults = 0, missed = 0, gone = 0;
  for (let step = 0; step < STEPS; step++) {
    if (step > 0) d.pass(STEP);
    if (step > 0 && (step * STEP) % YEAR === 0) {
      gone += await rest(d);
      years.push({ store: d.storeBytes(), memory: d.memoryKiB() });
      console.log(`year ${(step * STEP) / YEAR}: store ${(years.at(-1).store / 2 ** 20).toFixed(1)} MiB, memory ${years.at(-1).memory} KiB, ${d.calls} calls, ${d.placed} placed`);
      await d.newYear();
    }
    const again = Math.min(missed, 2), placements = share(PLACEMENTS, step) + again, calls = share(CALLS, step) - share(PLACEMENTS, step);
    missed -= again;
    // no day waits for its slowest: who leaves goes first, and the calls that need no room run until there are rooms again
    const words = Array.from({ length: calls }, (_, i) => () => d.call(i % 10 === 0));
    const jobs = [...d.leavings(), ...d.confirmations(step), ...words.splice(0, AT_ONCE),
      ...Array.from({ length: placements }, () => async () => { missed += (await d.placement()) ? 0 : 1; }), ...words];
    if (jobs.length > 0 && faults < Math.floor(((step + 1) * FAULTS) / STEPS)) {
      const kind = KINDS[faults++ % KINDS.length];
      jobs.splice(random(Math.ceil(jobs.length / 2)), 0, () => d[kind]()); // so that there is work left to meet it
    }
    await together(jobs);
  }
  gone += await rest(d);
  return { years, faults, gone };
}

test(`${DAYS} days, ${CALLS} calls, ${PLACEMENTS} placements (TORTURE_SEED=${SEED})`, { skip: noClock, timeout: LONG ? 3600_000 : 900_000 }, async (t) => {
  const random = generator(SEED), from = performance.now();
  if (withoutDisk) t.diagnostic(`${withoutDisk}: kill -9 is the only fault`);
  const d = new Decade(random, { stayDays: STAY_DAYS, hasDisk: !withoutDisk });
  try {
    await d.start();
    const { years, faults, gone } = await live(d, random);
    const lasted = (performance.now() - from) / 1000;
    // the floors
    const met = JSON.stringify(d.met).replaceAll('"', '');
    assert.ok(faults >= FAULTS && Object.keys(d.met).length === KINDS.length, `${faults} faults, met ${met} only: no verdict`);
    assert.ok(gone >= CALLS / 12, `${gone} cases looked for: no verdict`);
    assert.ok(d.calls >= CALLS && d.placed >= PLACEMENTS * 0.9, `${d.calls} calls, ${d.placed} placements: no verdict`);
    // the verdict
    assert.deepEqual(d.doubles, []);
    assert.deepEqual(await d.wrongStays(), []);
    assert.deepEqual(await d.wrongRooms(), []);
    let compared = 0;
    for (const year of [...d.ended.keys()].filter((y) => y < d.year)) {
      const s = await d.wrongStatistics(year);
      assert.deepEqual(s.wrong, {}, `statistics of ${year}`);
      compared += s.compared;
    }
    assert.ok(compared > 0, 'no year is over: no verdict');
    for (const [i, { memory }] of years.entries()) assert.ok(memory < years[0].memory * 1.2 + 8192 + (i + 1 < TRAIL_YEARS ? 0 : TABLE_KIB), `memory, year by year: ${years.map((y) => y.memory)}`);
    // the mutants: a case that is there, a family that the book never had, a room that it gave away, a call more
    const open = await d.openCase();
    assert.deepEqual(await d.remaining([open]), [open]);
    const [id] = d.stays.keys(), [room] = d.rooms.keys(), [year] = [...d.ended.keys()].filter((y) => y < d.year);
    assert.equal((await d.wrongStays(new Map([...d.stays].filter(([k]) => k !== id)))).length, 1);
    if (room) assert.equal((await d.wrongRooms(new Map([...d.rooms].filter(([k]) => k !== room)))).length, 1); // all may share one
    const [key] = (await d.wrongStatistics(year)).keys, more = { ...d.ended.get(year), [key]: (d.ended.get(year)[key] ?? 0) + 1 };
    assert.deepEqual(Object.keys((await d.wrongStatistics(year, more)).wrong), [key]);
    assert.ok(lasted < WITHIN, `${lasted.toFixed(0)} s`);
    const store = d.storeBytes();
    await d.registry.stop();
    const { records, audit_entries: entries } = checkOffline(d.registry);
    assert.ok(entries > 2 * CALLS, `the trail has ${entries} entries`);
    t.diagnostic(`years: ${d.calls} calls, ${d.placed} placed in ${lasted.toFixed(0)} s, met ${met}, ${d.refusals} repeats; ${d.stays.size} families live in ${d.rooms.size} rooms; ` +
      `lost 0, double 0, ${compared} cells of statistics agree; ${gone} of ${gone} ended cases gone; ${records} records, ${entries} entries, ${(store / 2 ** 20).toFixed(1)} MiB; 4 lies found (mutant)`);
  } finally {
    await d.discard();
  }
});
