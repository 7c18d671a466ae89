// SPDX-License-Identifier: Apache-2.0
// The exhaustive walk over the domain's own tables (reservation_walk.c): no room twice, none lost, and the walk that is allowed
// to tear a commit in two must say so (mutant).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../api/lib/registry.mjs';
import { LONG } from './lib/random.mjs';

const walk = (how) => spawnSync(join(root, 'build/release/torture/reservation_walk'), [how], { encoding: 'utf8', timeout: 3600_000 });

test('hold, request, confirm, decline, expire, crash: every state that can be reached', (t) => {
  const { status, stdout } = walk(LONG ? 'long' : 'quick');
  assert.equal(status, 0, stdout);
  assert.ok(Number(stdout.match(/(\d+) states/)[1]) > 10_000, `too few states: ${stdout}`);
  t.diagnostic(stdout.trim());
});

test('half a commit is found out (mutant)', () => {
  const { status, stdout } = walk('torn');
  assert.equal(status, 1);
  assert.match(stdout, /FOUND a household whose room may be given away|FOUND a room that is lost/);
});
