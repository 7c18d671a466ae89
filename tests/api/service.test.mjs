// SPDX-License-Identifier: Apache-2.0
// The service as its operators see it: health, start and stop, the contract it hands out, and the people, devices, houses and
// rooms that they set up.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { certificateRequest, enrol, orgNamed } from './lib/devices.mjs';
import { comes, SLOWER, within } from './lib/patience.mjs';
import { Client, key, Registry, root, sleep } from './lib/registry.mjs';
import { openEpisode, search } from './lib/scenes.mjs';
import { listen } from './lib/stream.mjs';

const CONFLICT = 5; // exit status of menedek(1)
const STOP = 5000;
const NEW_PASSPHRASE = 'hosszú, saját, új jelmondat';

let r;
before(async () => { r = await new Registry().start({}, ['--health', '127.0.0.1:0']); });
after(() => r.close());

const health = (path, options) => fetch(`http://127.0.0.1:${r.healthPort}${path}`, options);
const manager = () => r.as('shelter_manager');
const admin = () => r.as('admin');
const match = (answer) => ({ 'If-Match': answer.headers.etag });

/** On an open connection it hears 403, on a new one the handshake fails. */
async function shutOut(client) {
  const answer = await client.get('/v1/codes').then((a) => a.status, () => 'hung up');
  assert.ok([403, 'hung up'].includes(answer), String(answer));
}

test('health and metrics stand on their own address, and only there', async () => {
  const bodies = {}, stray = Object.assign(await r.person('okit.dora', 'counsellor'), { isAstray: true });
  for (const path of ['/livez', '/readyz', '/metrics']) {
    const answer = await health(path);
    assert.equal(answer.status, 200, path);
    bodies[path] = await answer.text();
    assert.equal((await stray.get(path)).status, 404, `${path} on the public address`);
  }
  assert.equal(bodies['/livez'], 'alive\n');
  assert.equal(bodies['/readyz'], 'ready\n');
  assert.match(bodies['/metrics'], /^menedek_store_commits_total [1-9]/m);
  assert.match(bodies['/metrics'], /^menedek_requests_total\{[^}]*tokens_create[^}]*\} [1-9]/m);
  for (const line of bodies['/metrics'].trim().split('\n'))
    assert.match(line, /^(# (TYPE|HELP) [a-z0-9_]+ .+|[a-z0-9_]+(\{[^}]*\})? [0-9.]+)$/);
  assert.equal((await health('/v1/codes')).status, 404);
  assert.equal((await health('/livez', { method: 'POST' })).status, 405);
});

test('the id that a refused client reads out is in the log, with what was refused and nobody named', async () => {
  const answer = await (await r.as('counsellor')).get('/v1/users');
  const id = answer.headers['request-id'];
  assert.equal(answer.status, 403);
  assert.equal(answer.json.request_id, id);
  const line = r.logText().split('\n').find((l) => l.includes(id));
  assert.match(line, new RegExp(`^peer answer_refused request=${id} operation=users_list status=403 code=[a-z_]+ runs=\\d+$`));
  const dropped = await (await r.as('counsellor')).send('POST', '/v1/episodes', '{', key());
  assert.equal(dropped.status, 400);
  assert.match(r.logText(), new RegExp(`^peer answer_refused request=${dropped.headers['request-id']} operation=episodes_create status=400 `, 'm'));
});

test('a second service on the same directory refuses with a sentence', () => {
  const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
  const second = spawnSync(program, ['serve', '--dir', r.dir, '--listen', '127.0.0.1:0'], { encoding: 'utf8', timeout: 20000 });
  assert.equal(second.status, CONFLICT, second.stderr);
  assert.equal(second.stdout, '');
  assert.match(second.stderr, /^menedek: .{20,}\n/);
});

test('the contract and the code lists are what the repository holds', async () => {
  const bare = r.bare('counsellor'); // a device is enough
  const contract = await bare.get('/openapi.yaml');
  assert.equal(contract.status, 200);
  assert.equal(contract.text, readFileSync(join(root, 'openapi.yaml'), 'utf8'));
  const { $defs } = JSON.parse(readFileSync(join(root, 'schema/codes.json'), 'utf8'));
  const lists = (await bare.get('/v1/codes')).json;
  const codes = Object.fromEntries(Object.entries(lists).map(([name, rows]) => [name, rows.map((x) => x.code)]));
  assert.deepEqual(codes, Object.fromEntries(Object.entries($defs).map(([name, list]) => [name, list.enum])));
});

test('every reference of the contract can be followed from where it is served', async () => {
  const bare = Object.assign(r.bare('counsellor'), { isAstray: true }); // its schemas are files, not operations
  const seen = new Set(), base = 'https://registry';
  const follow = async (text, from) => {
    for (const [, ref] of text.matchAll(/\$ref["']?:\s*["']?([^\s"'}#]+)/g)) {
      const { pathname } = new URL(ref, base + from);
      if (seen.has(pathname)) continue;
      seen.add(pathname);
      const answer = await bare.get(pathname);
      assert.equal(answer.status, 200, pathname);
      assert.match(answer.headers['content-type'], /^application\/json/);
      assert.equal(answer.text, readFileSync(join(root, pathname), 'utf8'));
      await follow(answer.text, pathname);
    }
  };
  await follow((await bare.get('/openapi.yaml')).text, '/openapi.yaml');
  assert.ok(seen.size > 60, `only ${seen.size} files`);
  for (const path of ['/schema/', '/schema', '/schema/none.json', '/schema//token.json', '/schema/../openapi.yaml', '/web/dist/index.html'])
    assert.ok((await bare.get(path)).status >= 400, path);
});

test('a manager adds a house and its rooms, and it is proposed', async () => {
  const who = await manager();
  const body = { type: 'crisis_centre', county: 'HU212', code_name: 'Nyugat 99', licensed_capacity: 6, is_open: true,
    admission: { women_alone: true, boy_max_age: 17, own_county: true } };
  const made = await who.post('/v1/shelters', body);
  assert.equal(made.status, 201, made.text);
  const path = `/v1/shelters/${made.json.id}`;
  assert.equal((await who.get(path)).status, 404, 'not hers until she is named for it');
  const me = (await who.get('/v1/me')).json;
  const record = await (await admin()).get(`/v1/users/${me.user}`);
  const named = await (await admin()).patch(`/v1/users/${me.user}`, { shelters: [...me.shelters, made.json.id] }, match(record));
  assert.equal(named.status, 200, named.text);
  assert.ok(!named.json.shelters.includes(made.json.id), 'a house more is a location more: a second person has to agree');
  await r.agree(named.json.pending);
  assert.equal((await who.get('/v1/me')).status, 401, 'new rights need a new token');
  await sleep(1100); // a token of the second of the change is void
  await who.signIn(me.name, r.credentials('shelter_manager').passphrase);

  const unit = { name: '1. szoba', adult_beds: 1, child_beds: 2, cots: 1 };
  const once = { 'Idempotency-Key': 'the-room' };
  const room = await who.post(`${path}/units`, unit, once);
  assert.equal(room.status, 201, room.text);
  assert.equal((await who.post(`${path}/units`, unit, once)).text, room.text);
  const at = `${path}/units/${room.json.id}`;
  assert.equal((await who.patch(at, { cots: 2 })).status, 428);
  const changed = await who.patch(at, { cots: 2 }, match(room));
  assert.deepEqual([changed.status, changed.json.cots, changed.json.places], [200, 2, 5]);
  const stale = await who.patch(at, { cots: 0 }, match(room));
  assert.deepEqual([stale.status, stale.json.current.cots], [412, 2]);
  assert.equal((await who.patch(at, { retired: true }, match(changed))).status, 200);
  assert.equal((await who.post(`${path}/units`, { ...unit, name: '2. szoba' })).status, 201);
  const list = (await who.get(`${path}/availability`)).json.units;
  assert.deepEqual(list.map((u) => u.name), ['2. szoba'], 'a retired room is gone, the repeated request made no second');

  assert.equal((await who.post(`${path}/confirmations`)).status, 200);
  const desk = await r.as('counsellor');
  const found = async () => (await search(desk, await openEpisode(desk))).candidates.some((c) => c.code_name === 'Nyugat 99');
  assert.ok(await found());
  const shelter = await who.get(path);
  assert.equal((await who.get(path, { 'If-None-Match': shelter.headers.etag })).status, 304);
  assert.equal((await who.patch(path, { is_open: false })).status, 428);
  const closed = await who.patch(path, { is_open: false }, match(shelter));
  assert.deepEqual([closed.status, closed.json.is_open], [200, false]);
  const late = await who.patch(path, { licensed_capacity: 5 }, match(shelter));
  assert.deepEqual([late.status, late.json.current.is_open], [412, false]);
  assert.ok(!await found(), 'a closed house is proposed');
});

test('an admin sets up an organisation, a person and a device, and they work', async () => {
  const boss = await admin();
  const name = 'Próba Segélyvonal (minta)';
  const made = await boss.post('/v1/organisations', { kind: 'helpline', name });
  assert.equal(made.status, 201, made.text);
  const path = `/v1/organisations/${made.json.id}`;
  const read = await boss.get(path);
  assert.equal((await boss.get(path, { 'If-None-Match': read.headers.etag })).status, 304);
  const renamed = await boss.patch(path, { name: `${name} 2` }, match(read));
  assert.deepEqual([renamed.status, renamed.json.name], [200, `${name} 2`]);
  assert.equal((await boss.patch(path, { name }, match(read))).status, 412);
  assert.equal(await orgNamed(r, `${name} 2`), made.json.id);

  const misfit = await boss.post('/v1/users', { org: made.json.id, name: 'proba.kati', roles: ['auditor'] });
  assert.deepEqual([misfit.status, misfit.json.errors[0].pointer], [422, '/roles']);
  const person = await boss.send('POST', '/v1/users', { org: made.json.id, name: 'proba.kati', roles: ['counsellor'] });
  assert.equal(person.status, 201, person.text);
  await r.agree(person.json.grant);
  assert.equal((await boss.send('POST', '/v1/users', { org: made.json.id, name: 'proba.kati', roles: ['counsellor'] })).status, 409);
  const device = await enrol(r, made.json.id, 'proba');
  const kati = await r.bare('proba').signIn('proba.kati', person.json.passphrase);
  assert.equal((await kati.get('/v1/me')).json.org, made.json.id);
  await assert.rejects(r.bare('counsellor').signIn('proba.kati', person.json.passphrase), /401/, 'only on her organisation\'s devices');

  const change = { old_passphrase: person.json.passphrase, new_passphrase: NEW_PASSPHRASE };
  assert.equal((await kati.put('/v1/me/passphrase', { ...change, old_passphrase: 'something else entirely' })).status, 401);
  assert.equal((await kati.put('/v1/me/passphrase', change)).status, 204);
  await assert.rejects(r.bare('proba').signIn('proba.kati', person.json.passphrase), /401/);
  await kati.signIn('proba.kati', NEW_PASSPHRASE);
  await openEpisode(kati);
  const reset = await boss.send('POST', `/v1/users/${person.json.user}/passphrase`);
  assert.deepEqual([reset.status, reset.json.passphrase], [200, undefined]);
  assert.equal((await kati.get('/v1/me')).status, 200, 'nothing happens until a second person agrees');
  const { passphrase } = await r.agree(reset.json.grant);
  assert.equal((await kati.get('/v1/me')).status, 401, 'a reset signs out');
  await kati.signIn('proba.kati', passphrase);
  assert.ok((await boss.get('/v1/users?limit=100')).json.data.some((u) => u.name === 'proba.kati'));

  assert.equal((await boss.get(`/v1/devices/${device.id}`)).json.name, 'proba');
  assert.ok((await boss.get('/v1/devices?limit=100')).json.data.some((d) => d.id === device.id));
  const revoked = await boss.send('POST', `/v1/devices/${device.id}/revoke`);
  assert.ok(revoked.json.revoked_at);
  await shutOut(kati);
  await shutOut(r.bare('proba'));
});

test('a retired organisation opens nothing any more', async () => {
  const boss = await admin();
  const made = await boss.post('/v1/organisations', { kind: 'family_support', name: 'Rövid Életű Szolgálat (minta)' });
  await enrol(r, made.json.id, 'short');
  assert.equal((await r.bare('short').get('/v1/codes')).status, 200);
  const read = await boss.get(`/v1/organisations/${made.json.id}`);
  assert.equal((await boss.patch(`/v1/organisations/${made.json.id}`, { retired: true }, match(read))).status, 200);
  await shutOut(r.bare('short'));
});

test('a device is invited with a file that opens with its passphrase only; a replay tells neither', async () => {
  const manager = await r.as('shelter_manager');
  const once = key();
  const body = { name: 'Új telefon' };
  const made = await manager.send('POST', '/v1/devices/kits', body, once);
  assert.equal(made.status, 201, made.text);
  const { p12, passphrase, device } = made.json;
  writeFileSync(join(r.work, 'kit.p12'), Buffer.from(p12, 'base64'));
  const open = (given, ...more) => r.openssl('pkcs12', '-in', 'kit.p12', '-passin', `pass:${given}`, ...more);
  assert.throws(() => open('wrong-wrong-wrong', '-noout'));
  open(passphrase, '-nodes', '-nocerts', '-out', 'kit.key');
  open(passphrase, '-clcerts', '-nokeys', '-out', 'kit.crt');
  assert.match(r.openssl('x509', '-in', 'kit.crt', '-noout', '-subject'), new RegExp(`CN ?= ?${device.id}\\n$`));
  const { user, passphrase: own } = r.credentials('shelter_manager');
  const phone = await new Client(r, { device: join(r.work, 'kit') }).signIn(user, own);
  assert.equal((await phone.get('/v1/me')).json.device, device.id);

  const again = await manager.send('POST', '/v1/devices/kits', body, once);
  assert.deepEqual([again.status, again.headers['idempotency-replayed'], again.json], [201, 'true', { device }]);
  const other = await manager.post('/v1/devices/kits', body);
  assert.notEqual(other.json.passphrase, passphrase);
  const foreign = await manager.post('/v1/devices/kits', { ...body, org: await orgNamed(r, 'OKIT (minta)') });
  assert.deepEqual([foreign.status, foreign.json.errors[0].pointer], [422, '/org']);

  await manager.send('POST', `/v1/devices/${other.json.device.id}/revoke`);
  assert.equal((await manager.send('POST', `/v1/devices/${device.id}/revoke`)).status, 200);
  await shutOut(phone);
  phone.end();
});

test('a request for a certificate that is none is refused', async () => {
  const boss = await admin();
  const csr = certificateRequest(r, join(r.work, 'broken'));
  const body = csr.split('\n');
  body[2] = body[2].replace(/[A-Za-z]/g, 'A');
  const answer = await boss.post('/v1/devices', { name: 'broken', csr: body.join('\n') });
  assert.equal(answer.status, 422, answer.text);
  assert.equal(answer.json.errors[0].pointer, '/csr');
});

/** Ended in the middle of its work; gives how long that took. */
async function endIt() {
  const desk = await r.as('counsellor');
  const stream = await listen(desk);
  const { user, passphrase } = r.credentials('counsellor');
  const guests = Array.from({ length: 4 }, () => r.bare('counsellor'));
  await Promise.all(guests.map((g) => g.get('/v1/codes'))); // connected before it matters
  const parked = async () => Number((await (await health('/metrics')).text()).match(/^menedek_calls_parked (\d+)$/m)[1]);
  let answered, signing;
  do { // until some wait for a slow thread and this program has heard of none: a machine that stops may be done with them all
    await Promise.all(signing ?? []);
    answered = 0;
    signing = guests.map((g) => g.send('POST', '/v1/tokens', { user, passphrase }).then((a) => { answered += a.status === 201; }, () => {}));
    await comes(async () => await parked() > 0 || answered > 0, 'nobody signs in');
  } while (answered > 0);
  const asked = performance.now();
  process.kill(r.pid, 'SIGTERM');
  const { code } = await r.ended;
  assert.equal(code, 0, r.logText().slice(-2000));
  const gone = performance.now() - asked;
  await Promise.all(signing);
  assert.ok(answered > 0, 'what was under way was not answered');
  assert.ok(await stream.ends());
  await assert.rejects(health('/livez'));
  await r.start({}, ['--health', '127.0.0.1:0']);
  assert.equal((await health('/readyz')).status, 200);
  return gone;
}

test('told to stop, it answers what is under way, ends its streams and is gone in 5 s', () => within(STOP * SLOWER, endIt, 'gone'));
