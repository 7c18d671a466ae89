// SPDX-License-Identifier: Apache-2.0
// What release 1.0.0 wrote is sealed anew, value by value, and the program is killed at each request that it makes of the disk:
// what is there then opens whole, and the same command completes it.  There is one format of records, so this is the only
// rewriting that an upgrade may bring; one that changed a record's form would have to stand the same.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { noClock as noPreload } from '../api/lib/clockwork.mjs';
import { root } from '../api/lib/registry.mjs';
import { Faults } from './lib/faults.mjs';
import { LONG } from './lib/random.mjs';

const program = resolve(root, 'build/release/menedek'); // works offline: the variant under test is for serving
const RELEASE = join(root, 'tests/data/release-1.0.0');
const RECORDS = 549, ENTRIES = 383;
const POINTS = LONG ? Infinity : 10; // of all requests, evenly spread, beside the first two and the last three

function* pointsOf(total) {
  const step = Math.max(1, Math.floor(total / POINTS));
  for (let at = 1; at <= total; at += at < 2 || at >= total - 2 ? 1 : Math.min(step, total - 2 - at)) yield at;
}

test('a registry of release 1.0.0, sealed anew and killed at each request of the disk, opens and is completed', { skip: noPreload, timeout: LONG ? 3600_000 : 300_000 }, (t) => {
  const work = mkdtempSync(join(tmpdir(), 'menedek-test-')), dir = join(work, 'data'), keys = join(work, 'keys'), before = join(work, 'before');
  const faults = new Faults({ work, file: (name, bytes) => { writeFileSync(join(work, name), bytes); return join(work, name); } });
  const run = (env, ...args) => spawnSync(program, [...args, '--dir', dir, '--keys', keys], { encoding: 'utf8', timeout: 120_000, env: { ...process.env, LC_ALL: 'C', ...env } });
  const must = (...args) => {
    const done = run({}, ...args);
    assert.equal(done.status, 0, `${args.join(' ')}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  };
  const reseal = (action, at) => {
    rmSync(dir, { recursive: true, force: true });
    cpSync(before, dir, { recursive: true, preserveTimestamps: true });
    faults.disk(action, at);
    const { status } = run(faults.environment, 'rotate-keys', '--quiet');
    faults.mend();
    return status;
  };
  const isSound = () => {
    const { records, findings, audit_entries: entries, audit_verified: verified } = JSON.parse(must('check', '--json'));
    return findings === 0 && verified && records >= RECORDS && entries >= ENTRIES;
  };
  try {
    cpSync(RELEASE, keys, { recursive: true });
    for (const name of readdirSync(keys).filter((n) => !n.endsWith('.backup'))) chmodSync(join(keys, name), 0o400);
    must('restore', '--from', join(RELEASE, 'registry.backup'), '--quiet');
    cpSync(dir, before, { recursive: true, preserveTimestamps: true });
    assert.equal(reseal('kill', 0), 0);
    const total = faults.read().disk_count;
    assert.ok(total > 20, `sealing anew asked the disk ${total} times: no verdict`);
    let killed = 0;
    for (const at of pointsOf(total)) {
      const status = reseal('kill', at);
      if (status === 0) continue; // the last requests may differ from run to run
      assert.ok([1, 137].includes(status) && faults.read().disk_hits > 0, `killed at ${at}: ${status}`); // 1: it was the vault's process
      killed++;
      assert.ok(isSound(), `killed at ${at}: not all of it opens`);
      must('rotate-keys', '--quiet');
      assert.ok(isSound(), `killed at ${at}, completed: not all of it opens`);
    }
    assert.ok(killed >= 8, `killed ${killed} times: no verdict`);
    // the mutant: a disk that says yes to one write and forgets it
    const isFoundOut = (at) => reseal('lose', at) !== 0 || run({}, 'check', '--json').status !== 0;
    const found = [0.2, 0.4, 0.5, 0.6, 0.8].filter((part) => isFoundOut(Math.floor(total * part))).length;
    assert.ok(found > 0, 'no write that was forgotten is found out: no verdict');
    t.diagnostic(`release 1.0.0 sealed anew: killed in ${killed} rounds of ${total} requests, all of it opened each time and was completed; ${found} of 5 forgotten writes found out (mutant)`);
  } finally { rmSync(work, { recursive: true, force: true }); }
  assert.ok(!existsSync(work));
});
