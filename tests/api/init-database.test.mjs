// SPDX-License-Identifier: Apache-2.0
// A new registry straight into PostgreSQL: what reaches the database lies in DIR/database before anything is made, and a
// database that does not answer costs nobody the passphrase that is shown once.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from './lib/postgres.mjs';
import { program } from './lib/rollback.mjs';

const script = resolve(import.meta.dirname, '../postgres.sh');
const server = mkdtempSync(join(tmpdir(), 'menedek-pg-'));
const work = mkdtempSync(join(tmpdir(), 'menedek-init-'));
const dir = join(work, 'data'), key = join(dir, 'database/menedek.key');
const isRoot = process.getuid() === 0;
const nobody = isRoot ? Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' })) : process.getuid();
let database;

const postgres = (verb) => execFileSync(script, [verb, server], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
process.on('exit', () => postgres('stop'));
const run = (...args) => spawnSync(program, [...args, '--dir', dir, '--keys', join(work, 'keys')], { encoding: 'utf8' });
const init = (where) => run('init', '--engine', 'postgresql', '--database', where, '--host', 'localhost', '--org', 'Próba', '--json');

before(() => { database = postgres('start'); }, { timeout: 120000 });
after(() => rmSync(work, { recursive: true, force: true }));

/** What README has root lay there: ${dir} is the service's, a key in it root's own. */
function furnish() {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(dir, 'database'), { recursive: true, mode: 0o700 });
  chmodSync(work, 0o755);
  chownSync(dir, nobody, -1);
  writeFileSync(key, 'a key\n', { mode: 0o600 });
}

test('init --engine postgresql beside certificates that lie there already; the service may read them', () => {
  furnish();
  const made = init(database);
  assert.equal(made.status, 0, made.stderr);
  assert.ok(JSON.parse(made.stdout).passphrase.length > 10, made.stdout);
  assert.equal(readFileSync(key, 'utf8'), 'a key\n');
  assert.ok(existsSync(join(dir, 'store/postgresql')), 'its records are not in PostgreSQL');
  for (const path of [join(dir, 'database'), key]) assert.equal(statSync(path).uid, nobody, `${path} is not the service's`);
  const again = init(database);
  assert.deepEqual([again.status, /is not empty/.test(again.stderr)], [5, true], again.stderr);
});

test('a database that does not answer: init fails, says the passphrase and what is left to do, which then works', () => {
  postgres('stop');
  database = postgres('start'); // an empty one
  furnish();
  const failed = init(`host=${work} user=menedek dbname=postgres`);
  assert.notEqual(failed.status, 0);
  assert.ok(JSON.parse(failed.stdout || '{}').passphrase?.length > 10, `nobody knows the passphrase: ${failed.stderr}`);
  assert.match(failed.stderr, /menedek migrate/);
  const moved = run('migrate', '--engine', 'postgresql', '--database', database);
  assert.equal(moved.status, 0, moved.stderr);
  assert.ok(existsSync(join(dir, 'store/postgresql')));
});

test('a move back that was killed on its way: the doctor says so, another directory does not end it, and the words of docs/nodes.md undo it', () => {
  const says = () => run('doctor').stdout, isClosed = /takes no change: a move out of it has begun and has not ended/;
  assert.doesNotMatch(says(), isClosed);
  sql("INSERT INTO menedek_meta VALUES ('leaving', 'from elsewhere'); ALTER TABLE menedek_changes ADD CONSTRAINT menedek_left CHECK (false) NOT VALID", database);
  assert.match(says(), isClosed);
  const refused = run('migrate', '--engine', 'lmdb');
  assert.notEqual(refused.status, 0);
  assert.match(refused.stderr, /Another directory has left this database, or has begun to: end it there/);
  assert.ok(existsSync(join(dir, 'store/postgresql')));
  const [, undo] = readFileSync(resolve(import.meta.dirname, '../../docs/nodes.md'), 'utf8').match(/`(DELETE FROM menedek_meta WHERE name = 'leaving';[^`]*)`/);
  sql("INSERT INTO menedek_meta VALUES ('left', '1')", database); // it has ended elsewhere: nobody is told to repeat it
  assert.doesNotMatch(says(), isClosed);
  sql(`DELETE FROM menedek_meta WHERE name = 'left'; ${undo}`, database);
  assert.doesNotMatch(says(), isClosed);
  const moved = run('migrate', '--engine', 'lmdb');
  assert.equal(moved.status, 0, moved.stderr);
  assert.ok(!existsSync(join(dir, 'store/postgresql')));
});
