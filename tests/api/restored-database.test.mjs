// SPDX-License-Identifier: Apache-2.0
// A database that is lost for ever and restored from a dump into a fresh server begins at timeline 1, and nodes that saw a
// higher one refuse it as one that was left behind, until two people say that it was restored on purpose.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Faults } from '../torture/lib/faults.mjs';
import { noClock as noPreload } from './lib/clockwork.mjs';
import { comes } from './lib/patience.mjs';
import { Registry } from './lib/registry.mjs';
import { acceptDatabase, program } from './lib/rollback.mjs';
import { openEpisode } from './lib/scenes.mjs';

const script = resolve(import.meta.dirname, '../postgres.sh');
const dir = mkdtempSync(join(tmpdir(), 'menedek-pg-'));
const server = (verb) => execFileSync(script, [verb, dir], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
const client = (name, ...args) => execFileSync(name, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 });
process.on('exit', () => server('stop'));

let nodes, conninfo, kept, lost, dump;

const timeline = () => Number(`0x${client('psql', '-XqAt', conninfo, '-c', 'select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)').trim()}`);
const copyOf = (r) => readFileSync(join(r.dir, 'store/data.mdb'));

/** As a standby does that takes over: its recovery ends on the next timeline. */
async function promote() {
  server('crash');
  writeFileSync(join(dir, 'data/recovery.signal'), '');
  appendFileSync(join(dir, 'data/postgresql.auto.conf'), "restore_command = '/bin/false'\n");
  server('again');
  await comes(() => client('psql', '-XqAt', conninfo, '-c', 'select pg_is_in_recovery()').trim() === 'f', 'its recovery does not end');
}

/** The server is gone with all it had; ${dump} goes into another, made by initdb. */
function restoreAnew() {
  server('stop');
  assert.equal(server('start'), conninfo);
  const file = join(nodes[0].work, 'dump.sql');
  writeFileSync(file, dump);
  client('psql', '-Xq', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', conninfo, '-f', file);
  assert.equal(timeline(), 1);
}

function doctor(r) {
  const said = spawnSync(program, ['doctor', '--json', '--dir', r.dir, '--keys', join(r.dir, 'keys')], { encoding: 'utf8' });
  return said.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l)).filter((l) => l.check === 'database');
}

const HEALTH = ['--health', '127.0.0.1:0'];

/** What a node tells its operators. */
async function numbers(r) {
  const text = await (await fetch(`http://127.0.0.1:${r.healthPort}/metrics`)).text();
  return (name) => Number(text.match(new RegExp(`^menedek_${name} (\\d+)$`, 'm'))[1]);
}

before(async () => {
  conninfo = server('start');
  const first = new Registry();
  first.database = conninfo;
  first.run('migrate', '--engine', 'postgresql', '--database', conninfo);
  nodes = [first, new Registry(first)];
  await promote();
  for (const n of nodes) await n.start();
  kept = await openEpisode(await nodes[0].as('counsellor'));
  dump = client('pg_dump', conninfo);
  lost = await openEpisode(await nodes[1].as('counsellor'));
  for (const n of nodes) await n.stop();
  assert.ok(timeline() > 1, 'no other timeline began');
  restoreAnew();
}, { timeout: 120000 });
after(() => nodes?.forEach((n) => rmSync(n.work, { recursive: true, force: true })));

test('no node follows it by itself, and doctor says why and what to do', async () => {
  for (const n of nodes) await assert.rejects(n.start(), /stale_primary/);
  const lines = doctor(nodes[0]);
  assert.ok(lines.some((l) => l.level === 'fail' && /timeline 1 < 2/.test(l.message) && /accept-database/.test(l.message)), JSON.stringify(lines));
});

test('one person is not enough, nor two without an administrator; the copy stays as it is', async () => {
  const [node] = nodes, before = copyOf(node);
  const who = (role) => Object.values(node.credentials(role));
  for (const people of [[who('admin'), who('admin')], [who('admin'), [who('auditor')[0], 'wrong wrong wrong']], [who('auditor'), who('counsellor')], [who('admin')]])
    assert.notEqual(acceptDatabase(node, people).status, 0);
  assert.ok(copyOf(node).equals(before));
  assert.ok(!existsSync(join(node.dir, 'store/data.mdb.aside')));
  await assert.rejects(node.start(), /stale_primary/);
});

test('two people accept it: the node follows, what the dump has is there, and the trail names both', async () => {
  const [node] = nodes;
  const said = acceptDatabase(node);
  assert.equal(said.status, 0, said.stderr);
  assert.match(said.stderr, /up to timeline 2/);
  // what was revoked since the dump is revoked again before anybody is let in, as it tells
  assert.match(said.stderr, /revoke again .*device revoke/);
  const stolen = /CN=(\w+)/.exec(new X509Certificate(readFileSync(`${node.device('statistician')}.crt`)).subject)[1];
  node.run('device', 'revoke', '--id', stolen);
  await node.start({}, HEALTH);
  await assert.rejects(node.as('statistician'));
  const desk = await node.as('counsellor');
  assert.equal((await desk.get(`/v1/episodes/${kept.id}`)).status, 200);
  assert.equal((await desk.get(`/v1/episodes/${lost.id}`)).status, 404);
  await openEpisode(desk);
  assert.match(acceptDatabase(node).stderr, /Nothing to accept/);
  const { data } = (await (await node.as('auditor')).get('/v1/audit?limit=50')).json;
  const entry = data.find((e) => e.action === 'cli_accept_rollback');
  assert.match(entry.reason, /timeline 1, seen 2/);
  assert.ok(entry.actor && entry.subject && entry.actor !== entry.subject, JSON.stringify(entry));
});

test('each node is asked for itself; then there is nothing to accept', async () => {
  const [first, second] = nodes;
  await assert.rejects(second.start(), /stale_primary/);
  const said = acceptDatabase(second);
  assert.equal(said.status, 0, said.stderr);
  await second.start({}, HEALTH);
  const seen = await Promise.all(nodes.map(numbers));
  assert.deepEqual(seen.map((m) => m('database_timeline')), [1, 1]);
  assert.deepEqual(seen.map((m) => m('keys_keeper')), [1, 0]);
  for (const m of seen) assert.ok(m('database_silence_seconds') < 10);
  await openEpisode(await second.as('counsellor'));
  assert.ok(doctor(second).every((l) => !/timeline 1 < 2/.test(l.message)));
  for (const n of nodes) await n.stop();
  const again = acceptDatabase(first);
  assert.equal(again.status, 0);
  assert.match(again.stderr, /Nothing to accept/);
  for (const n of nodes) n.run('check');
  assert.ok(JSON.parse(first.run('audit', 'verify', '--json')).entries > 3);
});

test('a backup of a node that serves, restored and moved into a fresh server: the node that moved it follows it', async () => {
  const [node] = nodes;
  await promote();
  await node.start();
  const last = await openEpisode(await node.as('counsellor'));
  const backup = join(node.work, 'night.backup');
  node.run('backup', '--out', backup);
  await node.stop();
  node.run('backup', '--out', `${backup}.stopped`);
  for (const file of [backup, `${backup}.stopped`]) node.run('backup', 'verify', '--from', file);
  server('stop');
  assert.equal(server('start'), conninfo);
  const keys = join(node.work, 'kept-keys'), old = join(node.work, 'old');
  cpSync(join(node.dir, 'keys'), keys, { recursive: true });
  renameSync(node.dir, old);
  mkdirSync(node.dir, { mode: 0o700 });
  cpSync(keys, join(node.dir, 'keys'), { recursive: true });
  node.run('restore', '--from', backup);
  for (const file of ['host', 'server.crt', 'server.key'].filter((f) => existsSync(join(old, f)) && !existsSync(join(node.dir, f)))) cpSync(join(old, file), join(node.dir, file));
  node.run('migrate', '--engine', 'postgresql', '--database', conninfo);
  assert.equal(timeline(), 1);
  await node.start();
  assert.equal((await (await node.as('counsellor')).get(`/v1/episodes/${last.id}`)).status, 200);
  await node.stop();
});

// its transactions are counted anew: a node that went on with what it had seen would take no change over, and answer 503
test('restored once more, on the timeline that the nodes know: refused by the servers\' number, and accepted', async () => {
  const [node] = nodes;
  dump = client('pg_dump', conninfo);
  restoreAnew();
  await assert.rejects(node.start(), /why=restored/);
  assert.ok(doctor(node).some((l) => l.level === 'fail' && /system \d+ != \d+/.test(l.message)), JSON.stringify(doctor(node)));
  const said = acceptDatabase(node);
  assert.equal(said.status, 0, said.stderr);
  await node.start();
  const desk = await node.as('counsellor');
  assert.equal((await desk.get(`/v1/episodes/${kept.id}`)).status, 200);
  await openEpisode(desk);
  await node.stop();
});

test('killed anywhere before it is on record it is no acceptance: nobody opens the store until it is repeated', { skip: noPreload }, async (t) => {
  const [node] = nodes, copy = join(node.dir, 'store/data.mdb');
  restoreAnew();
  rmSync(`${copy}.aside`);
  const before = copyOf(node), faults = new Faults(node);
  let rounds = 0, broken = 0, said;
  for (;;) {
    faults.disk('kill', ++rounds);
    said = acceptDatabase(node, undefined, faults.environment);
    faults.mend();
    if (said.status !== 137) break;
    if (!existsSync(`${copy}.asked`)) continue; // nothing was asked yet, or all is on record
    broken++;
    assert.ok(readFileSync(`${copy}.asked`).equals(before), `round ${rounds}: the old copy`);
    for (const command of [['check'], ['migrate', '--engine', 'lmdb']])
      assert.throws(() => node.run(...command), /repeat menedek accept-database/, `round ${rounds}: ${command}`);
    assert.ok(!existsSync(`${copy}.aside`));
    if (broken === 1) await assert.rejects(node.start(), /repeat menedek accept-database/);
  }
  t.diagnostic(`killed at each of ${rounds - 1} requests of the disk, ${broken} with nothing settled`);
  assert.ok(broken > 0);
  assert.equal(said.status, 0, said.stderr);
  await node.start();
  await node.stop();
});

test('and once more: the copy that was put aside before is not written over', async () => {
  const [node] = nodes, aside = join(node.dir, 'store/data.mdb.aside'), first = readFileSync(aside);
  restoreAnew();
  await assert.rejects(node.start(), /why=restored/);
  const refused = acceptDatabase(node);
  assert.notEqual(refused.status, 0);
  assert.match(refused.stderr, /data\.mdb\.aside/);
  assert.ok(readFileSync(aside).equals(first));
  await assert.rejects(node.start(), /why=restored/);
  renameSync(aside, join(node.work, 'kept-copy'));
  const said = acceptDatabase(node);
  assert.equal(said.status, 0, said.stderr);
  await node.start();
  await node.stop();
});

// two servers that both believed to take over, of which the one that leads was not told
test('a leader without what the node acknowledged last is refused: doctor says so, and two people may accept it', async () => {
  const [node] = nodes;
  rmSync(join(node.dir, 'store/data.mdb.aside'));
  await node.start();
  await openEpisode(await node.as('counsellor'));
  await node.stop();
  client('psql', '-Xq', conninfo, '-c', 'delete from menedek_changes');
  await assert.rejects(node.start(), /why=changes_lost/);
  const lines = doctor(node);
  assert.ok(lines.some((l) => l.level === 'fail' && /lacks what this node acknowledged last/.test(l.message) && /accept-database/.test(l.message)), JSON.stringify(lines));
  const said = acceptDatabase(node);
  assert.equal(said.status, 0, said.stderr);
  assert.match(said.stderr, /acknowledged last is not there: look for a server that has it/);
  assert.match(said.stderr, /Accepted by/);
  await node.start();
  await openEpisode(await node.as('counsellor'));
  await node.stop();
});
