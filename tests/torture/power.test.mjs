// SPDX-License-Identifier: Apache-2.0
// Power cuts: the file system is shut down under the service amid mixed traffic.  What was acknowledged is there afterwards,
// nothing is there twice, the trail covers all of it, and a repeat gives the first answer.  The mutant is the same service
// with a disk that lies (libeatmydata): the same test must see it lose.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LoopDisk, noDisk } from './lib/disks.mjs';
import { SEED, generator, rounds } from './lib/random.mjs';
import { Traffic, checkOffline } from './lib/traffic.mjs';
import { Tireless } from './lib/tireless.mjs';

const ROUNDS = rounds(5, 250); // on each kind of file system
const CHAPTER = 20; // rounds on one disk: what a reader has to read grows with them
const LOOK = 5; // after so many rounds the service ends well and the store is checked offline; else it goes on to the next cut
const skip = noDisk();

function eatmydata() {
  const found = readdirSync('/usr/lib').map((d) => join('/usr/lib', d, 'libeatmydata.so')).find((f) => existsSync(f));
  if (!found) throw new Error('libeatmydata is not installed (tools/deps.sh test)');
  return found;
}

/** One cut; { lost, doubles, changed } as the reader found it, and how much was acknowledged. */
async function cut(disk, random, tokens, environment) {
  const r = disk.registry;
  if (!disk.isServed) await r.start(environment);
  const traffic = await new Traffic(r, { seed: random(2 ** 31), tokens }).signIn();
  await traffic.begin();
  await traffic.floor(60 + random(120));
  disk.cutPower();
  const before = traffic.changes;
  traffic.isOver = true;
  const last = await traffic.desks[0].post('/v1/episodes', { channel: 'phone', household: { case_type: 'partner_violence', women: 1 } }).catch((e) => e);
  assert.notEqual(last.status, 201, 'a change was acknowledged after the power was cut: the fault did not happen');
  await traffic.end();
  await r.kill9();
  disk.isServed = false;
  disk.restorePower();
  return { traffic, before };
}

/** Opens what is left and reads it; { lost, doubles, changed, unrecorded }. */
async function read(disk, traffic) {
  const r = disk.registry;
  disk.isServed = true;
  try { await r.start(); } catch (e) { return { lost: [`does not open: ${e.message.split('\n').at(-2)}`], doubles: [], changed: [], unrecorded: [] }; }
  const verdict = await traffic.verdict({ most: 60 });
  verdict.unrecorded = verdict.lost.length ? [] : await traffic.unrecorded();
  return verdict;
}

/** ${count} cuts of one disk, the first of them round ${from}; what was acknowledged, and what stayed without an answer. */
async function chapter(kind, random, from, count) {
  const disk = new LoopDisk(new Tireless(), kind), tokens = new Map();
  const sum = { rounds: 0, changes: 0, unknown: 0 };
  try {
    while (sum.rounds < count) {
      const { traffic, before } = await cut(disk, random, tokens);
      sum.changes += before;
      sum.unknown += traffic.unknown.length;
      const verdict = await read(disk, traffic);
      assert.deepEqual(verdict, { lost: [], doubles: [], changed: [], unrecorded: [] }, `round ${from + sum.rounds}`);
      sum.rounds++;
      if (sum.rounds % LOOK !== 0 && sum.rounds < count) continue;
      await disk.registry.stop();
      disk.isServed = false;
      checkOffline(disk.registry);
    }
  } finally { await disk.discard(); }
  return sum;
}

for (const kind of ['ext4', 'xfs']) {
  test(`${kind}: ${ROUNDS} power cuts lose nothing (TORTURE_SEED=${SEED})`, { skip, timeout: 180_000 * ROUNDS }, async (t) => {
    const random = generator(SEED);
    let done = 0, changes = 0, unknown = 0;
    while (done < ROUNDS) {
      const sum = await chapter(kind, random, done, Math.min(CHAPTER, ROUNDS - done));
      done += sum.rounds;
      changes += sum.changes;
      unknown += sum.unknown;
      if (ROUNDS > CHAPTER) t.diagnostic(`${done} rounds`);
    }
    t.diagnostic(`${done} cuts, ${changes} acknowledged changes, ${unknown} without an answer, lost 0, double 0`);
  });

  test(`${kind}: a disk that lies is found out (mutant)`, { skip, timeout: 180_000 }, async (t) => {
    const disk = new LoopDisk(new Tireless(), kind);
    try {
      const { traffic } = await cut(disk, generator(SEED), new Map(), { LD_PRELOAD: eatmydata() });
      const { lost } = await read(disk, traffic);
      assert.ok(lost.length > 0, 'the mutant lost nothing: the test above proves nothing');
      t.diagnostic(`the mutant lost ${lost.length}: ${lost[0]}`);
    } finally {
      await disk.discard();
    }
  });
}
