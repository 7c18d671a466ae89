// SPDX-License-Identifier: Apache-2.0
// Starting, memory, and the check of the audit trail.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nationalPlaces } from '../lib/data.mjs';
import { spread } from '../lib/measure.mjs';
import { plot } from '../lib/report.mjs';
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

/** ${middle} is not judged; it is drawn between the two others. */
export async function start(national, middle, large, report, count) {
  const few = await starts(national, count), resident = national.rss();
  report.add({ row: 'ready with national data', unit: 's', ours: few, goal: ['<=', 1] });
  report.add({ row: 'memory, national', unit: 'MiB', ours: [resident / 2 ** 20], goal: ['<=', 64] });
  if (!large) return;
  const some = await starts(middle, Math.min(count, 3)), between = middle.rss();
  const took = await starts(large, Math.min(count, 3)), most = large.rss();
  report.add({ row: 'ready with 1,000,000 places', unit: 's', ours: took, goal: ['<=', 5] });
  report.add({ row: 'rebuilt from the store', unit: 'places/s', ours: took.map((s) => large.more.places / s), goal: ['>=', 200_000] });
  report.add({ row: 'memory a place at 1,000,000', unit: 'bytes', ours: [(most - resident) / large.more.places], goal: ['<=', 600] });
  const sizes = [national, middle, large].map((s) => nationalPlaces() + s.more.places), drawn = (values) => sizes.map((n, i) => [n, values[i]]);
  plot('ready-by-places.svg', { title: 'Ready to answer, by the size of the network', x: 'places', y: 's', series: { ready: drawn([few, some, took].map((t) => spread(t).median)) } });
  plot('memory-by-places.svg', { title: 'Resident memory, by the size of the network', x: 'places', y: 'MiB', series: { resident: drawn([resident, between, most].map((b) => b / 2 ** 20)) } });
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
