// SPDX-License-Identifier: Apache-2.0
// No administrator alone makes another one, gives anybody a way to a location, or takes over an account that has one.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { clockTest as test, Clockwork, DAY, MINUTE, noClock } from '../api/lib/clockwork.mjs';
import { enrol, orgNamed } from '../api/lib/devices.mjs';
import { comes } from '../api/lib/patience.mjs';

const HELPLINE = 'OKIT (minta)';
const OPERATOR = 'A nyilvántartás üzemeltetője (minta)';
const OWN = 'kilenc kék kancsó vár';
let clock;
let r;
let admin; // the curious one
let second;
before(async () => {
  if (noClock) return;
  clock = await new Clockwork().start();
  r = clock.registry;
  admin = await r.as('admin');
  second = await r.as('admin_second');
});
after(() => r?.close());

const people = async () => (await admin.get('/v1/users?limit=100')).json.data;
const find = async (name) => (await people()).find((u) => u.name === name);
const decide = (who, grant, what = 'approve') => who.send('POST', `/v1/grants/${grant}/${what}`);
const waiting = async (who) => (await who.get('/v1/grants')).json.data;

async function patch(who, id, body) {
  const { etag } = (await who.get(`/v1/users/${id}`)).headers;
  const answer = await who.patch(`/v1/users/${id}`, body, { 'If-Match': etag });
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

const refusedAs = (answer, status, code) => assert.deepEqual([answer.status, answer.json?.code], [status, code], answer.text);

for (const [role, orgName] of [['admin', OPERATOR], ['counsellor', HELPLINE], ['shift_lead', HELPLINE]]) {
  test(`an admin cannot make a ${role} alone`, async () => {
    const name = `uj.${role.replace('_', '.')}`;
    const org = await orgNamed(r, orgName);
    const made = await admin.send('POST', '/v1/users', { org, name, roles: [role] });
    assert.equal(made.status, 201, made.text);
    const { user, passphrase, grant } = made.json;
    assert.deepEqual([(await find(name)).roles, (await find(name)).pending], [[], grant]);

    // the first passphrase opens nothing yet, on a device of that organisation
    await enrol(r, org, name);
    const them = r.bare(name);
    const token = await them.send('POST', '/v1/tokens', { user: name, passphrase });
    them.token = token.json.access_token;
    for (const path of ['/v1/me', '/v1/users', '/v1/episodes', '/v1/grants']) assert.equal((await them.get(path)).status, 403, path);

    refusedAs(await decide(admin, grant), 409, 'state_conflict'); // oneself
    await enrol(r, await orgNamed(r, OPERATOR), 'elsewhere'); // oneself on another device
    refusedAs(await decide(await r.person('admin', 'elsewhere'), grant), 409, 'state_conflict');
    const borrowed = await r.person('admin.helyettes', 'admin'); // another person, but on the device that asked
    refusedAs(await decide(borrowed, grant), 409, 'state_conflict');
    refusedAs(await decide(them, grant), 403, 'forbidden'); // for themselves
    assert.deepEqual((await find(name)).roles, []);

    const agreed = await decide(second, grant);
    assert.equal(agreed.status, 200, agreed.text);
    assert.deepEqual([agreed.json.state, agreed.json.passphrase], ['approved', undefined]);
    assert.notEqual(agreed.json.asked_by, agreed.json.decided_by);
    assert.deepEqual((await find(name)).roles, [role]);
    await them.signInFirst(name, passphrase, OWN);
    assert.deepEqual((await them.get('/v1/me')).json.roles, [role]);
    refusedAs(await decide(second, grant), 409, 'state_conflict'); // once
    await patch(admin, user, { retired: true }); // taking away needs nobody
  });
}

test('neither by a detour: promoting, bringing back, a house more', async () => {
  const csalad = await find('csalad.bela');
  assert.equal(csalad.pending, undefined);
  const dora = await find('okit.dora');
  const promoted = await patch(admin, dora.id, { roles: ['counsellor', 'shift_lead'] });
  assert.deepEqual(promoted.roles, ['counsellor'], 'what she had stays, what she would gain waits');
  const eszter = await find('okit.eszter');
  await patch(admin, eszter.id, { retired: true });
  const back = await patch(admin, eszter.id, { retired: false });
  assert.deepEqual([back.retired, Boolean(back.pending)], [true, true]);
  const staff = await find('haz.nyugat1');
  const other = (await admin.get('/v1/shelters?limit=100')).json.data.find((s) => s.code_name === 'Nyugat 11'); // of her organisation
  const door = async () => (await (await r.person('haz.nyugat1', 'shelter_staff')).get(`/v1/shelters/${other.id}/location`)).status;
  for (const [what, opened] of [['refuse', 404], ['approve', 200]]) {
    const more = await patch(admin, staff.id, { shelters: [...staff.shelters, other.id] });
    assert.deepEqual([more.shelters, Boolean(more.pending)], [staff.shelters, true]);
    assert.equal(await door(), 404, 'its address is open before anybody agreed');
    refusedAs(await decide(admin, more.pending), 409, 'state_conflict');
    assert.equal((await decide(second, more.pending, what)).status, 200);
    assert.equal(await door(), opened, what);
  }
  const less = await patch(admin, staff.id, { shelters: staff.shelters }); // taking away needs nobody
  assert.deepEqual([less.shelters, less.pending, await door()], [staff.shelters, undefined, 404]);
  // a newer request replaces the older, which nobody can approve any more
  const again = await patch(admin, dora.id, { roles: ['shift_lead'] });
  assert.notEqual(again.pending, promoted.pending);
  refusedAs(await decide(second, promoted.pending), 409, 'state_conflict');
  assert.equal((await decide(second, back.pending, 'refuse')).json.state, 'refused');
  assert.equal((await find('okit.eszter')).retired, true);
  assert.equal((await decide(admin, again.pending, 'refuse')).status, 200, 'who asked may take it back');
});

test('an admin alone cannot take over a counsellor by a reset', async () => {
  const anna = await find('okit.anna');
  const desk = await r.as('counsellor');
  const asked = await admin.send('POST', `/v1/users/${anna.id}/passphrase`);
  assert.deepEqual([asked.status, Object.keys(asked.json).sort()], [200, ['grant', 'user']], 'no passphrase yet');
  assert.equal((await desk.get('/v1/me')).status, 200, 'and nobody is signed out');
  assert.equal((await r.bare('counsellor').send('POST', '/v1/tokens', { user: 'okit.anna', passphrase: r.passphrase('okit.anna') })).status, 201);
  refusedAs(await decide(admin, asked.json.grant), 409, 'state_conflict');
  refusedAs(await decide(desk, asked.json.grant), 403, 'forbidden'); // nor she herself
  const lead = await r.as('shift_lead'); // the lead of her own desk may agree
  assert.ok((await waiting(lead)).some((g) => g.id === asked.json.grant && g.name === 'okit.anna'));
  const agreed = await decide(lead, asked.json.grant);
  assert.equal(agreed.status, 200, agreed.text);
  assert.ok(agreed.json.passphrase.length >= 12, 'told to who agreed');
  assert.ok(!(await admin.get('/v1/grants')).text.includes(agreed.json.passphrase), 'and not to who asked');
  assert.equal((await desk.get('/v1/me')).status, 401);
  const again = r.bare('counsellor');
  await again.signInFirst('okit.anna', agreed.json.passphrase, OWN);
  assert.equal((await again.get('/v1/episodes')).status, 200);
});

test('the lead of a desk agrees to nothing but the own team', async () => {
  const lead = await r.person('okit.vezeto', 'shift_lead');
  const staff = await find('haz.nyugat1');
  const asked = await admin.send('POST', `/v1/users/${staff.id}/passphrase`);
  refusedAs(await decide(lead, asked.json.grant), 404, 'not_found');
  assert.ok(!(await waiting(lead)).some((g) => g.user === staff.id));
  const own = await find('okit.dora');
  const promoted = await patch(admin, own.id, { roles: ['counsellor', 'shift_lead'] });
  refusedAs(await decide(lead, promoted.pending), 404, 'not_found'); // not another lead
  assert.equal((await decide(second, promoted.pending, 'refuse')).status, 200);
  const manager = await r.as('shelter_manager'); // the manager of the house may
  const agreed = await decide(manager, asked.json.grant);
  assert.equal(agreed.status, 200, agreed.text);
});

// that one admin alone takes no second factor away: totp.test.mjs
test('where there is no second factor there is nothing to agree to', async () => {
  const dora = await find('okit.dora');
  const none = await admin.send('POST', `/v1/users/${dora.id}/totp/remove`);
  refusedAs(none, 409, 'state_conflict');
});

test('people without such rights are reset at once', async () => {
  const bela = await find('csalad.bela');
  const reset = await admin.send('POST', `/v1/users/${bela.id}/passphrase`);
  assert.ok(reset.json.passphrase && !reset.json.grant, reset.text);
});

test('both are named in the trail', async () => {
  const auditor = await r.as('auditor');
  const entries = (await auditor.get('/v1/audit?limit=100')).json.data;
  const approved = entries.find((e) => e.action === 'grants_approve' && e.outcome === 'ok' && e.reason === 'passphrase');
  const asked = entries.find((e) => e.action === 'users_passphrase' && e.subject === approved.subject);
  assert.ok(approved.actor && asked.actor && approved.actor !== asked.actor);
});

test('a day later it is over, and the person waits no more', async () => {
  const dora = await find('okit.dora');
  const asked = await patch(admin, dora.id, { roles: ['counsellor', 'shift_lead'] });
  clock.jump(DAY + MINUTE);
  const late = r.bare('admin_second');
  await late.signIn('admin.helyettes', r.passphrase('admin.helyettes'));
  refusedAs(await decide(late, asked.pending), 409, 'state_conflict');
  assert.deepEqual(await waiting(late), []);
  const now = await comes(async () => {
    const { json } = await late.get(`/v1/users/${dora.id}`);
    return !json.pending && json;
  }, 'it still waits');
  assert.ok(!now.roles.includes('shift_lead'));
});
