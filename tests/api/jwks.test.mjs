// SPDX-License-Identifier: Apache-2.0
// Tokens of an outside issuer: it says who somebody is, for this device, for minutes; roles and the rest are ours.
// Each forged token differs from a good one in one thing.
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, randomUUID, sign, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { SLOWER, comes, took, within } from './lib/patience.mjs';
import { Registry, root } from './lib/registry.mjs';
import { listen } from './lib/stream.mjs';

const ISSUER = 'https://login.example.hu/realms/okit';
const AUDIENCE = 'menedek-test';
const END = 5000 * SLOWER; // the server looks once a second, and asks a silent stream much later
const b64 = (x) => Buffer.from(typeof x === 'string' ? x : JSON.stringify(x)).toString('base64url');
const newKey = (curve = 'P-256') => generateKeyPairSync('ec', { namedCurve: curve });
const es256 = (key) => (text) =>
  sign('sha256', Buffer.from(text), { key: key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
const jwkOf = (key, kid, more = {}) =>
  ({ ...createPublicKey(key.privateKey).export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig', ...more });

const first = newKey();
const second = newKey();
const stranger = newKey();
let r;
let set;

function writeSet(keys) {
  writeFileSync(`${set}.new`, JSON.stringify({ keys }));
  renameSync(`${set}.new`, set);
}

async function reload(keys) {
  writeSet(keys);
  const before = r.logText().length;
  process.kill(r.pid, 'SIGHUP');
  await comes(() => /note reloaded certificates/.test(r.logText().slice(before)), 'no word of a reload');
}

const KEYS = () => [jwkOf(first, 'one'), jwkOf(second, 'two'),
  { kty: 'RSA', kid: 'rsa', n: 'AQAB', e: 'AQAB' }, jwkOf(newKey('P-384'), 'big', { alg: 'ES384' })];

before(async () => {
  r = new Registry();
  mkdirSync(join(r.work, 'issuer'));
  set = join(r.work, 'issuer', 'jwks.json');
  writeSet(KEYS());
  await r.start({}, ['--jwks', set, '--issuer', ISSUER, '--audience', AUDIENCE]);
});
after(() => r.close());

function printOf(role) {
  const { fingerprint256 } = new X509Certificate(readFileSync(`${r.device(role)}.crt`));
  return Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
}

const now = () => Math.floor(Date.now() / 1000);
const HEAD = { alg: 'ES256', kid: 'one', typ: 'at+jwt' };
const claimsOf = (role) => ({
  iss: ISSUER, aud: AUDIENCE, sub: r.credentials(role).user, jti: randomUUID(),
  iat: now(), nbf: now(), exp: now() + 600, cnf: { 'x5t#S256': printOf(role) },
});

function craft({ head = {}, claims = {}, drop = [], key = first, signer, role = 'counsellor', body } = {}) {
  const all = { ...claimsOf(role), ...claims };
  for (const name of drop) delete all[name];
  const text = `${b64({ ...HEAD, ...head })}.${b64(body ?? all)}`;
  return `${text}.${(signer ?? es256(key))(text)}`;
}

function come(role, token) {
  const client = r.bare(role);
  client.token = token;
  return client;
}

const ask = (token, role = 'counsellor') => come(role, token).get('/v1/me');

async function assertRefused(token, role) {
  const answer = await ask(token, role);
  assert.equal(answer.status, 401, answer.text);
  assert.equal(answer.json.code, 'token_invalid');
}

test('a good token is the person of that name, with the roles of our record', async () => {
  const own = await r.as('counsellor');
  const expected = (await own.get('/v1/me')).json;
  for (const token of [craft(), craft({ head: { kid: 'two' }, key: second }), craft({ claims: { aud: ['x', AUDIENCE] } }),
    craft({ head: { typ: 'application/at+jwt' } })]) {
    const answer = await ask(token);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.json.user, expected.user);
    assert.deepEqual(answer.json.roles, expected.roles);
  }
});

const GREEDY = { roles: ['admin'], scope: 'admin', realm_access: { roles: ['admin'] }, user: { roles: ['admin'] } };
test('roles in a token give nothing', async () => {
  const answer = await come('counsellor', craft({ claims: GREEDY })).get('/v1/users');
  assert.equal(answer.status, 403, answer.text);
  const me = await ask(craft({ claims: GREEDY }));
  assert.ok(!JSON.stringify(me.json).includes('admin'), me.text);
});

const pem = () => createPublicKey(first.privateKey).export({ type: 'spki', format: 'pem' });
const hmac = (secret) => (text) => createHmac('sha256', secret()).update(text).digest('base64url');
const pad64 = (text) => Buffer.concat([Buffer.from(text), Buffer.alloc(64)]).subarray(0, 64).toString('base64url');

const FORGED = {
  'alg none': () => craft({ head: { alg: 'none' }, signer: () => '' }),
  'alg none with a signature': () => craft({ head: { alg: 'none' } }),
  'alg None': () => craft({ head: { alg: 'None' }, signer: () => '' }),
  'HS256 with the public key': () => craft({ head: { alg: 'HS256' }, signer: hmac(pem) }),
  'HS256 with the JWK': () => craft({ head: { alg: 'HS256' }, signer: hmac(() => JSON.stringify(jwkOf(first, 'one'))) }),
  'ES256 in the header, HMAC by the public key': () => craft({ signer: hmac(pem) }),
  'HMAC by the public key, as long as ES256': () => craft({ signer: (t) => pad64(hmac(pem)(t)) }),
  'a signature of zeros': () => craft({ signer: () => Buffer.alloc(64).toString('base64url') }),
  'a DER signature': () => craft({ signer: (t) => sign('sha256', Buffer.from(t), first.privateKey).toString('base64url') }),
  'ES384': () => craft({ head: { alg: 'ES384', kid: 'big' } }),
  'an unknown kid': () => craft({ head: { kid: 'three' } }),
  'the kid of the other key': () => craft({ head: { kid: 'two' } }),
  'the kid of a key that is not taken': () => craft({ head: { kid: 'big' } }),
  'without kid': () => craft({ head: { kid: undefined } }),
  'an empty kid': () => craft({ head: { kid: '' } }),
  'a kid that is a path': () => craft({ head: { kid: '/dev/null' } }),
  'a kid that is a list': () => craft({ head: { kid: ['one'] } }),
  'by a stranger': () => craft({ key: stranger }),
  'a key in the header': () => craft({ key: stranger, head: { jwk: jwkOf(stranger, 'one') } }),
  'an address of keys in the header': () => craft({ head: { jku: 'https://evil.example/jwks' } }),
  'a certificate in the header': () => craft({ head: { x5c: ['MIIB'] } }),
  'a critical extension': () => craft({ head: { crit: ['exp'] } }),
  'an empty list of critical extensions': () => craft({ head: { crit: [] } }),
  'typ JWT: an identity token': () => craft({ head: { typ: 'JWT' } }),
  'without typ': () => craft({ head: { typ: undefined } }),
  'another issuer': () => craft({ claims: { iss: 'https://login.example.hu/realms/other' } }),
  'the issuer with a slash': () => craft({ claims: { iss: `${ISSUER}/` } }),
  'our own name as issuer': () => craft({ claims: { iss: 'menedek' } }),
  'another audience': () => craft({ claims: { aud: 'another-service' } }),
  'our audience as part of another': () => craft({ claims: { aud: `${AUDIENCE}2` } }),
  'a list without our audience': () => craft({ claims: { aud: ['a', 'b'] } }),
  'an empty list of audiences': () => craft({ claims: { aud: [] } }),
  'unbound': () => craft({ drop: ['cnf'] }),
  'bound to nothing': () => craft({ claims: { cnf: {} } }),
  'bound to a key': () => craft({ claims: { cnf: { jkt: printOf('counsellor') } } }),
  'bound to another certificate': () => craft({ claims: { cnf: { 'x5t#S256': randomBytes(32).toString('base64url') } } }),
  'bound to the device of another': () => craft({ claims: { cnf: { 'x5t#S256': printOf('shift_lead') } } }),
  'bound to the first half of the fingerprint': () => craft({ claims: { cnf: { 'x5t#S256': printOf('counsellor').slice(0, 22) } } }),
  'expired': () => craft({ claims: { iat: now() - 700, nbf: now() - 700, exp: now() - 1 } }),
  'without exp': () => craft({ drop: ['exp'] }),
  'without iat': () => craft({ drop: ['iat'] }),
  'without nbf': () => craft({ drop: ['nbf'] }),
  'without jti': () => craft({ drop: ['jti'] }),
  'without sub': () => craft({ drop: ['sub'] }),
  'not yet': () => craft({ claims: { nbf: now() + 120 } }),
  'issued in the future': () => craft({ claims: { iat: now() + 120, exp: now() + 600 } }),
  'living for a day': () => craft({ claims: { exp: now() + 86400 } }),
  'exp is a text': () => craft({ claims: { exp: `${now() + 600}` } }),
  'an unknown person': () => craft({ claims: { sub: 'nobody.here' } }),
  'a person by id': async () => craft({ claims: { sub: (await (await r.as('counsellor')).get('/v1/me')).json.user } }),
  'a person of another organisation, on this device': () => craft({ claims: { sub: r.credentials('shelter_manager').user } }),
  'the claims are a list': () => craft({ body: [claimsOf('counsellor')] }),
  'twice the same claim': () => craft({ body: JSON.stringify(claimsOf('counsellor')).replace('{', `{"sub":"admin",`) }),
  'a fourth part': () => `${craft()}.AAAA`,
  'padded': () => `${craft()}=`,
};

for (const [what, forge] of Object.entries(FORGED))
  test(`refused: ${what}`, async () => assertRefused(await forge()));

test('refused: a good token on the device of another', async () => {
  const token = craft();
  await assertRefused(token, 'shift_lead');
  assert.equal((await ask(token)).status, 200);
  await assertRefused(token, 'shift_lead'); // also when it is remembered as good
});

test('an outside token is not renewed into one of ours', async () => {
  const answer = await come('counsellor', craft()).post('/v1/tokens/renew', undefined, {});
  assert.notEqual(answer.status, 201, answer.text);
  assert.ok(!answer.text.includes('access_token'));
});

test('signing out ends an outside token at once, and no other', async () => {
  const token = craft();
  const other = craft();
  const client = come('counsellor', token);
  assert.equal((await client.get('/v1/me')).status, 200);
  assert.equal((await client.delete('/v1/tokens/current')).status, 204);
  await assertRefused(token);
  assert.equal((await ask(other)).status, 200);
});

test('a retired person comes in with no token, whoever signs', async () => {
  const admin = await r.as('admin');
  const user = (await (await r.as('statistician')).get('/v1/me')).json.user;
  const token = craft({ role: 'statistician' });
  assert.equal((await ask(token, 'statistician')).status, 200);
  const { etag } = (await admin.get(`/v1/users/${user}`)).headers;
  const answer = await admin.patch(`/v1/users/${user}`, { retired: true }, { 'If-Match': etag });
  assert.equal(answer.status, 200, answer.text);
  await assertRefused(token, 'statistician');
});

test('on SIGHUP a new key counts, and what was signed by one that is gone does not, from then on', async () => {
  const old = craft();
  const third = newKey();
  const fresh = () => craft({ head: { kid: 'three' }, key: third });
  assert.equal((await ask(old)).status, 200);
  await assertRefused(fresh());
  await reload([jwkOf(third, 'three')]);
  assert.equal((await ask(fresh())).status, 200);
  await assertRefused(old); // although it was found good before
  await reload(KEYS());
});

test('an event stream opened with an outside token ends with it', async () => {
  await within(END, async () => {
    const client = come('counsellor', craft());
    const stream = await listen(client);
    assert.equal(stream.status, undefined);
    return took(async () => {
      assert.equal((await client.delete('/v1/tokens/current')).status, 204);
      assert.ok(await stream.ends(), 'it still hears');
    });
  }, 'ended');
});

test('and with the key that signed it, as no other stream does', async () => {
  await within(END, async () => {
    await reload(KEYS());
    const one = await listen(come('counsellor', craft()));
    const two = await listen(come('counsellor', craft({ head: { kid: 'two' }, key: second })));
    const ours = await listen(await r.as('counsellor'));
    assert.deepEqual([one.status, two.status, ours.status], [undefined, undefined, undefined]);
    const time = await took(async () => {
      await reload([jwkOf(second, 'two')]);
      assert.ok(await one.ends(), 'it still hears');
    });
    assert.deepEqual(one.events.at(-1)?.data, { code: 'token_invalid' });
    for (const other of [two, ours]) {
      assert.ok(!await other.ends(10), 'its key is there');
      other.close();
    }
    return time;
  }, 'ended');
  await reload(KEYS());
});

test('a set that cannot be used changes nothing', async () => {
  const secret = { ...first.privateKey.export({ format: 'jwk' }), kid: 'one' };
  for (const keys of [[], [{ kty: 'EC', crv: 'P-256', kid: 'one', x: 'AA', y: 'AA' }], [jwkOf(first, 'one'), jwkOf(second, 'one')],
    [secret], [{ kty: 'oct', k: 'AAAA', kid: 'one' }], [{ ...jwkOf(first, 'one'), y: jwkOf(second, 'x').y }]]) {
    await reload(keys);
    assert.equal((await ask(craft())).status, 200, JSON.stringify(keys));
  }
  assert.match(r.logText(), /reload_failed/);
  await reload(KEYS());
});

test('the three options go together, and a bad set stops the start', () => {
  const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
  const serve = (...more) => spawnSync(program, ['serve', '--dir', r.dir, '--listen', '127.0.0.1:0', ...more],
    { encoding: 'utf8', timeout: 20000 });
  for (const some of [['--jwks', set], ['--issuer', ISSUER], ['--jwks', set, '--issuer', ISSUER],
    ['--jwks', set, '--issuer', '', '--audience', AUDIENCE]])
    assert.equal(serve(...some).status, 2, some.join(' '));
  const bad = r.file('bad.json', '{"keys":[]}');
  const answer = serve('--jwks', bad, '--issuer', ISSUER, '--audience', AUDIENCE);
  assert.notEqual(answer.status, 0);
  assert.match(answer.stderr, /bad\.json/);
});
