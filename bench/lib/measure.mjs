// SPDX-License-Identifier: Apache-2.0
// Runs of the measuring programs, their lines read, and rounds in which A and B take turns, so that what disturbs the machine
// disturbs both.
import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../tests/api/lib/registry.mjs';

export const out = join(root, 'build/bench');
mkdirSync(out, { recursive: true });

/** NAME=VALUE parted by tabs; numbers become numbers. */
export function readLine(text) {
  return Object.fromEntries(text.trim().split('\t').map((part) => {
    const at = part.indexOf('='), value = part.slice(at + 1);
    return [part.slice(0, at), value !== '' && !Number.isNaN(Number(value)) ? Number(value) : value];
  }));
}

/** Run a program of build/bench; gives its line, or fails with what it said. */
export function run(program, args) {
  return new Promise((done, fail) => {
    const child = spawn(join(out, program), args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] });
    let line = '', said = '';
    child.stdout.on('data', (d) => { line += d; });
    child.stderr.on('data', (d) => { said += d; });
    child.on('error', fail);
    child.on('close', (code) => { // not before all that it said was read
      if (code !== 0) return fail(new Error(`${program} ended with ${code}: ${line}${said}`));
      const result = readLine(line);
      appendFileSync(join(out, 'runs.csv'), `${program},${JSON.stringify(line.trim())}\n`);
      result.said = said;
      return done(result);
    });
  });
}

/** Load on a server: what to send, as whom, for how long. */
export function load(scene, server, { table, script, connections = scene.connections, seconds = scene.seconds, warm = 0.3, label = server.name ?? 'ours', ...more }) {
  const extra = Object.entries(more).flatMap(([name, value]) => [`--${name}`, value]);
  return run('load', ['--port', server.port, '--ca', scene.ca, '--clients', table, '--script', script, '--connections', connections,
    '--seconds', seconds, '--warm', warm, '--pids', server.pids, '--label', label.replaceAll(' ', '_'), ...extra]);
}

/** What a bare LMDB is to write for each change (one, and the next if they take turns), and for a batch. */
export const lmdbWrites = (writes) => ['--each', writes[0], '--then', writes[1] ?? '', '--batch-each', 'o2:35 o2:35 o2:35'];

/** A bare LMDB that writes what the service writes, on the same file system. */
export async function lmdb(scene, writes, batch, seconds = scene.seconds) {
  const dir = mkdtempSync(join(scene.work, 'lmdb-'));
  try {
    return await run('lmdb_commit', ['--dir', dir, ...lmdbWrites(writes), '--batch', batch, '--seconds', seconds]);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The measures take turns, ${count} times; gives for each name its results in order. */
export async function rounds(count, measures) {
  const results = Object.fromEntries(Object.keys(measures).map((name) => [name, []]));
  for (let i = 0; i < count; i++) {
    const names = Object.keys(measures);
    // A B, B A: what grows or cools down while they run favours neither
    for (const name of i % 2 === 0 ? names : names.reverse()) results[name].push(await measures[name](i));
  }
  return results;
}

export const pick = (results, field) => results.map((r) => (typeof field === 'function' ? field(r) : r[field]));

export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { min: sorted[0], median, max: sorted.at(-1) };
}
