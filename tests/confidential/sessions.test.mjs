// SPDX-License-Identifier: Apache-2.0
// Revoking: a token, a person, a device or everything of a person, at once, for requests and for open event streams; and
// a first passphrase, which others know, is good for nothing but its own change.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { enrol, guest, orgNamed } from '../api/lib/devices.mjs';
import { SLOWER, took, within } from '../api/lib/patience.mjs';
import { KNOWN_MS, Registry, root, sleep } from '../api/lib/registry.mjs';
import { read, ROWS, BODIES, NOBODYS } from '../api/lib/routes.mjs';
import { listen } from '../api/lib/stream.mjs';

const AT_ONCE = 1000 * SLOWER;
const HELPLINE = 'OKIT (minta)';

let r;
let admin;
let colleague; // must notice nothing
before(async () => {
  r = await new Registry().start();
  admin = await r.as('admin');
  colleague = await r.as('counsellor');
});
after(() => r.close());

/** What is typed on the machine, beside the service. */
const typed = (...args) => new Promise((done) => {
  execFile(process.env.MENEDEK ?? join(root, 'build/release/menedek'), [...args, '--dir', r.dir],
    (failed, stdout, stderr) => done({ status: failed?.code ?? 0, stdout, stderr }));
}).then(async (told) => {
  if (r.hasPeers) await r.known(0).then(() => sleep(KNOWN_MS)); // as a client waits whose next request may be at another node
  return told;
});

const idOf = async (client) => (await client.get('/v1/me')).json.user;

async function patch(client, path, body) {
  const { etag } = (await client.get(path)).headers;
  const answer = await client.patch(path, body, { 'If-Match': etag });
  assert.equal(answer.status, 200, answer.text);
}

/** Sessions of okit.dora: two on one device, one on another. */
async function dora() {
  const { client, device } = await guest(r, 'okit.dora', HELPLINE);
  return { here: await r.person('okit.dora', 'counsellor'), again: await r.person('okit.dora', 'counsellor'), there: client, device };
}

// what is done, and which of her sessions are over then
const REVOCATIONS = {
  'signing out': { revoke: ({ here }) => here.delete('/v1/tokens/current'), over: ['here'], lives: ['again', 'there'] },
  'signing out everywhere': { revoke: ({ here }) => here.send('POST', '/v1/me/sign-out-everywhere'), over: ['here', 'again', 'there'] },
  'a device revoked on the machine': {
    revoke: async ({ device }) => {
      const { status, stderr } = await typed('device', 'revoke', '--id', device.id);
      return { status: status === 0 ? 204 : 500, text: stderr };
    },
    over: ['there'], lives: ['here', 'again'], code: 'device_refused',
  },
  'being signed out by an admin': {
    revoke: async ({ here }) => admin.send('POST', `/v1/users/${await idOf(here)}/sign-out`), over: ['here', 'again', 'there'],
  },
  'a revoked device': {
    revoke: ({ device }) => admin.send('POST', `/v1/devices/${device.id}/revoke`), over: ['there'], lives: ['here', 'again'], code: 'device_refused',
  },
};

for (const [what, { revoke, over, lives = [], code = 'token_invalid' }] of Object.entries(REVOCATIONS)) {
  test(`${what} ends requests and streams at once, and no others`, () => within(AT_ONCE, async () => {
    const sessions = await dora();
    const streams = Object.fromEntries(await Promise.all([...over, ...lives].map(async (s) => [s, await listen(sessions[s])])));
    const other = await listen(colleague);
    const answer = await revoke(sessions);
    assert.ok(answer.status < 300, answer.text);
    let isOver = true;
    const outlived = took(async () => { for (const s of over) isOver &&= await streams[s].ends(); });
    for (const s of over) {
      const status = await sessions[s].get('/v1/me').then((a) => a.status, () => 401); // a device is refused by TLS
      assert.ok(status === 401 || status === 403, `${s}: ${status}`);
    }
    const delay = await outlived;
    assert.ok(isOver, 'a stream lives on');
    for (const s of over) { // and say why at last: a device could not ask
      const { event, data, id } = streams[s].events.at(-1);
      assert.deepEqual({ event, data, id }, { event: 'ended', data: { code }, id: undefined });
    }
    for (const s of lives) {
      assert.equal((await sessions[s].get('/v1/me')).status, 200);
      assert.ok(!await streams[s].ends(10));
    }
    assert.ok(!await other.ends(10));
    for (const s of [...Object.values(streams), other]) s.close();
    return delay;
  }, 'the streams were over'));
}

test('a token of the very second of the sign-out does not survive it, and a new one works at once', async () => {
  for (let i = 0; i < 3; i++) {
    const one = await r.person('okit.dora', 'counsellor');
    const two = await r.person('okit.dora', 'counsellor');
    assert.equal((await one.send('POST', '/v1/me/sign-out-everywhere')).status, 204);
    assert.deepEqual([(await one.get('/v1/me')).status, (await two.get('/v1/me')).status], [401, 401]);
    assert.equal((await two.post('/v1/tokens/renew')).status, 401);
    const three = await r.person('okit.dora', 'counsellor');
    assert.equal((await three.get('/v1/me')).status, 200);
  }
});

test('a stream that opens while she signs out everywhere does not live on', async () => {
  for (let i = 0; i < 25; i++) {
    const one = await r.person('okit.dora', 'counsellor', { sockets: 1 });
    const [stream, out] = await Promise.all([listen(one), one.send('POST', '/v1/me/sign-out-everywhere')]);
    assert.equal(out.status, 204);
    if (stream.ends) assert.ok(await stream.ends(), `stream ${i} lives`);
    else assert.equal(stream.status, 401);
    one.end();
  }
});

test('nobody signs out who is not hers to manage', async () => {
  const strange = (await admin.get('/v1/users?limit=100')).json.data.find((u) => u.name === 'okit.anna');
  assert.equal((await r.bare('admin').send('POST', `/v1/users/${strange.id}/sign-out`)).status, 401);
  assert.equal((await (await r.as('shelter_manager')).send('POST', `/v1/users/${strange.id}/sign-out`)).status, 404);
  assert.equal((await colleague.send('POST', `/v1/users/${strange.id}/sign-out`)).status, 403);
  assert.equal((await colleague.get('/v1/me')).status, 200);
});

test('with a first passphrase nothing works but changing it', async () => {
  const org = (await admin.post('/v1/organisations', { kind: 'family_support', name: 'Új Szolgálat (minta)' })).json.id;
  await enrol(r, org, 'first');
  const made = await admin.send('POST', '/v1/users', { org, name: 'uj.kati', roles: ['family_support'] });
  assert.equal(made.status, 201, made.text);
  const kati = r.bare('first');
  const token = await kati.send('POST', '/v1/tokens', { user: 'uj.kati', passphrase: made.json.passphrase });
  assert.deepEqual([token.status, token.json.must_change], [201, true]);
  kati.token = token.json.access_token;
  const allowed = new Set(['tokens_renew', 'me_read']);
  for (const row of ROWS.filter((x) => !['DEVICE'].includes(x.permission))) {
    if (/tokens_delete|me_passphrase|me_sign_out/.test(row.operation)) continue; // below
    const path = row.path.replace(/\{\w+\}/g, NOBODYS);
    const answer = await kati.send(row.verb, path, row.bodyIn ? BODIES[row.bodyIn] : undefined,
      { 'Idempotency-Key': row.operation, 'If-Match': '*' });
    if (allowed.has(row.operation)) assert.ok(answer.status < 300, `${row.operation}: ${answer.text}`);
    else assert.ok(['passphrase_must_change', 'forbidden'].includes(answer.json?.code), `${row.operation}: ${answer.text}`);
  }
  assert.equal((await kati.get('/v1/capacity')).json.code, 'passphrase_must_change');
  const change = { old_passphrase: made.json.passphrase, new_passphrase: 'kilenc kék kancsó' };
  assert.equal((await kati.put('/v1/me/passphrase', change)).status, 204);
  assert.equal((await kati.get('/v1/capacity')).status, 200, 'the same token goes on');
  assert.equal((await kati.send('POST', '/v1/me/sign-out-everywhere')).status, 204);
  assert.ok(read('api/routes.def').includes('R_EARLY'));
});

test('who signed in with a first passphrase is out when its person has taken one of her own', async () => {
  const org = (await admin.post('/v1/organisations', { kind: 'family_support', name: 'Másik Szolgálat (minta)' })).json.id;
  for (const device of ['hers', 'anothers']) await enrol(r, org, device);
  const made = await admin.send('POST', '/v1/users', { org, name: 'uj.panna', roles: ['family_support'] });
  assert.equal(made.status, 201, made.text);
  const other = await r.bare('anothers').signIn('uj.panna', made.json.passphrase); // who handed it over
  const renewed = await other.send('POST', '/v1/tokens/renew'); // and goes on, quarter of an hour by quarter of an hour
  assert.equal(renewed.status, 201, renewed.text);
  const panna = await r.bare('hers').signIn('uj.panna', made.json.passphrase);
  const tokens = [other.token, renewed.json.access_token];
  let isHers = false;
  const change = { old_passphrase: made.json.passphrase, new_passphrase: 'kilenc kék kancsó' };
  const changed = panna.put('/v1/me/passphrase', change).finally(() => { isHers = true; });
  while (!isHers && tokens.length < 30) { // also while it is under way
    const more = await other.send('POST', '/v1/tokens/renew');
    if (more.status === 201) tokens.push(more.json.access_token);
  }
  assert.equal((await changed).status, 204);
  for (const token of new Set(tokens)) {
    other.token = token;
    for (const path of ['/v1/me', '/v1/capacity']) assert.equal((await other.get(path)).status, 401, path);
    assert.equal((await other.send('POST', '/v1/tokens/renew')).status, 401);
  }
  assert.equal((await panna.get('/v1/capacity')).status, 200, 'hers goes on');
  assert.equal((await panna.send('POST', '/v1/tokens/renew')).status, 201);
});

test('a person retired on the machine, beside the service, is out at once, her stream too; it is on record, once', async () => {
  const kata = (await guest(r, 'gyermekvonal.kata', 'Gyermekvédelmi hívószám (minta)')).client;
  const stream = await listen(kata), other = await listen(colleague);
  for (const name of ['gyermekvonal.kat', 'gyermekvonal.kata\nx', 'x'.repeat(200)])
    assert.equal((await typed('user', 'retire', '--name', name)).status, 3, name);
  assert.equal((await kata.get('/v1/me')).status, 200);
  for (let i = 0; i < 2; i++) { // whoever is not sure repeats it
    const { status, stderr } = await typed('user', 'retire', '--name', 'gyermekvonal.kata');
    assert.equal(status, 0, stderr);
  }
  assert.ok(await stream.ends());
  assert.equal((await kata.get('/v1/me')).status, 401);
  const again = await kata.send('POST', '/v1/tokens', { user: 'gyermekvonal.kata', passphrase: r.passphrase('gyermekvonal.kata') });
  assert.equal(again.status, 401);
  assert.ok(!await other.ends(10));
  other.close();
  assert.match((await typed('user', 'list')).stdout, /^gyermekvonal\.kata .*\(retired\)$/m);
  assert.match((await typed('device', 'list')).stdout, / revoked /);
  const { data } = (await (await r.as('auditor')).get('/v1/audit?limit=100')).json;
  const entries = data.filter((e) => e.action === 'cli_user_retire');
  assert.deepEqual(entries.map((e) => e.outcome), ['ok']);
  assert.match(entries[0].subject, /^[0-9a-z]{26}$/);
});

test('a retired person and a retired organisation are out at once, their streams too', async () => {
  const eszter = await r.person('okit.eszter', 'counsellor');
  const stream = await listen(eszter);
  await patch(admin, `/v1/users/${await idOf(eszter)}`, { retired: true });
  assert.ok(await stream.ends());
  assert.equal((await eszter.get('/v1/me')).status, 401);

  const house = await r.as('shelter_staff');
  for (const { id } of (await admin.get('/v1/shelters?limit=100')).json.data) await patch(admin, `/v1/shelters/${id}`, { retired: true }); // else it stays
  const hers = await listen(house);
  await patch(admin, `/v1/organisations/${(await house.get('/v1/me')).json.org}`, { retired: true });
  assert.ok(await hers.ends());
  const again = r.bare('shelter_staff').send('POST', '/v1/tokens', r.credentials('shelter_staff'));
  for (const answer of [await house.get('/v1/me'), await again]) assert.deepEqual([answer.status, answer.json.code], [403, 'device_refused']);
});
