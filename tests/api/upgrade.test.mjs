// SPDX-License-Identifier: Apache-2.0
// What release 1.0.0 wrote, today's program reads and seals anew: tests/data/release-1.0.0 is a backup of an invented network
// with reservations in all states, made by that release, and the keys that it needs.  It is never made again: a change of a
// record's form that this test refuses needs a migration, not another file.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root } from './lib/registry.mjs';

const program = process.env.MENEDEK ?? join(root, 'build/release/menedek');
const RELEASE = join(root, 'tests/data/release-1.0.0');
const RECORDS = 549, ENTRIES = 383;

describe('a registry of release 1.0.0', () => {
  let work, dir, keys;
  const run = (...args) => {
    const done = spawnSync(program, [...args, '--dir', dir, '--keys', keys], { encoding: 'utf8', timeout: 120_000 });
    assert.equal(done.status, 0, `${args.join(' ')}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  };
  const check = () => JSON.parse(run('check', '--json'));

  before(() => {
    work = mkdtempSync(join(tmpdir(), 'menedek-test-'));
    dir = join(work, 'data');
    keys = join(work, 'keys');
    cpSync(RELEASE, keys, { recursive: true });
    for (const name of ['record.root', 'location.root', 'audit.key']) chmodSync(join(keys, name), 0o400);
  });
  after(() => rmSync(work, { recursive: true, force: true }));

  test('is restored, and every record, house, location and entry of it is sound', () => {
    run('restore', '--from', join(RELEASE, 'registry.backup'), '--quiet');
    const { records, findings, audit_entries: entries, audit_verified: verified } = check();
    assert.deepEqual({ records, findings, entries, verified }, { records: RECORDS, findings: 0, entries: ENTRIES, verified: true });
  });

  test('its people are there by name', () => assert.match(run('user', 'list'), /okit\.anna/));

  test('all of it can be sealed anew, and is sound then', () => {
    run('rotate-keys', '--quiet');
    const { findings, audit_verified: verified } = check();
    assert.deepEqual({ findings, verified }, { findings: 0, verified: true });
  });

  // there is no migration to be killed: what can befall is the way back, an older program over what a newer one wrote
  const VERSION = 5; // the byte behind "MNDK" and the kind
  const newer = (path) => {
    const bytes = readFileSync(path);
    assert.equal(bytes.toString('latin1', 0, 4), 'MNDK');
    bytes[VERSION]++;
    return bytes;
  };
  const refused = (...args) => {
    const { status, stdout, stderr } = spawnSync(program, [...args, '--keys', keys], { encoding: 'utf8', timeout: 60_000 });
    assert.notEqual(status, 0, stdout);
    assert.doesNotMatch(stderr, /damaged|other keys|sérült/, 'nothing is hurt: nobody may be sent to a backup for that');
    return stderr;
  };

  test('of a newer format: refused in a sentence that says what to do, and not touched', () => {
    const ring = join(dir, 'keyring/ring'), ours = readFileSync(ring), theirs = newer(ring);
    writeFileSync(ring, theirs);
    for (const command of [['check'], ['user', 'list'], ['serve', '--listen', '127.0.0.1:0']]) {
      assert.match(refused(...command, '--dir', dir), /A newer version of the program wrote this.*: ring\. Install that version/);
      assert.deepEqual(readFileSync(ring), theirs);
    }
    writeFileSync(ring, ours);
    assert.equal(check().findings, 0);
  });

  test('a backup of a newer format makes no registry', () => {
    const file = join(work, 'newer.backup'), to = join(work, 'restored');
    writeFileSync(file, newer(join(RELEASE, 'registry.backup')));
    assert.match(refused('restore', '--from', file, '--dir', to), /A newer version of the program wrote this.*: backup\. Install that version/);
    assert.throws(() => readdirSync(to), { code: 'ENOENT' });
  });
});
