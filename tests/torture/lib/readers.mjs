// SPDX-License-Identifier: Apache-2.0
// Who reads a served store, as LMDB's own tool tells it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Slots in the store's table of readers, which of them hold a snapshot (by process), and how many commits the oldest is behind. */
export function readers(r) {
  const { stdout: said, error } = spawnSync('mdb_stat', ['-e', '-r', join(r.dir, 'store')], { encoding: 'utf8' }); // its status is no verdict
  if (error) throw new Error(`mdb_stat does not run (Debian package lmdb-utils; tools/deps.sh test): ${error.code}`);
  const last = Number(said.match(/Last transaction ID: (\d+)/)[1]);
  const rows = [...said.matchAll(/^ +(\d+) [0-9a-f]+ (-|\d+)$/gm)].map(([, pid, at]) => ({ pid: Number(pid), at }));
  assert.ok(rows.length > 0, `no reader at all: ${said}`);
  const held = rows.filter((x) => x.at !== '-');
  return { slots: rows.length, held: held.map((x) => x.pid), behind: held.length ? last - Math.min(...held.map((x) => Number(x.at))) : 0 };
}
