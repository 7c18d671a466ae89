// SPDX-License-Identifier: Apache-2.0
// What administrators set up, as users and as enemies: organisations, houses, rooms, people, devices.  An administrator
// sees how a house is furnished, never how it stands, where it is or who is in it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { codeAt, STEP } from './lib/authenticator.mjs';
import { Client, Registry } from './lib/registry.mjs';
import { hold, ownHouse, reservationIn, settle } from './lib/scenes.mjs';

let r;
before(async () => { r = await new Registry().start(); });
after(() => r.close());

const admin = () => r.as('admin');
const match = (answer) => ({ 'If-Match': answer.headers.etag });
const operator = async (name) => (await (await admin()).post('/v1/organisations', { kind: 'shelter_operator', name })).json;
const HOUSE = { type: 'crisis_centre', county: 'HU213', licensed_capacity: 6, is_open: true };

test('an admin makes an operator and its house; the answer names neither county nor operator', async () => {
  const org = await operator('Új Fenntartó (minta)');
  const made = await (await admin()).post('/v1/shelters', { ...HOUSE, org: org.id, code_name: 'Nyugat 88' });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual([made.json.county, made.json.org, made.json.code_name], [undefined, undefined, 'Nyugat 88']);
  assert.deepEqual((await (await admin()).get(`/v1/shelters/${made.json.id}/units`)).json, { shelter: made.json.id, units: [] });
});

test('no two houses sound alike on the telephone: refused with a sentence, also of two that come at once', async () => {
  const boss = await admin();
  const org = await operator('Fedőnevek Fenntartója (minta)');
  const add = (code_name) => boss.post('/v1/shelters', { ...HOUSE, org: org.id, code_name });
  const made = await add('Délkelet 41');
  assert.equal(made.status, 201, made.text);
  const taken = (answer) => {
    assert.deepEqual([answer.status, answer.json.code, answer.json.errors?.[0].pointer], [409, 'already_exists', '/code_name'], answer.text);
    assert.match(answer.text, /ugyanígy hangzik a telefonban/);
  };
  taken(await add('délkelet-41'));
  taken(await add('Nyugat  1')); // of the sample network, which was imported
  const other = await add('Délkelet 4-1'); // "négy-egy" is not "negyvenegy"
  assert.equal(other.status, 201, other.text);
  const [one, two] = [made, other].map((a) => `/v1/shelters/${a.json.id}`);
  const change = async (path, body) => boss.patch(path, body, match(await boss.get(path)));
  taken(await change(two, { code_name: 'DÉLKELET 41' }));
  assert.equal((await change(one, { code_name: 'Délkelet-41' })).status, 200);
  assert.equal((await change(one, { retired: true })).status, 200);
  assert.equal((await change(two, { code_name: 'Délkelet 41' })).status, 200);
  taken(await change(one, { retired: false }));
  const racers = await Promise.all(['Délkelet 42', 'délkelet 42', 'Délkelet-42', 'DÉLKELET 42'].map(add));
  assert.deepEqual(racers.map((a) => a.status).sort(), [201, 409, 409, 409], racers.map((a) => a.text).join('\n'));
});

test('a retired operator gets no new house', async () => {
  const boss = await admin();
  const org = await operator('Megszűnt Fenntartó (minta)');
  const path = `/v1/organisations/${org.id}`;
  assert.equal((await boss.patch(path, { retired: true }, match(await boss.get(path)))).status, 200);
  const refused = await boss.post('/v1/shelters', { ...HOUSE, org: org.id, code_name: 'Nyugat 87' });
  assert.deepEqual([refused.status, refused.json.errors?.[0].pointer], [422, '/org'], refused.text);
});

test('an operator is not retired before its houses, and no house comes back before its operator: nobody could answer for it', async () => {
  const boss = await admin();
  const org = await operator('Háttal Álló Fenntartó (minta)');
  const path = `/v1/organisations/${org.id}`;
  const houses = [];
  for (const code_name of ['Nyugat 83', 'Nyugat 84']) {
    const made = await boss.post('/v1/shelters', { ...HOUSE, org: org.id, code_name });
    assert.equal(made.status, 201, made.text);
    houses.push(`/v1/shelters/${made.json.id}`);
  }
  const set = async (at, body) => boss.patch(at, body, match(await boss.get(at)));
  const refused = (answer, why) => {
    assert.deepEqual([answer.status, answer.json.code], [409, 'state_conflict'], answer.text);
    assert.match(answer.text, why);
  };
  for (const house of houses) {
    refused(await set(path, { retired: true }), /intézményeit/);
    assert.equal((await set(house, { retired: true })).status, 200);
  }
  assert.equal((await set(path, { retired: true })).status, 200);
  assert.equal((await set(path, { name: 'Megszűnt Háttal Álló (minta)' })).status, 200);
  refused(await set(houses[0], { retired: false }), /szervezetét/);
  assert.equal((await set(houses[0], { licensed_capacity: 5 })).status, 200, 'what stays retired may be changed');
  assert.equal((await set(path, { retired: false })).status, 200);
  assert.equal((await set(houses[0], { retired: false })).status, 200);
});

test('nor while a family lives in a house of it that was closed down: its people end the stay first', async () => {
  const boss = await admin();
  const staff = await r.as('shelter_staff');
  const path = `/v1/organisations/${(await staff.get('/v1/me')).json.org}`;
  const set = async (at, body) => boss.patch(at, body, match(await boss.get(at)));
  const scene = await reservationIn(r, 'in_stay');
  const open = [];
  for (let page = { next_cursor: '' }; page.next_cursor !== undefined;) {
    page = (await boss.get(`/v1/shelters?limit=100${page.next_cursor && `&cursor=${page.next_cursor}`}`)).json;
    open.push(...page.data.filter((s) => !s.retired).map((s) => `/v1/shelters/${s.id}`));
  }
  for (const house of open) assert.equal((await set(house, { retired: true })).status, 200);
  const refused = await set(path, { retired: true });
  assert.deepEqual([refused.status, refused.json.code], [409, 'state_conflict'], refused.text);
  assert.match(refused.text, /minden foglalást/);
  const left = await staff.post(`/v1/reservations/${scene.reservation.id}/leave`, { reason: 'own_housing' });
  assert.equal(left.status, 200, left.text);
  for (const retired of [true, false]) {
    const answer = await set(path, { retired });
    assert.equal(answer.status, 200, answer.text);
  }
  for (const house of open) assert.equal((await set(house, { retired: false })).status, 200);
  await settle(r, scene);
});

test('nobody retires the own organisation: no administrator would be left to undo it', async () => {
  const boss = await admin();
  const path = `/v1/organisations/${(await boss.get('/v1/me')).json.org}`;
  const refused = await boss.patch(path, { retired: true }, match(await boss.get(path)));
  assert.deepEqual([refused.status, refused.json.code], [409, 'state_conflict'], refused.text);
  const renamed = await boss.patch(path, { name: 'Üzemeltető (minta)' }, match(await boss.get(path)));
  assert.deepEqual([renamed.status, renamed.json.retired], [200, false], renamed.text);
});

test('a person of one operator works in no house of another: neither new nor changed', async () => {
  const boss = await admin();
  const [one, two] = [await operator('Egyik Fenntartó (minta)'), await operator('Másik Fenntartó (minta)')];
  const house = async (org, code_name) => (await boss.post('/v1/shelters', { ...HOUSE, org: org.id, code_name })).json.id;
  const [own, foreign] = [await house(one, 'Nyugat 86'), await house(two, 'Nyugat 85')];
  const body = { org: one.id, name: 'egyik.vera', roles: ['shelter_staff'] };
  const nowhere = '7'.repeat(26);
  const refused = await boss.post('/v1/users', { ...body, shelters: [own, foreign] });
  assert.deepEqual([refused.status, refused.json.code, refused.json.errors[0].pointer], [422, 'invalid', '/shelters']);
  const absent = await boss.post('/v1/users', { ...body, shelters: [nowhere] });
  assert.deepEqual(refused.json.errors, absent.json.errors, 'the refusal does not tell a foreign house from none');
  const made = await boss.post('/v1/users', { ...body, shelters: [own] });
  assert.equal(made.status, 201, made.text);
  await r.agree(made.json.grant);
  const path = `/v1/users/${made.json.user}`;
  const moved = await boss.patch(path, { shelters: [foreign] }, match(await boss.get(path)));
  assert.deepEqual([moved.status, moved.json.errors[0].pointer], [422, '/shelters']);
  assert.deepEqual((await boss.get(path)).json.shelters, [own]);
});

test('so many rooms may be joined as the search looks at, and no more', async () => {
  const boss = await admin();
  const org = await operator('Összenyitók Fenntartója (minta)');
  const house = (await boss.post('/v1/shelters', { ...HOUSE, org: org.id, code_name: 'Délkelet 77' })).json.id;
  const path = `/v1/shelters/${house}/units`;
  let n = 0;
  const add = (join_group) => boss.post(path, { name: `${++n}. szoba`, adult_beds: 1, child_beds: 0, cots: 0, join_group });
  const change = (room, body) => boss.patch(`${path}/${room.id}`, body, { 'If-Match': '*' });
  const full = (answer) => {
    assert.deepEqual([answer.status, answer.json.errors?.[0].pointer], [422, '/join_group'], answer.text);
    assert.match(answer.text, /legfeljebb 8 szoba/);
  };
  const rooms = [];
  for (let i = 0; i < 8; i++) rooms.push((await add(1)).json);
  full(await add(1));
  const other = await add(2);
  assert.equal(other.status, 201, other.text);
  full(await change(other.json, { join_group: 1 }));
  assert.equal((await change(rooms[0], { cots: 1 })).status, 200, 'one that is in the group may change');
  assert.equal((await change(rooms[0], { retired: true })).status, 200);
  assert.equal((await change(other.json, { join_group: 1 })).status, 200);
  full(await change(rooms[0], { retired: false }));
  assert.equal((await change(rooms[0], { retired: false, join_group: 0 })).status, 200);
});

test('a room has as many places as staff can report and a candidate can count', async () => {
  const boss = await admin();
  const org = await operator('Hálótermek Fenntartója (minta)');
  const house = (await boss.post('/v1/shelters', { ...HOUSE, org: org.id, code_name: 'Délkelet 78' })).json.id;
  const path = `/v1/shelters/${house}/units`;
  const refused = (answer) => assert.deepEqual([answer.status, answer.json.errors?.[0].pointer], [422, '/adult_beds'], answer.text);
  refused(await boss.post(path, { name: 'terem', adult_beds: 40, child_beds: 40, cots: 40 }));
  const room = await boss.post(path, { name: 'terem', adult_beds: 20, child_beds: 10, cots: 10 });
  assert.equal(room.status, 201, room.text);
  refused(await boss.patch(`${path}/${room.json.id}`, { cots: 11 }, { 'If-Match': '*' }));
});

test('an admin sees rooms as they are furnished, and nothing tells when one is taken', async () => {
  const boss = await admin();
  const staff = await r.as('shelter_staff');
  const house = await ownHouse(staff);
  const path = `/v1/shelters/${house}/units`;
  const before = await boss.get(path);
  assert.equal(before.status, 200, before.text);
  const known = ['id', 'name', 'adult_beds', 'child_beds', 'cots', 'places', 'shared', 'step_free', 'own_rooms', 'join_group', 'etag'];
  for (const unit of before.json.units) assert.deepEqual(Object.keys(unit).sort(), known.toSorted());
  const seenInside = (await staff.get(path)).json.units;
  assert.deepEqual(seenInside.map((u) => u.name), before.json.units.map((u) => u.name));
  assert.ok(seenInside.every((u) => u.state && u.freshness), 'the house itself sees how they stand');

  const scene = await hold(await r.as('counsellor'), { name: 'Nyugat 1', household: { case_type: 'partner_violence', women: 1, men: 0 } });
  const inside = (await staff.get(path)).json.units;
  const taken = inside.find((u) => u.state === 'held');
  assert.ok(taken, 'a room is held');
  const free = inside.find((u) => u.state !== 'held');
  await staff.put(`${path}/${free.id}/availability`, { state: 'out_of_use' }, { 'If-Match': free.etag });
  assert.notDeepEqual((await staff.get(path)).json.units.map((u) => u.etag), inside.map((u) => u.etag));
  assert.equal((await boss.get(path)).text, before.text, 'to the byte as before: entity tags too');
  await settle(r, scene);
  await staff.put(`${path}/${free.id}/availability`, { state: 'free' }, { 'If-Match': '*' });

  const [room] = before.json.units;
  const changed = await boss.patch(`${path}/${room.id}`, { cots: room.cots + 1 }, { 'If-Match': room.etag });
  assert.deepEqual([changed.status, changed.json.cots, changed.json.state], [200, room.cots + 1, undefined], changed.text);
  const late = await boss.patch(`${path}/${room.id}`, { cots: 0 }, { 'If-Match': room.etag });
  assert.deepEqual([late.status, late.json.current.cots, late.json.current.state], [412, room.cots + 1, undefined]);
});

test('rooms of another house are not there, for a manager as for nobody', async () => {
  const manager = await r.as('shelter_manager');
  const own = (await manager.get('/v1/shelters')).json.data[0].id;
  const foreign = (await (await admin()).get('/v1/shelters?limit=100')).json.data.find((s) => s.id !== own).id;
  const plain = (a) => [a.status, a.text.replaceAll(a.json.request_id, '')];
  assert.deepEqual(plain(await manager.get(`/v1/shelters/${foreign}/units`)), plain(await manager.get(`/v1/shelters/${'7'.repeat(26)}/units`)));
});

test('a kit for an old phone is sealed weakly, only when asked for, and says how', async () => {
  const manager = await r.as('shelter_manager');
  const said = async (more) => {
    const { p12, passphrase } = (await manager.post('/v1/devices/kits', { name: 'Telefon', ...more })).json;
    writeFileSync(join(r.work, 'kit.p12'), Buffer.from(p12, 'base64'));
    const told = spawnSync('openssl', ['pkcs12', '-legacy', '-info', '-noout', '-in', 'kit.p12', '-passin', `pass:${passphrase}`],
      { cwd: r.work, encoding: 'utf8' });
    assert.equal(told.status, 0, told.stderr);
    return { info: told.stderr, passphrase };
  };
  for (const more of [{}, { old_device: false }]) {
    const { info } = await said(more);
    assert.match(info, /^MAC: sha256, Iteration 100000$/m);
    assert.match(info, /^PKCS7 Encrypted data: PBES2, PBKDF2, AES-256-CBC, .*hmacWithSHA256$/m);
    assert.match(info, /^Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, /m);
    assert.doesNotMatch(info, /SHA1|3DES|DES-CBC/);
  }
  const { info, passphrase } = await said({ old_device: true });
  assert.match(info, /^MAC: sha1, Iteration 100000$/m);
  assert.match(info, /^PKCS7 Encrypted data: pbeWithSHA1And3-KeyTripleDES-CBC, /m);
  assert.match(info, /^Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC, /m);
  r.openssl('pkcs12', '-in', 'kit.p12', '-passin', `pass:${passphrase}`, '-nodes', '-nocerts', '-out', 'old.key');
  r.openssl('pkcs12', '-in', 'kit.p12', '-passin', `pass:${passphrase}`, '-clcerts', '-nokeys', '-out', 'old.crt');
  const { user, passphrase: own } = r.credentials('shelter_manager');
  const phone = await new Client(r, { device: join(r.work, 'old') }).signIn(user, own);
  assert.equal((await phone.get('/v1/me')).status, 200, 'and it opens the door');
  phone.end();
});

test('the only administrator, without phone and codes, gets back in through the machine, and the trail says so', async () => {
  const boss = await admin();
  const { user, passphrase } = r.credentials('admin');
  const { secret } = (await boss.send('POST', '/v1/me/totp', { passphrase })).json;
  const code = codeAt(secret, Math.floor(Date.now() / 1000 / STEP));
  assert.equal((await boss.send('POST', '/v1/me/totp/confirm', { code })).status, 200);
  const shut = await r.bare('admin').send('POST', '/v1/tokens', { user, passphrase });
  assert.deepEqual([shut.status, shut.json.code], [401, 'code_required']);
  const token = boss.token;
  await r.stop();
  r.run('user', 'factor-remove', '--name', user);
  assert.throws(() => r.run('user', 'factor-remove', '--name', user), { status: 5 }, 'there is none any more');
  await r.start();
  const old = r.bare('admin');
  old.token = token;
  assert.equal((await old.get('/v1/me')).status, 401, 'what was open is closed');
  const back = await r.bare('admin').signIn(user, passphrase);
  assert.equal((await back.get('/v1/me')).json.second_factor, false);
  const rows = (await (await r.as('auditor')).get('/v1/audit?limit=20')).json.data;
  assert.deepEqual(rows.filter((row) => row.action === 'cli_user_factor_remove').map((row) => row.outcome), ['ok']);
});
