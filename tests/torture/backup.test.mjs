// SPDX-License-Identifier: Apache-2.0
// A backup is taken amid traffic, and restored as after a fire: what was acknowledged before it is there, nothing is there
// twice, a repeat gives the first answer.  One that was cut or altered is refused whole; a restore that is killed anywhere
// leaves a registry or none.
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { noClock as noPreload } from '../api/lib/clockwork.mjs';
import { comes } from '../api/lib/patience.mjs';
import { Registry, root } from '../api/lib/registry.mjs';
import { Faults } from './lib/faults.mjs';
import { LONG, SEED, generator, rounds } from './lib/random.mjs';
import { readers } from './lib/readers.mjs';
import { Traffic, checkOffline } from './lib/traffic.mjs';
import { Tireless } from './lib/tireless.mjs';

const program = process.env.MENEDEK ?? join(root, 'build/release/menedek');
const menedek = (...args) => spawnSync(program, args, { encoding: 'utf8', timeout: 120_000, maxBuffer: 1 << 26 });
const backup = (r, out) => menedek('backup', '--dir', r.dir, '--out', out, '--quiet');

/** The machine burnt down; the keys lay elsewhere.  r serves what ${from} brings. */
function restoreElsewhere(r, from, name) {
  const keys = join(r.work, 'kept-keys');
  if (!existsSync(keys)) cpSync(join(r.dir, 'keys'), keys, { recursive: true });
  r.dir = join(r.work, name);
  const done = menedek('restore', '--from', from, '--dir', r.dir, '--keys', keys);
  assert.equal(done.status, 0, done.stderr);
  cpSync(keys, join(r.dir, 'keys'), { recursive: true });
  return JSON.parse(done.stdout);
}

test(`a backup amid traffic brings back what was acknowledged before it (TORTURE_SEED=${SEED})`, { timeout: 300_000 }, async (t) => {
  const r = await new Tireless().start();
  try {
    const tokens = new Map(), out = join(r.work, 'amid.backup'), early = join(r.work, 'early.backup');
    assert.equal(backup(r, early).status, 0);
    const known = await new Traffic(r, { seed: SEED, tokens }).signIn();
    await known.begin();
    await known.floor(150);
    await known.end();
    const meanwhile = await new Traffic(r, { seed: SEED + 1, tokens }).signIn();
    await meanwhile.begin();
    await meanwhile.floor(20);
    const from = meanwhile.changes;
    let taken = 0;
    for (; taken < 5 || (meanwhile.changes === from && !meanwhile.isOver); taken++) { // a service that stands still takes no change meanwhile
      const { failed, said } = await new Promise((done) => {
        execFile(program, ['backup', '--dir', r.dir, '--out', out], (failed, _, said) => done({ failed, said }));
      });
      assert.equal(failed, null, said);
    }
    const during = meanwhile.changes - from;
    await meanwhile.end();
    assert.ok(known.changes >= 150 && during > 0, `${during} changes while the backups were taken: no verdict`);
    const verified = menedek('backup', 'verify', '--from', out, '--dir', r.dir, '--json');
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);
    assert.equal(JSON.parse(verified.stdout).audit_verified, true);
    await r.kill9();

    const about = restoreElsewhere(r, out, 'restored');
    assert.ok(about.audit_entries > known.changes);
    await r.start();
    assert.deepEqual({ ...await known.verdict(), unrecorded: await known.unrecorded() }, { lost: [], doubles: [], changed: [], unrecorded: [] });
    await known.provesAwake();
    await r.stop();
    checkOffline(r);

    // the mutant: a backup of before that
    restoreElsewhere(r, early, 'too-old');
    await r.start();
    assert.ok((await known.verdict()).lost.length > 0, 'an older backup misses nothing: no verdict');
    await r.kill9();
    t.diagnostic(`backup: ${taken} taken during ${during} changes, restored: ${known.changes} acknowledged before, lost 0; an older one is found out (mutant)`);
  } finally { await r.kill9().catch(() => {}); rmSync(r.work, { recursive: true, force: true }); }
});

/** A backup into a pipe that nobody empties: it stands still in the middle. */
function stalledBackup(r) {
  const tmp = join(r.work, 'tmp');
  mkdirSync(tmp, { recursive: true });
  const child = spawn(program, ['backup', '--dir', r.dir, '--out', '-', '--quiet'], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TMPDIR: tmp } });
  child.over = new Promise((done) => { child.on('close', (code, signal) => done({ code, signal })); });
  return Object.assign(child, { tmp });
}

test(`a backup is a stream: what has left is whole once it is read, and nothing of it lies anywhere else (TORTURE_SEED=${SEED})`, { timeout: 300_000 }, async (t) => {
  const r = await new Tireless().start();
  try {
    const known = await new Traffic(r, { seed: SEED }).signIn();
    await known.begin();
    await known.floor(150);
    await known.end();
    const files = () => readdirSync(r.dir, { recursive: true }).sort();
    const before = files(), store = statSync(join(r.dir, 'store/data.mdb')).size;
    const child = stalledBackup(r), parts = [];
    await comes(() => readers(r).held.includes(child.pid), 'the backup reads nothing');
    await comes(() => child.stdout.readableLength > 0, 'nothing leaves while it is read'); // the pipe is full, and so is the first buffer
    assert.equal(child.exitCode, null, `it is through before anybody took it: ${store} bytes fit into the pipe, no verdict`);
    assert.deepEqual(files(), before);
    assert.deepEqual(readdirSync(child.tmp), []);
    await known.begin(); // the night goes on beside it
    await known.floor(known.changes + 40);
    await known.end();
    child.stdout.on('data', (d) => { parts.push(d); });
    assert.deepEqual(await child.over, { code: 0, signal: null });
    const file = r.file('piped.backup', Buffer.concat(parts));
    const verified = menedek('backup', 'verify', '--from', file, '--dir', r.dir, '--json');
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);
    t.diagnostic(`backup: ${statSync(file).size} bytes through a pipe that stood still, ${known.changes} acknowledged; no file beside it`);
  } finally { await r.kill9().catch(() => {}); rmSync(r.work, { recursive: true, force: true }); }
});

test(`a backup that is killed keeps no page of the store from being used again (TORTURE_SEED=${SEED})`, { timeout: 300_000 }, async (t) => {
  const r = await new Tireless().start();
  try {
    const traffic = await new Traffic(r, { seed: SEED }).signIn();
    await traffic.begin();
    await traffic.floor(200); // more than pipe and buffers hold
    const child = stalledBackup(r);
    await comes(() => readers(r).held.includes(child.pid), 'the backup reads nothing');
    await traffic.floor(traffic.changes + 60);
    const { behind } = readers(r);
    assert.ok(behind > 0, 'its snapshot is the newest: no verdict');
    child.kill('SIGKILL');
    assert.equal((await child.over).signal, 'SIGKILL');
    await comes(() => !readers(r).held.includes(child.pid), 'the slot of the dead process stays, and the file grows with every change');
    await traffic.end();
    await comes(() => /store_readers_dead/.test(r.logText()), 'its slot went with it: no verdict'); // it is said after it is done
    await r.stop();
    checkOffline(r);
    t.diagnostic(`backup: killed ${behind} commits behind; its pages are free again`);
  } finally { await r.kill9().catch(() => {}); rmSync(r.work, { recursive: true, force: true }); }
});

describe('a backup on its way', () => {
  let r, whole, file;
  before(() => {
    r = new Registry();
    file = join(r.work, 'whole.backup');
    assert.equal(backup(r, file).status, 0);
    whole = readFileSync(file);
  });
  after(() => rmSync(r.work, { recursive: true, force: true }));

  const keysOf = () => join(r.dir, 'keys');
  const restore = (from, dir, keys = keysOf()) => menedek('restore', '--from', from, '--dir', dir, '--keys', keys, '--quiet');
  const filesIn = (dir) => (existsSync(dir) ? readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => e.name) : []);

  test('through a pipe, and into a directory', () => {
    execFileSync('sh', ['-c', `"$1" backup --dir "$2" --out - --quiet | "$1" restore --from - --dir "$3" --keys "$2/keys" --quiet`, 'sh', program, r.dir, join(r.work, 'piped')]);
    assert.equal(menedek('check', '--dir', join(r.work, 'piped'), '--keys', keysOf()).status, 0);
    mkdirSync(join(r.work, 'shelf'));
    assert.equal(backup(r, join(r.work, 'shelf')).status, 0);
    const [name, ...more] = readdirSync(join(r.work, 'shelf'));
    assert.match(name, /^menedek-\d{8}T\d{6}Z\.backup$/);
    assert.equal(more.length, 0);
  });

  test('shows nothing without the root key', () => {
    for (const secret of ['Nyugat', 'okit', 'localhost', 'BEGIN', '"host"']) assert.equal(whole.indexOf(secret), -1, secret);
    const keys = join(r.work, 'strange-keys');
    cpSync(keysOf(), keys, { recursive: true });
    rmSync(join(keys, 'record.root'));
    writeFileSync(join(keys, 'record.root'), Buffer.alloc(32, 7), { mode: 0o400 });
    const refused = restore(file, join(r.work, 'strange'), keys);
    assert.equal(refused.status, 7);
    assert.match(refused.stderr, /not one under these root keys/);
  });

  test(`cut or altered it is refused whole (TORTURE_SEED=${SEED})`, (t) => {
    const random = generator(SEED), hurt = join(r.work, 'hurt.backup'), dir = join(r.work, 'hurt');
    const all = rounds(25, 500);
    for (let round = 0; round < all; round++) {
      const copy = Buffer.from(whole), at = round < 8 ? round : random(copy.length);
      if (round % 3 === 0) copy[at] ^= 1 << random(8);
      writeFileSync(hurt, round % 3 === 0 ? copy : round % 3 === 1 ? copy.subarray(0, at) : Buffer.concat([copy, Buffer.alloc(1 + random(99))]));
      const refused = restore(hurt, dir);
      assert.equal(refused.status, 7, `${['altered', 'cut', 'lengthened'][round % 3]} at ${at}: ${refused.stderr}`);
      assert.deepEqual(filesIn(dir), [], 'something of it stayed');
    }
    assert.equal(restore(file, dir).status, 0, 'the whole one is restored there');
    t.diagnostic(`backup: ${all} rounds: cut, altered or lengthened, refused each time; the whole one is taken (mutant)`);
  });

  test('is not written into the file of another that is under way', () => {
    const out = join(r.work, 'twice.backup');
    // the other one has its file, and stands still
    const told = spawnSync('flock', [`${out}.part`, program, 'backup', '--dir', r.dir, '--out', out, '--quiet'], { encoding: 'utf8', timeout: 60_000 });
    assert.equal(told.status, 5, told.stderr);
    assert.match(told.stderr, /is being written by another command/);
    assert.ok(!existsSync(out));
    assert.equal(backup(r, out).status, 0); // what one leaves that was killed keeps nobody out
    assert.equal(menedek('backup', 'verify', '--from', out, '--dir', r.dir).status, 0);
  });

  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGKILL']) {
    test(`tried, and ended by ${signal}, leaves nothing of the registry behind`, async () => {
      const tmp = join(r.work, `trial-${signal}`);
      mkdirSync(tmp);
      // a group of its own, as of a terminal; its errors end with the last process that could say any
      const child = spawn(program, ['backup', 'verify', '--from', '-', '--dir', r.dir, '--quiet'],
        { stdio: ['pipe', 'ignore', 'pipe'], detached: true, env: { ...process.env, TMPDIR: tmp } });
      const over = new Promise((done) => { child.on('close', (code, by) => done(by)); });
      child.stderr.resume();
      child.stdin.on('error', () => {});
      child.stdin.write(whole.subarray(0, whole.length - 1)); // the rest never comes
      await comes(() => filesIn(tmp).some((name) => name.endsWith('.part')), 'nothing is restored');
      process.kill(-child.pid, signal);
      assert.equal(await over, signal);
      assert.deepEqual(readdirSync(tmp), []);
    });
  }

  test('is not put over a registry', () => {
    const kept = readFileSync(join(r.dir, 'store/data.mdb'));
    assert.equal(restore(file, r.dir).status, 5);
    assert.ok(kept.equals(readFileSync(join(r.dir, 'store/data.mdb'))));
  });

  test('nor into a directory that still names a database: it would be served from there', () => {
    const dir = join(r.work, 'names-a-database');
    mkdirSync(join(dir, 'store'), { recursive: true });
    writeFileSync(join(dir, 'store/postgresql'), 'host=/nowhere dbname=none\n');
    assert.equal(restore(file, dir).status, 5);
    assert.deepEqual(filesIn(dir), ['postgresql']);
  });

  test('nor into one where a decision for a database was broken off: nobody could repeat it there', () => {
    const dir = join(r.work, 'was-unsettled');
    mkdirSync(join(dir, 'store'), { recursive: true });
    writeFileSync(join(dir, 'store/data.mdb.asked'), 'an old copy\n');
    assert.equal(restore(file, dir).status, 5);
    assert.deepEqual(filesIn(dir), ['data.mdb.asked']);
  });

  test('a restore that is killed anywhere leaves a registry or none', { skip: noPreload }, (t) => {
    const faults = new Faults(r);
    const environment = { ...process.env, ...faults.environment };
    let killed = 0, none = 0, registry = 0;
    for (let at = 1; ; at += LONG ? 1 : 2) {
      const dir = join(r.work, 'killed');
      rmSync(dir, { recursive: true, force: true });
      faults.disk('kill', at);
      const { status } = spawnSync(program, ['restore', '--from', file, '--dir', dir, '--keys', keysOf(), '--quiet'], { env: environment });
      faults.mend();
      if (status === 0) break;
      assert.equal(status, 137);
      killed++;
      const check = menedek('check', '--dir', dir, '--keys', keysOf());
      assert.ok([0, 3].includes(check.status), `killed at ${at}: ${check.stdout}${check.stderr}`);
      if (check.status === 0) registry++; else none++;
      if (check.status !== 0 && !existsSync(join(dir, 'store/data.mdb'))) assert.equal(restore(file, dir).status, 0, 'it can be repeated');
    }
    assert.ok(killed > 12 && none > 0, `killed ${killed} times: no verdict`);
    t.diagnostic(`restore: killed in ${killed} rounds: ${none} times no registry, ${registry} times all of it; half of one 0`);
  });
});
