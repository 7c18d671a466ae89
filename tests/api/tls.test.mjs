// SPDX-License-Identifier: Apache-2.0
// Strangers die in the handshake: each kind of wrong certificate gets its alert, and not one byte of HTTP.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { Client, Registry, key } from './lib/registry.mjs';

const LEAF = 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n';
const FOR_CLIENTS = `${LEAF}extendedKeyUsage=clientAuth\n`;
// Node names an alert after the protocol that brought it, and each OpenSSL names that differently.
const alertOf = (code) => code?.replace(/^ERR_SSL_.*_ALERT_/, '');

const ALERTS = {
  required: 'CERTIFICATE_REQUIRED', // 116
  bad: 'BAD_CERTIFICATE', // 42
  foreign: 'UNKNOWN_CA', // 48
  expired: 'CERTIFICATE_EXPIRED', // 45
  purpose: 'UNSUPPORTED_CERTIFICATE', // 43
  revoked: 'CERTIFICATE_REVOKED', // 44
  unknown: 'CERTIFICATE_UNKNOWN', // 46
};

let r;
let deviceName; // the common name of a device that is enrolled

before(async () => {
  r = await new Registry().start();
  deviceName = r.openssl('x509', '-in', `${r.device('counsellor')}.crt`, '-noout', '-subject').split('= ').pop().trim();
});
after(() => r.close());

const ours = () => ({ crt: join(r.dir, 'ca.crt'), key: join(r.dir, 'keys/ca.key') });
const newKey = (name) => {
  r.openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', `${name}.key`);
  return join(r.work, `${name}.key`);
};

/** A certificate by ${issuer}; returns what tls.connect takes. */
function issue(name, { issuer = ours(), extensions = FOR_CLIENTS, days = 30, subject = deviceName } = {}) {
  const file = newKey(name);
  r.openssl('req', '-new', '-key', file, '-subj', `/CN=${subject}`, '-out', `${name}.csr`);
  r.openssl('x509', '-req', '-in', `${name}.csr`, '-CA', issuer.crt, '-CAkey', issuer.key, '-CAcreateserial',
    '-days', `${days}`, '-extfile', r.file(`${name}.ext`, extensions), '-out', `${name}.crt`);
  return pair(join(r.work, `${name}.crt`), file);
}

function selfSigned(name, subject, extensions) {
  const file = newKey(name);
  const added = extensions.trim().split('\n').flatMap((x) => ['-addext', x]);
  r.openssl('req', '-x509', '-new', '-key', file, '-subj', `/CN=${subject}`, '-days', '30', ...added, '-out', `${name}.crt`);
  return { crt: join(r.work, `${name}.crt`), key: file };
}

const pair = (crt, file) => ({ cert: readFileSync(crt), key: readFileSync(file) });

/** Connect and ask; with TLS 1.3 a refusal comes after the client believes that it is connected. */
function knock(credentials, options = {}) {
  return new Promise((done) => {
    let heard = '';
    let code = null;
    const socket = tls.connect(
      { host: '127.0.0.1', port: r.port, servername: 'localhost', ca: r.ca, ...credentials, ...options },
      () => socket.write('GET /v1/codes HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'));
    socket.setTimeout(10000, () => socket.destroy(new Error('no answer in 10 s')));
    socket.on('data', (d) => { heard += d; });
    socket.on('error', (e) => { code ??= e.code ?? e.message; });
    socket.on('close', () => done({ code, heard }));
  });
}

async function assertRefused(credentials, alert) {
  const { code, heard } = await knock(credentials);
  assert.deepEqual({ code: alertOf(code), heard }, { code: ALERTS[alert], heard: '' });
}

const enrolled = () => pair(`${r.device('counsellor')}.crt`, `${r.device('counsellor')}.key`);

test('an enrolled device is let in', async () => {
  const { code, heard } = await knock(enrolled());
  assert.equal(code, null);
  assert.match(heard, /^HTTP\/1\.1 200 /);
});

test('no certificate', () => assertRefused({}, 'required'));

test('a foreign authority with our names', async () => {
  const authority = selfSigned('foreign', 'Menedek root', 'keyUsage=critical,keyCertSign,cRLSign');
  await assertRefused(issue('by-foreign', { issuer: authority }), 'foreign');
});

test('self-signed, with the name of a device', async () => {
  const { crt, key: file } = selfSigned('self', deviceName, 'extendedKeyUsage=clientAuth');
  await assertRefused(pair(crt, file), 'foreign');
});

test('expired', () => assertRefused(issue('expired', { days: -1 }), 'expired'));

test("the server's own certificate as a client's", () =>
  assertRefused(pair(join(r.dir, 'keys/tls/server.crt'), join(r.dir, 'keys/tls/server.key')), 'purpose'));

test('no purpose at all', () => assertRefused(issue('aimless', { extensions: LEAF }), 'purpose'));

test('any purpose', () =>
  assertRefused(issue('any', { extensions: `${LEAF}extendedKeyUsage=anyExtendedKeyUsage\n` }), 'purpose'));

// Its key may not sign handshakes, and a client of TLS 1.2 speaks nothing we know: for these two the library hangs up
// without a word before the judgement.
test('the authority itself as a device', async () => {
  const { code, heard } = await knock(pair(ours().crt, ours().key));
  assert.equal(heard, '');
  assert.ok(code === null || code === 'ECONNRESET', code);
});

test('TLS 1.2', async () => {
  const { code, heard } = await knock(enrolled(), { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
  assert.equal(heard, '');
  assert.match(code, /^(ECONNRESET|ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION)$/);
});

test('an authority under ours as a device', () => {
  const extensions = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,digitalSignature\n'
    + 'extendedKeyUsage=clientAuth\n';
  return assertRefused(issue('sub', { extensions }), 'purpose');
});

test('a chain through a device: who is no authority signs nothing', async () => {
  const device = { crt: `${r.device('counsellor')}.crt`, key: `${r.device('counsellor')}.key` };
  const { cert, key: file } = issue('grandchild', { issuer: device });
  await assertRefused({ cert: Buffer.concat([cert, readFileSync(device.crt)]), key: file }, 'bad');
});

test('signed by us with the name of a device, but never enrolled', () => assertRefused(issue('unenrolled'), 'unknown'));

/** Ask in ${session}, or in a new one: what came, whether it was resumed, and the session for the next time. */
function visit(credentials, session) {
  return new Promise((done) => {
    let text = '', next, isResumed;
    const socket = tls.connect({ host: '127.0.0.1', port: r.port, servername: 'localhost', ca: r.ca, ...credentials, session }, () => {
      isResumed = socket.isSessionReused();
      socket.write('GET /v1/codes HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    });
    socket.on('session', (s) => { next = s; });
    socket.on('data', (d) => { text += d; });
    socket.on('error', (e) => { text += alertOf(e.code); });
    socket.on('close', () => done({ text, isResumed, next }));
  });
}

test('a session is resumed, and the device is judged again', async () => {
  const first = await visit(enrolled());
  assert.match(first.text, /^HTTP\/1.1 200/);
  assert.equal(first.isResumed, false);
  const second = await visit(enrolled(), first.next);
  assert.match(second.text, /^HTTP\/1.1 200/);
  assert.equal(second.isResumed, true);
});

test('a revoked device: its open connection is refused at once, a new one in the handshake', async () => {
  const admin = await r.as('admin');
  newKey('laptop');
  const csr = r.openssl('req', '-new', '-key', 'laptop.key', '-subj', '/CN=x');
  const made = await admin.post('/v1/devices', { name: 'Laptop', csr });
  assert.equal(made.status, 201, made.text);
  r.file('laptop.crt', made.json.certificate);
  const { user, passphrase } = r.credentials('admin');
  const client = await new Client(r, { device: join(r.work, 'laptop'), sockets: 1 }).signIn(user, passphrase);
  assert.equal((await client.get('/v1/me')).status, 200);
  const laptop = pair(join(r.work, 'laptop.crt'), join(r.work, 'laptop.key'));
  const { next } = await visit(laptop);

  const revoked = await admin.send('POST', `/v1/devices/${made.json.device.id}/revoke`, undefined, key());
  assert.equal(revoked.status, 200, revoked.text);
  const kept = await client.get('/v1/me');
  assert.equal(kept.status, 403);
  assert.equal(kept.headers.connection, 'close');
  await assert.rejects(client.get('/v1/me'), (e) => alertOf(e.code) === ALERTS.revoked);
  client.end();
  await assertRefused(laptop, 'revoked');
  const resumed = await visit(laptop, next);
  assert.equal(resumed.isResumed, true, 'the ticket itself is good');
  assert.equal(resumed.text, ALERTS.revoked);
});
