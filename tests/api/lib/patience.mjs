// SPDX-License-Identifier: Apache-2.0
// Time on a machine that does other things too.  What only has to come is waited for, long; what is promised within a time
// is measured up to three times and must keep it once, since one stall of the machine says nothing of the service.
import assert from 'node:assert/strict';

/** How long to wait for what has to come, in milliseconds: far more than it ever took, since only a failure waits so long. */
export const PATIENCE = 30000;

/** What a promised time is multiplied by under a sanitizer. */
export const SLOWER = ['asan', 'tsan'].includes(process.env.VARIANT) ? 5 : 1;

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

/** Milliseconds until ${action} is done. */
export async function took(action) {
  const from = performance.now();
  await action();
  return performance.now() - from;
}

/** What ${look} gives, once it is true; fails with ${what} when it never is. */
export async function comes(look, what, ms = PATIENCE) {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(performance.now() < end, typeof what === 'function' ? what() : what);
    await pause(20);
  }
}

/** Once in ${tries} times ${measure} gives less than ${most_ms} milliseconds. */
export async function within(most_ms, measure, what = 'done', tries = 3) {
  const measured = [];
  while (measured.length < tries)
    if (measured[measured.push(await measure()) - 1] < most_ms) return;
  assert.fail(`${what} after ${measured.map(Math.round).join(', ')} ms, promised within ${most_ms}`);
}
