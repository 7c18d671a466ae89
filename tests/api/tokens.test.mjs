// SPDX-License-Identifier: Apache-2.0
// Tokens: what is signed by our key, in our form, for this certificate and this person now, and nothing else.
import assert from 'node:assert/strict';
import {
  createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, X509Certificate,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Registry, sleep } from './lib/registry.mjs';

const base64url = (x) => Buffer.from(typeof x === 'string' ? x : JSON.stringify(x)).toString('base64url');

let r;
let desk; // signed in
let ourKey;
let header;
let claims;

before(async () => {
  r = await new Registry().start();
  desk = await r.as('counsellor');
  ourKey = createPrivateKey(readFileSync(join(r.dir, 'keys/token.key')));
  [header, claims] = desk.token.split('.').slice(0, 2).map((x) => JSON.parse(Buffer.from(x, 'base64url')));
});
after(() => r.close());

const es256 = (text, key = ourKey) =>
  sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
const publicPem = () => createPublicKey(ourKey).export({ type: 'spki', format: 'pem' });
const hs256 = (text) => createHmac('sha256', publicPem()).update(text).digest('base64url');
const alien = (text) => es256(text, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);

function craft({ head = header, body = claims, signer = es256 } = {}) {
  const text = `${base64url(head)}.${base64url(body)}`;
  return `${text}.${signer(text)}`;
}

const withClaims = (changes) => craft({ body: { ...claims, ...changes } });
const without = (name) => craft({ body: Object.fromEntries(Object.entries(claims).filter(([k]) => k !== name)) });
const ask = (token, client = desk) => client.get('/v1/me', { Authorization: `Bearer ${token}` });

async function assertRefused(token, client) {
  const answer = await ask(token, client);
  assert.equal(answer.status, 401, answer.text);
  assert.equal(answer.json.code, 'token_invalid');
  assert.match(answer.headers['www-authenticate'], /error="invalid_token"/);
}

/** All that may differ between two refusals is the request's own id. */
const anonymous = ({ status, headers, text, json }) => ({
  status,
  text: text.replaceAll(json.request_id, ''),
  names: Object.keys(headers).filter((h) => h !== 'date').sort(),
});

test('a token crafted with our key, in our form, is good: the refusals below are for what they change', async () => {
  assert.equal((await ask(craft())).status, 200);
  assert.equal((await ask(desk.token)).status, 200);
});

const now = Math.floor(Date.now() / 1000);
const FORGED = {
  'expired': () => withClaims({ iat: now - 1000, nbf: now - 1000, exp: now - 100 }),
  'expiring this second': () => withClaims({ iat: now - 900, nbf: now - 900, exp: Math.floor(Date.now() / 1000) }),
  'without exp': () => without('exp'),
  'exp is a text': () => withClaims({ exp: `${claims.exp}` }),
  'exp is a fraction': () => withClaims({ exp: claims.exp + 0.5 }),
  'living longer than we let any': () => withClaims({ exp: claims.iat + 86400 }),
  'not before a later hour': () => withClaims({ nbf: claims.nbf + 3600 }),
  'issued in the future': () => withClaims({ iat: claims.iat + 3600, exp: claims.exp + 3600 }),
  'without nbf': () => without('nbf'),
  'without iat': () => without('iat'),
  'without jti': () => without('jti'),
  'without sub': () => without('sub'),
  'another issuer': () => withClaims({ iss: 'someone' }),
  'another audience': () => withClaims({ aud: 'elsewhere' }),
  'a list of audiences': () => withClaims({ aud: [claims.aud] }),
  'without binding': () => without('cnf'),
  'bound to another certificate': () => withClaims({ cnf: { 'x5t#S256': randomBytes(32).toString('base64url') } }),
  'an unknown person': () => withClaims({ sub: '0'.repeat(25) + '1' }),
  'another device': () => withClaims({ dev: '0'.repeat(25) + '1' }),
  'twice the same claim': () => craft({ body: JSON.stringify(claims).replace('{', '{"iss":"menedek",') }),
  'claims that are no object': () => craft({ body: [claims] }),
  'alg none': () => craft({ head: { ...header, alg: 'none' }, signer: () => '' }),
  'alg none with a signature': () => craft({ head: { ...header, alg: 'none' } }),
  'alg HS256 keyed with our public key': () => craft({ head: { ...header, alg: 'HS256' }, signer: hs256 }),
  'ES256 in the header, HMAC by our public key': () => craft({ signer: hs256 }),
  'by another key': () => craft({ signer: alien }),
  'a header with a critical extension': () => craft({ head: { ...header, crit: ['x'], x: 1 } }),
  'a key in the header': () => craft({ head: { ...header, jwk: createPublicKey(ourKey).export({ format: 'jwk' }) } }),
  'without signature': () => `${desk.token.split('.').slice(0, 2).join('.')}.`,
  'two parts': () => desk.token.split('.').slice(0, 2).join('.'),
  'a fourth part': () => `${desk.token}.${desk.token.split('.')[2]}`,
  'an empty fourth part': () => `${desk.token}.`,
  'padded': () => `${desk.token}==`,
  'padded in the middle': () => desk.token.replace(/\.([^.]*)$/, '=.$1'),
  'in the standard alphabet': () => `${desk.token}+/`.replaceAll('-', '+').replaceAll('_', '/'),
  'with one bit of the signature changed': () => {
    const [h, b, s] = desk.token.split('.');
    const bytes = Buffer.from(s, 'base64url');
    bytes[40] ^= 1;
    return `${h}.${b}.${bytes.toString('base64url')}`;
  },
  // 64 bytes take 86 characters, of whose last only 2 bits count
  'with an unused bit of the signature changed': () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    return desk.token.slice(0, -1) + alphabet[alphabet.indexOf(desk.token.at(-1)) ^ 1];
  },
  'with a space before it': () => ` ${desk.token}`,
  'with a quote': () => `"${desk.token}"`,
  'of 5 KB': () => withClaims({ more: 'x'.repeat(4000) }),
  'of 5 KB of nothing': () => 'a'.repeat(5000),
  'empty': () => '.',
};

for (const [what, forge] of Object.entries(FORGED))
  test(`refused: ${what}`, async () => assertRefused(forge()));

test('refused: another scheme', async () => {
  for (const value of [`Basic ${desk.token}`, desk.token, 'Bearer', `Bearer${desk.token}`]) {
    const answer = await desk.get('/v1/me', { Authorization: value });
    assert.equal(answer.status, 401, value.slice(0, 12));
  }
});

test('a token of another device is refused, also that of the same person', async () => {
  const lead = await r.as('shift_lead'); // of the same organisation
  await assertRefused(desk.token, lead);
  await assertRefused(lead.token, desk);
  const anna = await r.person('okit.anna', 'shift_lead');
  await assertRefused(anna.token, desk);
  // and not even our own signature moves it: the certificate of the other, the device of this one
  const print = printOf('shift_lead');
  await assertRefused(withClaims({ cnf: { 'x5t#S256': print } }), lead);
});

function printOf(role) {
  const { fingerprint256 } = new X509Certificate(readFileSync(`${r.device(role)}.crt`));
  return Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
}

test('no token: a challenge, and nothing of the reason why', async () => {
  const answer = await r.bare('counsellor').get('/v1/me');
  assert.deepEqual([answer.status, answer.json.code], [401, 'token_required']);
  assert.equal(answer.headers['www-authenticate'], 'Bearer realm="menedek"');
});

test('unknown person, wrong passphrase, another organisation: one answer', async () => {
  const stranger = r.bare('counsellor');
  const { passphrase } = r.credentials('counsellor');
  const tries = [
    { user: 'okit.anna', passphrase: 'wrong' },
    { user: 'nobody.here', passphrase },
    { user: 'admin', passphrase: r.credentials('admin').passphrase }, // right, but not on this organisation's device
    { user: 'okit.anna', passphrase: `${passphrase} ` },
  ];
  const answers = [];
  for (const body of tries) answers.push(await stranger.send('POST', '/v1/tokens', body));
  assert.equal(answers[0].status, 401);
  assert.equal(answers[0].json.code, 'sign_in_refused');
  for (const a of answers) assert.deepEqual(anonymous(a), anonymous(answers[0]));
});

test('unknown person and wrong passphrase take the same time', async () => {
  const stranger = r.bare('auditor'); // where nobody has failed yet
  const people = ['okit.anna', 'okit.dora', 'okit.eszter', 'haz.nyugat1'];
  const spent = { known: [], unknown: [] };
  for (const person of people) {
    for (const [kind, user] of [['known', person], ['unknown', `${person}.not`], ['known', person], ['unknown', `${person}.not`]]) {
      const start = process.hrtime.bigint();
      const answer = await stranger.send('POST', '/v1/tokens', { user, passphrase: 'wrong' });
      spent[kind].push(Number(process.hrtime.bigint() - start) / 1e6);
      assert.equal(answer.status, 401, answer.text);
    }
  }
  const [known, unknown] = [spent.known, spent.unknown].map((x) => Math.min(...x));
  assert.ok(known < 2 * unknown && unknown < 2 * known, `${known} ms and ${unknown} ms`);
});

test('renewing gives another token and leaves the first', async () => {
  const person = await r.person('okit.dora', 'counsellor');
  const renewed = await person.post('/v1/tokens/renew');
  assert.equal(renewed.status, 201, renewed.text);
  assert.notEqual(renewed.json.access_token, person.token);
  assert.equal((await ask(renewed.json.access_token)).status, 200);
  assert.equal((await ask(person.token)).status, 200);
});

test('signing out kills this token at once, in whatever shape, and no other', async () => {
  const person = await r.person('okit.dora', 'counsellor');
  const other = await r.person('okit.dora', 'counsellor');
  assert.equal((await person.delete('/v1/tokens/current')).status, 204);
  await assertRefused(person.token);
  const [h, b] = person.token.split('.');
  await assertRefused(`${h}.${b}.${es256(`${h}.${b}`)}`); // signed anew: another text, the same jti
  assert.equal((await person.post('/v1/tokens/renew')).status, 401);
  assert.equal((await person.delete('/v1/tokens/current')).status, 401);
  assert.equal((await other.get('/v1/me')).status, 200);
});

async function found(admin, name) {
  const people = (await admin.get('/v1/users?limit=100')).json.data;
  const { id } = people.find((u) => u.name === name);
  return admin.get(`/v1/users/${id}`);
}

async function change(admin, name, body) {
  const { json, headers } = await found(admin, name);
  const answer = await admin.patch(`/v1/users/${json.id}`, body, { 'If-Match': headers.etag });
  assert.equal(answer.status, 200, answer.text);
  if (answer.json.pending) await r.agree(answer.json.pending);
}

test('changed roles sign out everywhere; a new token has them', async () => {
  const admin = await r.as('admin');
  const person = await r.person('okit.eszter', 'counsellor');
  await change(admin, 'okit.eszter', { roles: ['counsellor', 'shift_lead'] });
  await assertRefused(person.token);
  await sleep(1100);
  await person.signIn('okit.eszter', r.passphrase('okit.eszter'));
  assert.deepEqual((await person.get('/v1/me')).json.roles.sort(), ['counsellor', 'shift_lead']);
  await change(admin, 'okit.eszter', { roles: ['counsellor'] });
  await assertRefused(person.token);
});

test('a retired person is out at once and does not get in again', async () => {
  const admin = await r.as('admin');
  await sleep(1100);
  const person = await r.person('okit.eszter', 'counsellor');
  await change(admin, 'okit.eszter', { retired: true });
  await assertRefused(person.token);
  const again = await r.bare('counsellor').send('POST', '/v1/tokens',
    { user: 'okit.eszter', passphrase: r.passphrase('okit.eszter') });
  const wrong = await r.bare('counsellor').send('POST', '/v1/tokens', { user: 'okit.dora', passphrase: 'wrong' });
  assert.deepEqual(anonymous(again), anonymous(wrong));
});

test('a passphrase set anew voids the old one and all tokens', async () => {
  const admin = await r.as('admin');
  const person = await r.person('okit.dora', 'counsellor');
  const { id } = (await found(admin, 'okit.dora')).json;
  const fresh = await admin.post(`/v1/users/${id}/passphrase`);
  assert.equal(fresh.status, 200, fresh.text);
  const { passphrase } = await r.agree(fresh.json.grant);
  await assertRefused(person.token);
  const old = await r.bare('counsellor').send('POST', '/v1/tokens',
    { user: 'okit.dora', passphrase: r.passphrase('okit.dora') });
  assert.equal(old.status, 401);
  await sleep(1100);
  await person.signIn('okit.dora', passphrase);
  const changed = await person.put('/v1/me/passphrase',
    { old_passphrase: passphrase, new_passphrase: 'kilenc kék kancsó' });
  assert.equal(changed.status, 204, changed.text);
  assert.equal((await person.get('/v1/me')).status, 200);
});

test('everybody hears until when the own device is let in: the end of its certificate', async () => {
  for (const role of ['counsellor', 'shelter_staff', 'family_support', 'auditor']) {
    const { validTo } = new X509Certificate(readFileSync(`${r.device(role)}.crt`));
    const me = (await (await r.as(role)).get('/v1/me')).json;
    assert.equal(Date.parse(me.device_until), Date.parse(validTo), role);
  }
});
