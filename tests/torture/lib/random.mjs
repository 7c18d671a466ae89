// SPDX-License-Identifier: Apache-2.0
// The seed of a run, printed by every test that uses it: TORTURE_SEED=NUMBER brings the same run again.
import { randomInt } from 'node:crypto';

export const SEED = Number(process.env.TORTURE_SEED ?? randomInt(2 ** 31));
export const LONG = process.env.TORTURE === 'long';

/** How often: ${quick} times in `make torture-quick`, ${long} in `make torture`; ROUNDS=N has the last word. */
export const rounds = (quick, long) => Number(process.env.ROUNDS ?? (LONG ? long : quick));

/** Small and repeatable (mulberry32): a function of (below) that gives whole numbers. */
export function generator(seed) {
  let state = seed | 0;
  const next = (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
  next.pick = (list) => list[next(list.length)];
  next.oneIn = (n) => next(n) === 0;
  return next;
}
