// SPDX-License-Identifier: Apache-2.0
// What a service gives up before its first client, seen from outside; and that it can still do all its work: certificates
// replaced under it, devices enrolled, systemd told, operators answered, as another user than root.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, lstatSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { enrol, orgNamed } from '../api/lib/devices.mjs';
import { family } from '../api/lib/memory.mjs';
import { comes } from '../api/lib/patience.mjs';
import { dial } from '../api/lib/raw.mjs';
import { isCopy } from '../api/lib/postgres.mjs';
import { Registry, root } from '../api/lib/registry.mjs';
import { reservationIn, settle } from '../api/lib/scenes.mjs';

const isRelease = (process.env.VARIANT ?? 'release') === 'release'; // sanitizers call what no product should
const release = { skip: !isRelease && 'sanitizers go without seccomp' };
const asRoot = { skip: process.getuid() !== 0 ? 'only root may become somebody else' : release.skip };

let r;
let hears; // a stand-in for systemd
let heard = '';
before(async () => {
  r = new Registry();
  const socket = join(r.work, 'notify');
  hears = spawn('perl', ['-MIO::Socket::UNIX', '-e',
    '$| = 1; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die; print "ready\n"; while (defined($s->recv(my $d, 4096))) { print "$d\n" }',
    socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((done) => hears.stdout.on('data', (d) => { heard += d; if (heard.includes('ready\n')) done(); }));
  await r.start({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000' },
    [`--health=${join(r.work, 'health.sock')}`, '--sandbox', 'require']);
});
after(async () => {
  await r.stop();
  await comes(() => /STOPPING=1/.test(heard), 'systemd does not hear of the end');
  hears.kill();
  assert.doesNotMatch(r.logText(), /call_refused|confinement_missing|notify_failed/);
  rmSync(r.work, { recursive: true, force: true });
});

const fields = (path) => Object.fromEntries(readFileSync(path, 'utf8').split('\n').map((l) => l.split(/:\s+/)));
const threads = (pid) => readdirSync(`/proc/${pid}/task`).map((t) => fields(`/proc/${pid}/task/${t}/status`));

test('every thread of every process has seccomp, no new privileges and no capability', release, () => {
  const processes = family(r.pid);
  for (const pid of processes) {
    const all = threads(pid);
    assert.ok(all.length > (pid === r.pid ? 5 : 0));
    for (const t of all) {
      assert.deepEqual([t.Name, t.Seccomp, t.NoNewPrivs], [t.Name, '2', '1']);
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(t[set], /^0+$/, `${t.Name} ${set}`);
    }
  }
});

test('what was given up is said in one line of the log', release, () => {
  const connects = isCopy ? 'any' : 'none'; // the database's servers may be anywhere
  assert.match(r.logText(), new RegExp(`^note confined http user=same capabilities=none files=listed tcp_connect=${connects} signals=own calls=listed`, 'm'));
});

test('a certificate and a key that were replaced by rename are served after SIGHUP', async () => {
  const [ca, key] = [join(r.dir, 'ca.crt'), join(r.dir, 'keys/ca.key')];
  const at = join(r.dir, 'keys/tls');
  const serial = async () => {
    const socket = await dial(r, 'counsellor');
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const old = await serial();
  r.openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'new.key', '-subj',
    '/CN=localhost', '-out', 'new.csr');
  writeFileSync(join(r.work, 'ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n');
  r.openssl('x509', '-req', '-in', 'new.csr', '-CA', ca, '-CAkey', key, '-days', '3', '-extfile', 'ext', '-out', 'new.crt');
  chmodSync(join(r.work, 'new.key'), 0o600);
  renameSync(join(r.work, 'new.key'), join(at, 'server.key'));
  renameSync(join(r.work, 'new.crt'), join(at, 'server.crt'));
  process.kill(r.pid, 'SIGHUP');
  await comes(() => /note reloaded/.test(r.logText()), 'no word of a reload');
  assert.notEqual(await serial(), old);
  assert.equal((await (await r.as('counsellor')).get('/v1/me')).status, 200);
});

test('devices are enrolled and people given passphrases', async () => {
  await enrol(r, await orgNamed(r, 'A nyilvántartás üzemeltetője (minta)'), 'second');
  assert.equal((await r.bare('second').get('/v1/codes')).status, 200);
});

test('a location is told', async () => {
  const scene = await reservationIn(r, 'confirmed');
  const told = await (await r.as('counsellor')).post(`/v1/reservations/${scene.reservation.id}/disclosures`, { reason: 'intake_call' });
  assert.equal(told.status, 200, told.text);
  await settle(r, scene);
});

test('operators are answered on the Unix socket, which is theirs alone', async () => {
  const socketPath = join(r.work, 'health.sock');
  assert.equal(statSync(socketPath).mode & 0o777, 0o600);
  const status = await new Promise((done, fail) => http.get({ socketPath, path: '/readyz' }, (res) => done(res.statusCode)).on('error', fail));
  assert.equal(status, 200);
});

test('systemd hears that it is ready and alive', async () => {
  await comes(() => heard.includes('WATCHDOG=1'), 'no sign of life');
  assert.match(heard, /READY=1/);
});

test('systemctl status has a line that says how it is, and names nobody', async () => {
  // it is said when it has changed: the first of them may be older than any connection
  const line = /^STATUS=ready; [1-9]\d* connections, \d+ streams, \d+ commits waiting; certificate good for \d+ days$/m;
  await comes(() => line.test(heard), () => `no such line for systemctl status: ${heard}`);
  for (const [line] of heard.matchAll(/^STATUS=.*$/gm)) assert.match(line, /^STATUS=(ready; [-\d a-z,;]+|finishing what is under way)$/);
});

test('what the service must reach is nothing else: no key, no vault, no other file of the data directory', release, () => {
  // the rows themselves are attacked from inside by tests/unit/base/test_confine.c; here: no such file is open
  for (const pid of [r.pid]) {
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => { try { return execFileSync('readlink', [`/proc/${pid}/fd/${fd}`], { encoding: 'utf8' }).trim(); } catch { return ''; } });
    assert.deepEqual(open.filter((p) => p.startsWith(join(r.dir, 'keys')) || p.startsWith(join(r.dir, 'vault'))), []);
    assert.ok(open.some((p) => p.endsWith('data.mdb')), 'the control: its store is open');
  }
});

// ---- keys and data of different owners ----

const NOBODY = 65534;
const program = join(root, process.env.MENEDEK ?? 'build/release/menedek');
let other;

/** What a start that must fail says. */
function refusal(...more) {
  try {
    execFileSync(program, ['serve', '--dir', other.dir, '--listen', '127.0.0.1:0', ...more], { timeout: 20000, stdio: 'pipe' });
  } catch (e) { return String(e.stderr); }
  return 'it served';
}

test('a user who is not there, or to whom the data do not belong, is said before anything is served', asRoot, () => {
  other ??= new Registry();
  assert.match(refusal('--user', 'no-such-user'), /no such user/);
  assert.match(refusal('--user', 'nobody'), /cannot reach/);
  assert.match(refusal('--sandbox', 'sometimes'), /one of require\|try/);
});

test('keys come from the credentials directory that systemd passes', async () => {
  other ??= new Registry();
  const credentials = join(other.work, 'credentials');
  renameSync(join(other.dir, 'keys'), credentials);
  renameSync(join(credentials, 'tls'), join(other.work, 'tls'));
  await other.start({ CREDENTIALS_DIRECTORY: credentials }, ['--tls', join(other.work, 'tls')]);
  try {
    assert.equal((await (await other.as('counsellor')).get('/v1/me')).status, 200);
  } finally {
    await other.stop();
  }
});

// the root keys stay root's: they are read before the change
test('root becomes the named user, whose processes no other process of that user can look into', asRoot, async () => {
  chmodSync(other.work, 0o755);
  execFileSync('chown', ['-R', 'nobody', other.dir, join(other.work, 'tls')]);
  await other.start({ CREDENTIALS_DIRECTORY: join(other.work, 'credentials') },
    ['--tls', join(other.work, 'tls'), '--user', 'nobody', '--sandbox', 'require']);
  try {
    for (const pid of family(other.pid)) {
      const { Uid, Gid, CapBnd } = fields(`/proc/${pid}/status`);
      assert.match(Uid, new RegExp(`^(${NOBODY}\\s*){4}$`));
      assert.doesNotMatch(Gid, /\b0\b/);
      assert.match(CapBnd, /^0+$/);
      assert.equal(lstatSync(`/proc/${pid}/mem`).uid, 0, 'it may be dumped and debugged by its user');
    }
    const scene = await reservationIn(other, 'confirmed');
    const told = await (await other.as('counsellor')).post(`/v1/reservations/${scene.reservation.id}/disclosures`, { reason: 'intake_call' });
    assert.equal(told.status, 200, told.text);
    assert.match(other.logText(), /confined http user=nobody/);
    assert.match(other.logText(), /confined vault user=nobody/);
    process.kill(other.pid, 'SIGHUP');
    await comes(() => /note reloaded/.test(other.logText()), 'no word of a reload');
  } finally {
    await other.stop();
  }
});

after(() => { if (other) rmSync(other.work, { recursive: true, force: true }); });
