// SPDX-License-Identifier: Apache-2.0
// Starting, memory, and the check of the audit trail.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../tests/api/lib/registry.mjs';

/** Stop and start it, ${count} times. */
async function starts(scene, count) {
  const took = [];
  for (let i = 0; i < count; i++) {
    await scene.stop();
    await scene.start();
    took.push(scene.ready_ms / 1000);
  }
  return took;
}

export async function start(national, large, report, count) {
  report.add({ row: 'ready with national data', unit: 's', ours: await starts(national, count), goal: ['<=', 1] });
  report.add({ row: 'memory, national', unit: 'MiB', ours: [national.rss() / 2 ** 20], goal: ['<=', 64] });
  if (!large) return;
  const took = await starts(large, Math.min(count, 3));
  report.add({ row: 'ready with 1,000,000 places', unit: 's', ours: took, goal: ['<=', 5] });
  report.add({ row: 'rebuilt from the store', unit: 'places/s', ours: took.map((s) => large.more.places / s), goal: ['>=', 200_000] });
  report.add({ row: 'memory a place at 1,000,000', unit: 'bytes', ours: [(large.rss() - national.rss()) / large.more.places], goal: ['<=', 600] });
}

/** How long the trail takes to check, brought to a million entries; the registry is not served. */
export function verify(scene, report, count) {
  const seconds = [];
  let entries = 0;
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    const said = execFileSync(join(root, 'build/release/menedek'), ['audit', 'verify', '--dir', scene.registry.dir], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    entries = Number(/(\d[\d ,.]*) entries/.exec(said)?.[1].replace(/\D/g, '') ?? 0);
    seconds.push(((performance.now() - began) / 1000) * (1_000_000 / entries));
  }
  report.assert('the trail that was checked is long enough to say something', entries >= 20_000, `${entries} entries`);
  report.add({ row: `audit verify, brought to 1,000,000 entries (had ${entries})`, unit: 's', ours: seconds, goal: ['<=', 5] });
}

/** What is resident for it, in bytes: the service and its vault, pages that both share once, LMDB's pages that it has touched. */
export function residentOf(pid) {
  const tree = [pid, ...execFileSync('sh', ['-c', `cat /proc/${pid}/task/*/children`], { encoding: 'utf8' }).trim().split(/\s+/).filter(Boolean).map(Number)];
  return tree.reduce((sum, p) => sum + 1024 * Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${p}/smaps_rollup`, 'utf8'))[1]), 0);
}
