// SPDX-License-Identifier: Apache-2.0
// The disk fails, or the service dies, at each single request that the night of script.mjs makes of the disk: correct clients
// get 503 with Retry-After, nothing acknowledged is lost, a repeat gives the first answer, and the service goes on by itself
// or ends for its supervisor.  The mutant is a disk that says yes and writes nothing.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { describe, test } from 'node:test';
import { noClock as noPreload } from '../api/lib/clockwork.mjs';
import { PATIENCE } from '../api/lib/patience.mjs';
import { sleep } from '../api/lib/registry.mjs';
import { ownHouse } from '../api/lib/scenes.mjs';
import { Faults } from './lib/faults.mjs';
import { LONG, SEED, generator } from './lib/random.mjs';
import { Script } from './lib/script.mjs';
import { checkOffline } from './lib/traffic.mjs';
import { Tireless } from './lib/tireless.mjs';

const LEAST = 10; // requests of the disk that a night makes at least: fewer, and nothing was tested
const MOST = 200;
const random = generator(SEED);

async function stage() {
  const r = new Tireless();
  const faults = new Faults(r);
  await r.start(faults.environment);
  // they keep their tokens over every restart
  const people = await Promise.all(['counsellor', 'shelter_staff'].map(async (role) => {
    const { user, passphrase } = r.credentials(role);
    return r.bare(role).signIn(user, passphrase);
  }));
  return { r, faults, people, shelter: await ownHouse(people[1]), ends: 0 };
}

/** Has the service ended by itself?  Then start it again, as its supervisor would. */
async function supervise(s, patience) {
  const end = await Promise.race([s.r.ended, sleep(patience).then(() => null)]);
  if (end === null) return;
  s.ends++;
  assert.ok(end.code !== null && end.code !== 0, `ended by ${end.signal ?? end.code}`);
  s.faults.mend();
  await s.r.start(s.faults.environment);
}

/** Say all of it again until it is through. */
async function goOn(s, script, what) {
  const end = performance.now() + PATIENCE;
  while (!await script.run()) {
    assert.ok(performance.now() < end && script.wrong.length === 0, `${what}: it does not recover: ${script.refusals} ${script.wrong}`);
    await supervise(s, 200);
  }
  assert.deepEqual(await script.read(), [], what);
}

/** One night with ${action} at the disk's ${at}th request: 'done', or 'fewer' if it made fewer, or 'again' if it met no fault of its own. */
async function night(s, action, at, goesOn) {
  const script = Object.assign(new Script(...s.people), { shelter: s.shelter });
  s.faults.disk(action, at, goesOn);
  const isDone = await script.run();
  let { disk_hits: hits } = s.faults.read();
  if (hits === 0 && isDone) { // nor shall a request of the service's own meet it later
    s.faults.mend();
    hits = s.faults.read().disk_hits;
    if (hits === 0) return 'fewer';
  }
  if (hits === 0) { // searches are refused until the trail has taken what the fault of the night before held up
    s.faults.mend();
    await goOn(s, script, 'the night after');
    return 'again';
  }
  if (action === 'kill') await supervise(s, PATIENCE);
  else if (s.r.logText().slice(s.logged ?? 0).includes('MDB_PANIC')) await supervise(s, 5000);
  s.logged = s.r.logText().length;
  s.faults.mend();
  await goOn(s, script, `${action} at ${at}`);
  return 'done';
}

describe('each request of the disk', { concurrency: 7 }, () => {
// [what, does it go on, the step from one request to the next in the quick form]: the rounds mostly wait, so they run side by side
const MODES = [['kill', false, 1], ['EIO', false, 1], ['ENOSPC', false, 3], ['short', false, 3], ['EIO', true, 3], ['ENOSPC', true, 3]];
for (const [action, goesOn, stride] of MODES) {
  const step = LONG ? 1 : stride;
  const from = 1 + random(step);
  const name = `${action}${goesOn ? ' from' : ' at'} request ${from} of the disk${goesOn ? ' on' : ''}, ${from + step}, ... (TORTURE_SEED=${SEED})`;
  test(`${name}: nothing is lost, and it recovers`, { skip: noPreload, timeout: 600_000 }, async (t) => {
    const s = await stage();
    try {
      let at = from;
      for (let rounds = 0, said; said !== 'fewer'; rounds++) {
        assert.ok(rounds < MOST);
        said = await night(s, action, at, goesOn);
        at += said === 'done' ? step : 0;
      }
      const count = (at - from) / step;
      assert.ok(at > LEAST, `a night asked the disk ${at} times only: no verdict`);
      if (action === 'kill') assert.equal(s.ends, count, 'not every kill killed');
      // a commit whose last write failed: only opening the store anew tells what the disk holds
      if (action === 'EIO' && !goesOn) assert.match(s.r.logText(), /store_broken/, 'no fault met the last write of a commit');
      t.diagnostic(`${action}: ${count} rounds; the service ended ${s.ends} times; acknowledged and lost: 0`);
      s.faults.mend();
      await s.r.stop();
      checkOffline(s.r);
    } finally { await s.r.kill9().catch(() => {}); rmSync(s.r.work, { recursive: true, force: true }); }
  });
}

test('a disk that says yes and writes nothing is found out (mutant)', { skip: noPreload, timeout: 180_000 }, async (t) => {
  const s = await stage();
  try {
    const script = Object.assign(new Script(...s.people), { shelter: s.shelter });
    s.faults.disk('lose', 1, true);
    await script.run();
    assert.ok(s.faults.read().disk_hits > 0 && script.first.length > 0, 'nothing was acknowledged');
    await s.r.kill9();
    s.faults.mend();
    // what it did not write may be the ring: then the service does not start, and says why
    const refused = await s.r.start(s.faults.environment).then(() => null, (e) => e.message);
    if (refused !== null) assert.match(refused, /damaged/);
    else if (await script.run()) await script.read();
    const found = refused ?? script.wrong[0];
    assert.ok(found !== undefined, 'nothing was found: the tests above prove nothing');
    t.diagnostic(`the mutant lost: ${found}`);
  } finally { await s.r.kill9().catch(() => {}); rmSync(s.r.work, { recursive: true, force: true }); }
});
});
