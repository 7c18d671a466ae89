// SPDX-License-Identifier: Apache-2.0
// A disk that is full, and one that turned read-only, under mixed traffic: changes are refused with 503 and Retry-After, what
// is there can be read, nothing acknowledged is lost; with room again it goes on by itself.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { comes } from '../api/lib/patience.mjs';
import { LoopDisk, noDisk } from './lib/disks.mjs';
import { SEED } from './lib/random.mjs';
import { Traffic, checkOffline, patient } from './lib/traffic.mjs';
import { Tireless } from './lib/tireless.mjs';

const skip = noDisk();
const FLOOR = 80;
const GOOD = { lost: [], doubles: [], changed: [], unrecorded: [] };

async function read(traffic) {
  return { ...await traffic.verdict({ most: 60 }), unrecorded: await traffic.unrecorded() };
}

/** Traffic before and under the fault; how many changes were refused and that reading goes on. */
async function under(traffic, fault) {
  await traffic.begin();
  await traffic.floor(FLOOR);
  const [known] = traffic.reservations.keys();
  fault();
  await comes(() => traffic.refused >= 20, () => `only ${traffic.refused} changes met the fault: no verdict`);
  const seen = await patient(() => traffic.desks[0].get(`/v1/reservations/${known}`));
  assert.equal(seen.status, 200, 'what is there cannot be read');
}

test(`a full disk: refused, read, and by itself well again (TORTURE_SEED=${SEED})`, { skip, timeout: 180_000 }, async (t) => {
  const disk = new LoopDisk(new Tireless(), 'ext4', 64);
  const r = disk.registry;
  try {
    await r.start();
    const traffic = await new Traffic(r, { seed: SEED, slow: 10 }).signIn();
    await under(traffic, () => disk.fill());
    const { refused, changes } = traffic;
    disk.empty();
    await traffic.floor(changes + FLOOR);
    await traffic.end();
    assert.deepEqual(await read(traffic), GOOD);
    await traffic.provesAwake();
    await r.stop();
    checkOffline(r);
    t.diagnostic(`full disk: ${refused} changes refused, ${traffic.changes} acknowledged, lost 0; it went on by itself`);
  } finally {
    await r.kill9().catch(() => {});
    disk.detach();
    rmSync(r.work, { recursive: true, force: true });
  }
});

test(`a disk that turned read-only: refused, read, nothing lost (TORTURE_SEED=${SEED})`, { skip, timeout: 180_000 }, async (t) => {
  const disk = new LoopDisk(new Tireless(), 'ext4', 64);
  const r = disk.registry;
  try {
    await r.start();
    const traffic = await new Traffic(r, { seed: SEED, slow: 10 }).signIn();
    await under(traffic, () => disk.turnReadOnly());
    await traffic.end();
    const { refused } = traffic;
    await r.kill9();
    disk.repair();
    await r.start();
    assert.deepEqual(await read(traffic), GOOD);
    await traffic.provesAwake();
    await r.stop();
    checkOffline(r);
    t.diagnostic(`read-only disk: ${refused} changes refused, ${traffic.changes} acknowledged, lost 0`);
  } finally {
    await r.kill9().catch(() => {});
    disk.detach();
    rmSync(r.work, { recursive: true, force: true });
  }
});
