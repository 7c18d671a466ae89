// SPDX-License-Identifier: Apache-2.0
// The operator's manual as an operator follows it: its listings, in their order, on one registry; only the places are others.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fenced, root, runnable } from './lib/sources.mjs';

const program = resolve(process.env.MENEDEK ?? join(root, 'build/release/menedek'));
const listings = runnable('docs/manual.en.md');
let work, env;

const there = (text) => text.replace(/(?<![\w.])\/(?=(?:etc\/menedek|var\/lib\/menedek|mnt\/elsewhere|root)\b)/g, `${work}/`);
const run = (script) => spawnSync('bash', ['-euc', script], { cwd: work, env, encoding: 'utf8', timeout: 60_000 });

before(() => {
  work = mkdtempSync(join(tmpdir(), 'menedek-test-'));
  for (const dir of ['bin', 'etc/menedek/conf', 'var/lib', 'mnt/elsewhere', 'root']) mkdirSync(join(work, dir), { recursive: true });
  symlinkSync(program, join(work, 'bin/menedek'));
  env = { PATH: `${join(work, 'bin')}:${process.env.PATH}`, HOME: work, LANG: 'C.UTF-8', MENEDEK_DIR: join(work, 'var/lib/menedek') };
  // what the package brings
  writeFileSync(join(work, 'etc/menedek/conf/menedek.conf'), execFileSync(program, ['check-config', '--template', '--listen', '0.0.0.0:8443'], { env }));
});
after(() => rmSync(work, { recursive: true, force: true }));

test('each listing of the manual does what it says', () => {
  assert.ok(listings.length >= 10, `${listings.length} listings`);
  writeFileSync(join(work, 'mnt/elsewhere/menedek-20200101T010000Z.backup'), 'of a night before, and not the one to take\n');
  for (const listing of listings) {
    const done = run(there(listing));
    assert.equal(done.status, 0, `${listing}\n${done.stdout}${done.stderr}`);
  }
});

test('the Hungarian manual has the very same listings', () => {
  assert.deepEqual(fenced('docs/manual.hu.md'), fenced('docs/manual.en.md'));
  assert.deepEqual(runnable('docs/manual.hu.md'), listings);
});

test('what they left: a sound registry of two administrators, a backup, an export, a new certificate of the same kind', () => {
  const users = run('menedek user list --keys etc/menedek/keys').stdout;
  assert.match(users, /^admin\b/m);
  assert.match(users, /^second\b/m);
  assert.equal(run('menedek check --keys etc/menedek/keys').status, 0);
  assert.equal(readdirSync(join(work, 'mnt/elsewhere')).filter((f) => f.endsWith('.backup')).length, 2);
  assert.ok(readFileSync(join(work, 'mnt/elsewhere/trail.txt'), 'utf8').length > 200);
  const shown = run('openssl x509 -in etc/menedek/tls/server.crt -noout -ext subjectAltName,extendedKeyUsage,basicConstraints,keyUsage').stdout;
  for (const part of ['DNS:menedek.example.hu', 'TLS Web Server Authentication', 'CA:FALSE', 'Digital Signature']) assert.ok(shown.includes(part), shown);
  assert.deepEqual(readdirSync(join(work, 'etc/menedek/tls')).sort(), ['server.crt', 'server.key']);
});
