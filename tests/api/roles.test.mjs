// SPDX-License-Identifier: Apache-2.0
// Every row of api/routes.def against every role, a stranger, nobody, a wrong body, and what is not the caller's.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Registry, ROLES } from './lib/registry.mjs';
import { BODIES, NOBODYS, read, ROLES_OF, ROWS } from './lib/routes.mjs';
import { hold, ownHouse } from './lib/scenes.mjs';

let r;
let atFirst; // what there was before all refusals
let stranger; // with a certificate of another authority
const foreign = {}; // of each parameter, an id that is somebody else's
const own = {};

/** A second helpline with a house's worth of secrets of its own. */
async function otherDesk(admin) {
  const org = (await admin.post('/v1/organisations', { kind: 'helpline', name: 'Másik vonal (minta)' })).json.id;
  const made = await admin.post('/v1/users', { org, name: 'masik.anna', roles: ['counsellor'] });
  await r.agree(made.json.grant);
  r.openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'other.key',
    '-subj', '/CN=x', '-out', 'other.csr');
  const device = await admin.post('/v1/devices', { org, name: 'Másik', csr: readFileSync(join(r.work, 'other.csr'), 'utf8') });
  assert.equal(device.status, 201, device.text);
  r.file('other.crt', device.json.certificate);
  return new Client(r, { device: join(r.work, 'other') }).signInFirst('masik.anna', made.json.passphrase);
}

async function everything() {
  const admin = await r.as('admin');
  const lists = ['users', 'organisations', 'devices', 'shelters'];
  return Promise.all(lists.map(async (list) => (await admin.get(`/v1/${list}?limit=100`)).json.data));
}

before(async () => {
  r = await new Registry().start();
  const admin = await r.as('admin');
  const desk = await otherDesk(admin);
  const scene = await hold(desk, { name: 'Közép 1', household: { case_type: 'partner_violence', women: 1, men: 0 } });
  Object.assign(foreign, { episode: scene.episode.id, reservation: scene.reservation.id });
  const people = (await admin.get('/v1/users?limit=100')).json.data;
  Object.assign(foreign, { user: people.find((u) => u.name === 'admin').id, device: (await admin.get('/v1/me')).json.device });
  const houses = (await admin.get('/v1/shelters?limit=100')).json.data;
  foreign.shelter = houses.find((s) => s.code_name === 'Közép 1').id;
  foreign.unit = (await admin.post(`/v1/shelters/${foreign.shelter}/units`, BODIES['unit-new'])).json.id;
  desk.end();
  // the sample's manager is also staff: here each role stands alone
  const { id } = people.find((u) => u.name === 'vezeto.nyugat1');
  const { etag } = (await admin.get(`/v1/users/${id}`)).headers;
  const changed = await admin.patch(`/v1/users/${id}`, { roles: ['shelter_manager'] }, { 'If-Match': etag });
  assert.equal(changed.status, 200, changed.text);
  await new Promise((done) => { setTimeout(done, 1100); }); // its tokens count from the next second
  own.shelter = await ownHouse(await r.as('shelter_staff'));
  for (const role of ROLES) assert.deepEqual((await (await r.as(role)).get('/v1/me')).json.roles, [role]);
  assert.equal((await (await r.as('counsellor')).get('/v1/me')).json.demo, true, 'the sample says what it is');

  atFirst = await everything();

  r.openssl('req', '-x509', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-keyout', 'alien.key', '-subj', '/CN=Menedek root', '-addext', 'extendedKeyUsage=clientAuth', '-days', '30',
    '-out', 'alien.crt');
  stranger = new Client(r, { device: join(r.work, 'alien') });
});
after(async () => {
  stranger.end();
  await r.close();
});

// what a question cannot do without
const QUERIES = { proofs_inclusion: '?entry=1', proofs_consistency: '?first=1' };
const pathOf = (row, ids = {}) => row.path.replace(/\{(\w+)\}/g, (_, name) => ids[name] ?? NOBODYS) + (QUERIES[row.operation] ?? '');

function request(client, row, { ids, body = row.bodyIn ? BODIES[row.bodyIn] : undefined } = {}) {
  const headers = row.flags.includes('R_MATCH') ? { 'If-Match': '*' } : {};
  if (row.verb === 'POST') return client.post(pathOf(row, ids), body, headers);
  return client.send(row.verb, pathOf(row, ids), body, headers);
}

/** A stream has no end: its head is the answer. */
function openStream(client, path) {
  return new Promise((done, fail) => {
    https.get({ agent: client.agent, host: '127.0.0.1', servername: 'localhost', port: r.port, path,
      headers: { Authorization: `Bearer ${client.token}` } }, (res) => {
      done(res);
      res.on('error', () => {}).destroy();
    }).on('error', fail);
  });
}

function assertProblem(answer, status, code) {
  assert.deepEqual([answer.status, answer.json?.code], [status, code], answer.text);
}

test('every row of the table has been read, and every body has an example', () => {
  assert.equal(ROWS.length, read('api/routes.def').match(/^ROUTE\(/gm).length);
  assert.deepEqual([...new Set(ROWS.map((row) => row.bodyIn).filter(Boolean))].sort(), Object.keys(BODIES).sort());
  assert.ok(ROWS.every((row) => row.permission in ROLES_OF));
});

for (const row of ROWS) {
  const isPublic = row.permission === 'DEVICE';
  const allowed = isPublic ? ROLES : ROLES_OF[row.permission];
  const refused = ROLES.filter((role) => !allowed.includes(role));

  test(`${row.operation}: a stranger's certificate dies in the handshake`, () =>
    assert.rejects(request(stranger, row), { code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' }));

  if (!isPublic)
    test(`${row.operation}: nobody without a token`, async () =>
      assertProblem(await request(r.bare('counsellor'), row), 401, 'token_required'));

  if (refused.length > 0)
    test(`${row.operation}: not for ${refused.join(', ')}`, async () => {
      for (const role of refused) assertProblem(await request(await r.as(role), row), 403, 'forbidden');
    });

  if (row.flags.includes('R_STREAM'))
    test(`${row.operation}: a stream for ${allowed.join(', ')}`, async () => {
      for (const role of allowed) {
        const { statusCode, headers } = await openStream(await r.as(role), row.path);
        assert.deepEqual([statusCode, headers['content-type']], [200, 'text/event-stream']);
      }
    });
  else if (row.verb === 'GET' && row.params.length === 0)
    test(`${row.operation}: for ${allowed.join(', ')}`, async () => {
      for (const role of allowed) assert.equal((await request(await r.as(role), row)).status, 200);
    });

  if (row.bodyIn)
    test(`${row.operation}: a wrong body is refused with the place of the fault`, async () => {
      const client = await r.as(allowed[0]);
      const unknown = await request(client, row, { body: { ...BODIES[row.bodyIn], nonsense: 1 } });
      assertProblem(unknown, 422, 'invalid');
      assert.ok(unknown.json.errors.some((e) => e.pointer === '/nonsense'), unknown.text);
      for (const [name, value] of Object.entries(BODIES[row.bodyIn])) {
        const bad = value === true ? 'x' : { x: 1 };
        const wrong = await request(client, row, { body: { ...BODIES[row.bodyIn], [name]: bad } });
        assertProblem(wrong, 422, 'invalid');
        assert.ok(wrong.json.errors.every((e) => e.pointer.startsWith(`/${name}`)), wrong.text);
      }
      const { required = [] } = JSON.parse(read(`schema/${row.bodyIn}.json`));
      if (required.length > 0) assertProblem(await request(client, row, { body: {} }), 422, 'invalid');
      assertProblem(await request(client, row, { body: [] }), 422, 'invalid');
      assertProblem(await request(client, row, { body: '' }), 400, 'malformed');
    });
  else if (row.verb === 'POST')
    test(`${row.operation}: takes no body`, async () =>
      assertProblem(await request(await r.as(allowed[0]), row, { body: {} }), 400, 'malformed'));

  if (row.params.length > 0)
    test(`${row.operation}: unknown and another's are one answer`, async () => {
      for (const role of allowed) await assertHidden(row, await r.as(role), role);
    });
}

const ALL_SEEING = {
  admin: ['org', 'user', 'device', 'shelter', 'unit'],
  auditor: ['user', 'device'],
};

/** Two refusals as their reader could compare them: nothing but the request's own id may differ. */
const comparable = ({ status, headers, text, json }) => ({
  status,
  text: text.replaceAll(json.request_id, ''),
  length: text.length,
  headers: Object.keys(headers).sort(),
});

async function assertHidden(row, client, role) {
  const unknown = await request(client, row);
  assertProblem(unknown, 404, 'not_found');
  const hidden = row.params.filter((name) => foreign[name] && !ALL_SEEING[role]?.includes(name));
  if (hidden.length === 0) return;
  const ids = Object.fromEntries(row.params.map((name) => [name, foreign[name]]));
  assert.deepEqual(comparable(await request(client, row, { ids })), comparable(unknown), `${role} ${row.operation}`);
  if (row.params.includes('unit')) { // another's unit under the own house
    const mixed = await request(client, row, { ids: { shelter: own.shelter, unit: foreign.unit } });
    assert.deepEqual(comparable(mixed), comparable(unknown), `${role} ${row.operation}`);
  }
}

test('and what was refused was not done', async () => {
  assert.deepEqual(await everything(), atFirst);
  assert.equal((await (await r.as('family_support')).get('/v1/episodes')).json.data.length, 0);
});
