// SPDX-License-Identifier: Apache-2.0
// A disk that is full, and one that turned read-only, under mixed traffic: changes are refused with 503 and Retry-After, what
// is there can be read, nothing acknowledged is lost; with room again it goes on by itself.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { comes } from '../api/lib/patience.mjs';
import { reservationIn } from '../api/lib/scenes.mjs';
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

/** Did the one write fail after which nobody knows what the disk holds?  The service refuses all then and ends, to be
 * started anew. */
const isUnknown = (registry) => registry.logText().includes('MDB_PANIC');

/** Under the fault ${desk} reads both, but of what cannot be recorded nothing: no search, and no other house for the one that
 * was ${declined}. */
async function reads(desk, known, declined, episode) {
  const read = (id) => patient(() => desk.get(`/v1/reservations/${id}`));
  assert.equal((await read(known)).status, 200, 'what is there cannot be read');
  const found = async () => (await patient(() => desk.post(`/v1/episodes/${episode}/searches`))).status;
  // each second the trail is tried anew, and where freed pages are enough for an entry it is written though the disk is full
  await comes(async () => {
    if (await found() !== 503) return false;
    const seen = await read(declined);
    assert.equal(seen.status, 200, 'it is refused for what would be proposed beside it');
    return seen.json.next.length === 0;
  }, 'what cannot be recorded is answered: a search, or another house');
}

/** Traffic before and under the fault; how many changes were refused and that reading goes on. */
async function under(traffic, fault) {
  const { registry, desks: [desk] } = traffic;
  const declined = (await reservationIn(registry, 'declined_by_house')).reservation.id;
  assert.equal((await desk.get(`/v1/reservations/${declined}`)).json.next.length, 1, 'nothing is proposed after a decline');
  await traffic.begin();
  await traffic.floor(FLOOR);
  const [known] = traffic.reservations.keys(), [episode] = traffic.episodes;
  fault();
  try {
    await comes(() => traffic.refused >= 20 || isUnknown(registry), () => `only ${traffic.refused} changes met the fault: no verdict`);
    await reads(desk, known, declined, episode);
  } catch (e) {
    if (!isUnknown(registry)) throw e;
    await registry.ended;
    assert.match(registry.logText(), /store_broken/);
  }
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
