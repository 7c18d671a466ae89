// SPDX-License-Identifier: Apache-2.0
// Is a history of one room linearizable?  The search of Wing and Gong: an operation may take effect at any moment between its
// call and its answer; is there an order that explains every answer?  Knows nothing of the service but this: a room is free, or
// it has one holder.

// op: { from, to, kind, id }: 'hold' (got it, as ${id}), 'refused' (there was none), 'release' (of ${id}), 'free', 'taken' (as read)
const LEGAL = {
  hold: (room) => room === null,
  refused: (room) => room !== null,
  release: (room, op) => room === op.id,
  free: (room) => room === null,
  taken: (room) => room !== null,
};
const NEXT = { hold: (op) => op.id, release: () => null };

/** The operations that nothing unfinished has to come before, of those after ${list}'s head. */
function enabled(head, next, ops) {
  const found = [];
  let earliest = Infinity;
  for (let i = next[head]; i !== -1 && ops[i].from <= earliest; i = next[i]) {
    found.push(i);
    earliest = Math.min(earliest, ops[i].to);
  }
  return found.filter((i) => ops[i].from <= earliest);
}

/** null if there is an order; else the operation that no order explains. */
export function explain(history, limit = 5_000_000) {
  const ops = [...history].sort((a, b) => a.from - b.from);
  const n = ops.length;
  // a list of what has no place yet; n is its head
  const next = Array.from({ length: n + 1 }, (_, i) => (i + 1 < n ? i + 1 : -1));
  const before = Array.from({ length: n + 1 }, (_, i) => (i === 0 ? n : i - 1));
  next[n] = n > 0 ? 0 : -1;
  const take = (i) => { next[before[i]] = next[i]; if (next[i] !== -1) before[next[i]] = before[i]; };
  const putBack = (i) => { next[before[i]] = i; if (next[i] !== -1) before[next[i]] = i; };
  const stack = [];
  let room = null, left = n, steps = 0, deepest = n, stuck = null;
  for (;;) {
    // what changes nothing takes its place as soon as it may: that forbids nothing to the others
    const taken = [];
    for (let again = true; again;) {
      again = false;
      for (const i of enabled(n, next, ops)) {
        if (NEXT[ops[i].kind] || !LEGAL[ops[i].kind](room, ops[i])) continue;
        take(i);
        taken.push(i);
        again = true;
      }
    }
    left -= taken.length;
    if (left === 0) return null;
    if (left < deepest) { deepest = left; stuck = ops[next[n]]; }
    const choices = enabled(n, next, ops).filter((i) => NEXT[ops[i].kind] && LEGAL[ops[i].kind](room, ops[i]));
    stack.push({ taken, choices, room, chosen: -1 });
    for (;;) {
      const top = stack.at(-1);
      if (top === undefined) return stuck ?? ops[0];
      if (top.chosen !== -1) { putBack(top.chosen); left++; room = top.room; }
      if (++steps > limit) throw new Error('no verdict: too many orders to try');
      top.chosen = top.choices.pop() ?? -1;
      if (top.chosen !== -1) {
        take(top.chosen);
        left--;
        room = NEXT[ops[top.chosen].kind](ops[top.chosen]);
        break;
      }
      for (const i of top.taken.reverse()) putBack(i);
      left += top.taken.length;
      stack.pop();
    }
  }
}
