// SPDX-License-Identifier: Apache-2.0
// L1: a location is in no log, no raw file, and no answer without a disclosure; nobody sees what DOMAIN 5 does not give.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { guest } from '../api/lib/devices.mjs';
import { Registry, ROLES, root } from '../api/lib/registry.mjs';
import { ROLES_OF, ROWS } from '../api/lib/routes.mjs';
import { hold, holdBody, MOTHER_OF_TWO, openEpisode, ownHouse, search, settle } from '../api/lib/scenes.mjs';
import { listen } from '../api/lib/stream.mjs';
import { addresses, codeNames, counties, finds, operators, phones } from './lib/secrets.mjs';

let r;
before(async () => { r = await new Registry().start(); });
after(() => r.close());

const QUERIES = { users_list: '?limit=100', shelters_list: '?limit=100', audit_list: '?limit=100', statistics_read: '?table=placements' };

/** All that ${role} can GET, each list followed one level down.  (Code lists name all counties to all; proofs need a number.) */
async function crawl(role) {
  const client = await r.as(role), seen = [];
  const may = ROWS.filter((x) => x.verb === 'GET' && !/R_STREAM|openapi|codes|proofs/.test(`${x.flags} ${x.path}`) && ROLES_OF[x.permission].includes(role));
  for (const list of may.filter((x) => x.params.length === 0)) {
    const answer = await client.get(list.path + (QUERIES[list.operation] ?? ''));
    assert.equal(answer.status, 200, answer.text);
    seen.push(answer);
    for (const { id } of answer.json.data?.slice(0, 20) ?? [])
      for (const row of id ? may.filter((x) => x.path.startsWith(`${list.path}/{`)) : []) seen.push(await client.get(row.path.replace(/\{\w+\}/, id)));
  }
  return seen.map((a) => JSON.stringify(a.headers) + a.text).join('\n');
}

for (const role of ROLES) {
  test(`${role} learns no location by reading everything`, async () => {
    const text = await crawl(role);
    const own = role.startsWith('shelter_') ? 1 : 0; // staff read their own house's: the control
    assert.equal(finds(text, addresses).length, own, finds(text, addresses).join());
    assert.equal(finds(text, phones).length, own, finds(text, phones).join());
  });
}

for (const role of ['counsellor', 'shift_lead', 'family_support', 'auditor', 'statistician']) {
  test(`${role} learns no county, operator or house by reading everything`, async () => {
    const text = await crawl(role);
    assert.deepEqual(finds(text, counties), []);
    assert.deepEqual(finds(text, operators), []);
    assert.deepEqual(codeNames.filter((n) => text.includes(`"${n}"`)), []);
  });
}

test('an admin reads houses without their county and without who runs them', async () => {
  const { data } = (await (await r.as('admin')).get('/v1/shelters?limit=100')).json;
  assert.equal(data.length, codeNames.length);
  assert.ok(data.every((s) => s.code_name && s.county === undefined && s.org === undefined));
  const own = (await (await r.as('shelter_manager')).get('/v1/shelters')).json.data[0];
  assert.ok(own.county && own.org);
});

test('a search shows code names and zones, no id, county, operator or address of any house', async () => {
  const desk = await r.as('counsellor');
  const staff = await r.as('shelter_staff');
  const house = await ownHouse(staff);
  const found = await search(desk, await openEpisode(desk));
  const text = JSON.stringify(found);
  assert.ok(!text.includes(house));
  assert.deepEqual(finds(text, [...counties, ...operators, ...addresses, ...phones]), []);
  const ids = found.candidates.map((c) => c.candidate);
  assert.equal(new Set(ids.map((c) => c.length)).size, 1, 'candidates of one length');
  const twice = await search(desk, await openEpisode(desk));
  assert.ok(!twice.candidates.some((c) => ids.includes(c.candidate)), 'a candidate cannot be recognised again');
});

test('admin and other staff cannot open a location or see that it exists', async () => {
  const house = await ownHouse(await r.as('shelter_staff'));
  const admin = await r.as('admin');
  assert.equal((await admin.get(`/v1/shelters/${house}/location`)).status, 403);
  assert.equal((await admin.get(`/v1/shelters/${house}/looks`)).status, 403);
  const others = readFileSync(join(root, 'data/sample-people.csv'), 'utf8').split('\n').map((l) => l.split(','));
  assert.ok(others.length > 5);
  const foreign = (await admin.get('/v1/shelters?limit=100')).json.data.find((s) => s.id !== house).id;
  const staff = await r.as('shelter_staff');
  const nothing = '0'.repeat(25) + '1';
  for (const path of ['', '/availability', '/location', '/looks']) {
    const not_yours = await staff.get(`/v1/shelters/${foreign}${path}`);
    const not_there = await staff.get(`/v1/shelters/${nothing}${path}`);
    const plain = (a) => ({ ...a.json, instance: '', request_id: '' });
    assert.equal(not_yours.status, 404);
    assert.deepEqual(plain(not_yours), plain(not_there));
    assert.equal(not_yours.text.length, not_there.text.length);
  }
});

test('the house sees no other house, no episode and no next proposal in its reservations', async () => {
  const desk = await r.as('counsellor');
  const staff = await r.as('shelter_staff');
  const scene = await hold(desk, { name: 'Nyugat 1' });
  const seen = (await staff.get(`/v1/reservations/${scene.reservation.id}`)).json;
  for (const name of ['episode', 'next', 'need', 'type', 'zone'])
    assert.equal(seen[name], undefined, name);
  const desk_view = (await desk.get(`/v1/reservations/${scene.reservation.id}`)).json;
  for (const name of ['shelter', 'unit_names', 'stay_end'])
    assert.equal(desk_view[name], undefined, name);
  await settle(r, scene);
});

test('after a disclosure no location is in the log or readable in any file of the data directory', async () => {
  const desk = await r.as('counsellor');
  const staff = await r.as('shelter_staff');
  const scene = await hold(desk, { name: 'Nyugat 1' });
  const path = `/v1/reservations/${scene.reservation.id}`;
  await desk.post(`${path}/request`);
  await staff.post(`${path}/confirm`);
  const told = await desk.post(`${path}/disclosures`, { reason: 'intake_call' });
  assert.ok(addresses.includes(told.json.address));
  await settle(r, scene);
  const log = r.logText();
  assert.deepEqual(finds(log, [...addresses, ...phones, ...codeNames.map((n) => `"${n}"`)]), []);
  assert.ok(!log.includes(scene.reservation.id));
  for (const secret of [told.json.address, told.json.intake_phone, scene.reservation.check_word + '"', 'okit.anna', 'Nyugat 1'])
    assert.throws(() => execFileSync('grep', ['-rqaF', secret, r.dir]), { status: 1 }, `${secret} stands readable on the disk`);
});

// The strictest kind: a family service asks, the helpline takes over and places the family in a secret house.
test('a secret house is a code name and a zone to its desk, less to all others, and its location is told once to one', async () => {
  const family = await r.as('family_support');
  const desk = await r.as('counsellor');
  const { client: staff } = await guest(r, 'ugyelet.allami-dk1', 'Délkeleti Állami Szociális Központ (minta)');
  const heard = await listen(desk);
  const household = { ...MOTHER_OF_TWO, children: [{ sex: 'female', band: '10-13' }], danger_to_life: true };
  const opened = await family.post('/v1/episodes', { channel: 'phone', household });
  const said = []; // to the desk
  const told = async (method, path, body) => {
    const answer = await desk[method](path, body);
    assert.ok(answer.status < 300, answer.text);
    said.push(JSON.stringify(answer.headers) + answer.text);
    return answer.json;
  };
  const episode = await told('post', `/v1/episodes/${opened.json.id}/take-over`);
  const found = await told('post', `/v1/episodes/${episode.id}/searches`);
  const secret = found.candidates.filter((c) => c.type === 'secret_house');
  assert.ok(secret.length > 1);
  assert.deepEqual(finds(JSON.stringify(secret), codeNames.map((n) => `"${n}"`)), [], 'its own name is not told');
  // its name is one for this request: which house it is, only its staff know
  let candidate, reservation, path;
  for (candidate of secret.filter((c) => c.zone === 'south_east')) {
    reservation = await told('post', '/v1/reservations', holdBody(episode, candidate));
    path = `/v1/reservations/${reservation.id}`;
    if ((await staff.get(path)).status === 200) break;
    await told('post', `${path}/cancel`, { reason: 'entered_by_mistake' });
  }
  assert.equal((await staff.get(path)).status, 200);
  assert.equal(reservation.code_name, candidate.code_name);
  await told('get', path);
  await told('get', `${path}/sheet`);
  await told('post', `${path}/request`);
  const early = await desk.post(`${path}/disclosures`, { reason: 'client_travels_now' });
  assert.equal(early.status, 409);
  said.push(early.text);
  assert.equal((await staff.post(`${path}/confirm`)).status, 200);
  await told('get', path);
  await told('get', '/v1/reservations');
  await told('get', `/v1/episodes/${episode.id}`);
  await told('get', '/v1/audit');
  assert.ok(await heard.hears('reservation.confirmed', reservation.id));
  heard.close();
  said.push(JSON.stringify(heard.events));
  const secrets = [...addresses, ...phones, ...counties, ...operators];
  assert.deepEqual(finds(said.join('\n'), secrets), []);
  const house = (await staff.get(path)).json.shelter;
  assert.ok(!said.join('\n').includes(house), 'an id of a house left it');

  const answer = await desk.post(`${path}/disclosures`, { reason: 'client_travels_now' });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(finds(answer.text, addresses), [answer.json.address]);
  for (const role of ROLES) { // the counsellor too: reading on, she is not told again
    const text = await crawl(role);
    assert.deepEqual(finds(text, [answer.json.address, answer.json.intake_phone]), [], role);
  }
  const outcome = await family.get(`/v1/episodes/${episode.id}`);
  assert.equal(outcome.json.arranged, true);
  assert.ok(!outcome.text.includes('secret_house'));
  const all = await crawl('family_support') + outcome.text;
  assert.deepEqual(finds(all, [candidate.code_name, reservation.number, reservation.id, reservation.check_word]), []);
  assert.equal((await family.get(path)).status, 403);
  assert.ok(!r.logText().includes(answer.json.address));
});
