// SPDX-License-Identifier: Apache-2.0
// Who poses as the database could swallow what it acknowledges, or hand out an old state: nothing is said to a server across
// a network before it has proved by its certificate that it is the one that was named.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Registry, keptPort, root } from '../api/lib/registry.mjs';

const program = resolve(root, 'build/release/menedek'); // writes offline: the variant under test is for serving
const script = join(root, 'tests/postgres.sh');
const server = mkdtempSync(join(tmpdir(), 'menedek-pg-'));
const at = (name) => join(r.dir, 'database', name); // from where the confined service may read them
const postgres = (verb, ...more) => execFileSync(script, [verb, server, ...more], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
const openssl = (...args) => execFileSync('openssl', args, { cwd: at(''), stdio: 'ignore' });
const serverLog = () => readFileSync(join(server, 'data/server.log'), 'utf8');

let r, port;

process.on('exit', () => postgres('stop'));
before(async () => {
  r = new Registry();
  mkdirSync(at(''), { mode: 0o700 });
  for (const ca of ['ca', 'other'])
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${ca}`, '-keyout', `${ca}.key`, '-out', `${ca}.crt`);
  certify('server', 'ca', 'localhost');
  certify('node', 'ca', 'menedek');
  certify('stranger', 'other', 'menedek');
  postgres('start');
  for (const name of ['server.crt', 'server.key', 'ca.crt']) {
    copyFileSync(at(name), join(server, 'data', name));
    chmodSync(join(server, 'data', name), 0o600);
    execFileSync('chown', [`--reference=${server}`, join(server, 'data', name)]);
  }
  writeFileSync(join(server, 'data/pg_hba.conf'), 'local all all trust\nhostssl all all 127.0.0.1/32 cert map=any\nhostnossl all all 127.0.0.1/32 trust\n');
  appendFileSync(join(server, 'data/pg_ident.conf'), 'any /^.*$ menedek\n');
  port = await keptPort();
  serve('ssl=on');
}, { timeout: 120000 });
after(() => rmSync(r.work, { recursive: true, force: true }));

function certify(name, ca, host) {
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
  openssl('x509', '-req', '-days', '2', '-in', `${name}.csr`, '-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-copy_extensions', 'copy', '-out', `${name}.crt`);
}

/** The server once more, over TCP, where it tells of each connection that it let in. */
function serve(...settings) {
  postgres('crash');
  postgres('again', 'listen_addresses=127.0.0.1', `port=${port}`, 'log_connections=on', 'ssl_ca_file=ca.crt', ...settings);
}

const USUAL = { host: 'localhost', hostaddr: '127.0.0.1', user: 'menedek', dbname: 'postgres', sslmode: 'verify-full', sslrootcert: 'ca.crt', sslcert: 'node.crt', sslkey: 'node.key' };
const FILES = ['sslrootcert', 'sslcert', 'sslkey'];
const where = (settings) => Object.entries({ ...USUAL, port, ...settings })
  .flatMap(([name, value]) => value === null ? [] : [`${name}=${FILES.includes(name) ? at(value) : value}`]).join(' ');
// what the environment says must not count either
const run = (...args) => spawnSync(program, [...args, '--dir', r.dir], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C', PGSSLMODE: 'prefer' } });
const migrate = (settings) => run('migrate', '--engine', 'postgresql', '--database', where(settings));
/** Everybody who was let in since the server's log was ${from} long. */
const letIn = (from) => serverLog().slice(from).split('\n').filter((l) => /connection authorized/.test(l));

const SAY_SO = /sslmode=verify-full sslrootcert=/;
const IMPOSTORS = [
  ['a connection string that says nothing of TLS', { sslmode: null }, SAY_SO],
  ['one that would take what TLS it gets', { sslmode: 'prefer' }, SAY_SO],
  ['one that takes any certificate', { sslmode: 'require' }, SAY_SO],
  ['one that takes any name', { sslmode: 'verify-ca' }, SAY_SO],
  ['one without TLS, to a host that is not this one', { sslmode: 'disable', hostaddr: '192.0.2.1' }, SAY_SO],
  ['a server whose certificate another authority made', { sslrootcert: 'other.crt' }, /certificate verify failed/],
  ['a server whose certificate has another name', { host: 'database.example' }, /does not match host name "database.example"/],
  ['no list of authorities', { sslrootcert: 'none.crt' }, /root certificate file ".*none.crt" does not exist/],
  ['a server that asks for a certificate and gets none', { sslcert: 'none.crt', sslkey: null }, /connection requires a valid client certificate/],
  ['a certificate of a stranger', { sslcert: 'stranger.crt', sslkey: 'stranger.key' }, /alert unknown ca|certificate verify failed/],
];

for (const [name, settings, says] of IMPOSTORS) {
  test(`nothing is moved over ${name}`, () => {
    const from = serverLog().length;
    const { status, stderr } = migrate(settings);
    assert.notEqual(status, 0);
    assert.match(stderr, says);
    assert.deepEqual(letIn(from), [], 'somebody was let in');
    assert.ok(!existsSync(join(r.dir, 'store/postgresql')));
  });
}

test('a server that knows no TLS is told nothing', () => {
  serve('ssl=off');
  const from = serverLog().length;
  const { status, stderr } = migrate({});
  assert.notEqual(status, 0);
  assert.match(stderr, /server does not support SSL/);
  assert.deepEqual(letIn(from), []);
  serve('ssl=on');
});

test('the one that was named is moved into over TLS; later a string that asks for no proof starts no node, and the doctor says why', async () => {
  const from = serverLog().length;
  const { status, stderr } = migrate({});
  assert.equal(status, 0, stderr);
  const all = letIn(from);
  assert.ok(all.length > 0, 'the log does not tell who was let in');
  for (const line of all) assert.match(line, /SSL enabled \(protocol=TLSv1.3/);
  const file = join(r.dir, 'store/postgresql'), good = readFileSync(file, 'utf8');
  for (const [from, to] of [[' sslmode=verify-full', ''], ['verify-full', 'prefer'], ['verify-full', 'verify-ca']]) {
    writeFileSync(file, good.replace(from, to));
    await assert.rejects(() => r.start(), SAY_SO);
    assert.match(run('doctor').stdout, /anybody could pose as the database, so no node starts: .*sslmode=verify-full/);
  }
  writeFileSync(file, good.replace(at('ca.crt'), at('other.crt')));
  await assert.rejects(() => r.start(), /certificate verify failed/);
  const copied = join(r.work, 'elsewhere.crt');
  copyFileSync(at('ca.crt'), copied);
  writeFileSync(file, good.replace(at('ca.crt'), copied));
  await assert.rejects(() => r.start(), /cannot read sslrootcert=\S+elsewhere\.crt: Permission denied"$/m);
  assert.match(run('doctor').stdout, /FAIL.* a confined node cannot read .*elsewhere\.crt: copy it into/);
  writeFileSync(file, good);
  assert.doesNotMatch(run('doctor').stdout, /cannot read/);
  await r.start();
  assert.equal((await (await r.as('counsellor')).get('/v1/me')).status, 200);
  await r.stop();
  assert.doesNotMatch(run('doctor').stdout, /pose as the database/);
});
