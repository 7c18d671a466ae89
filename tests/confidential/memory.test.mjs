// SPDX-License-Identifier: Apache-2.0
// A thief reads the memory of the running service, its log, its environment and its command line: after a disclosure is
// done, and after people signed in, nothing of it is there.  Each block of memory is wiped when it is freed.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PATIENCE, comes } from '../api/lib/patience.mjs';
import { Registry, sleep } from '../api/lib/registry.mjs';
import { canRead, family, searchMemory } from '../api/lib/memory.mjs';
import { dial } from '../api/lib/raw.mjs';
import { hold, settle } from '../api/lib/scenes.mjs';

const isRelease = (process.env.VARIANT ?? 'release') === 'release'; // sanitizers keep freed memory to find its use
const options = { skip: !canRead ? 'only root may read the memory of another process' : !isRelease };
const PLANT = `planted-${randomBytes(9).toString('hex')}`;
const mark = () => randomBytes(9).toString('hex');

let r;
before(async () => { r = await new Registry().limits({ own_house: 100, own: 100 }).start({ PLANTED: PLANT }); });
after(() => r.close());

const hitsOf = (texts) => family(r.pid).flatMap((pid) => searchMemory(pid, texts).hits.map((h) => ({ pid, ...h })));
const say = (names, hits) => hits.map((h) => `${names[h.text]} in process ${h.pid} at ${h.at} (${h.name}): ${h.around}`).join('\n');

/** Nothing of ${secrets} (name: text) is in memory once what is under way has ended: within ${ms}. */
async function assertGone(secrets, ms = PATIENCE) {
  const names = Object.fromEntries(Object.entries(secrets).map(([name, text]) => [text, name]));
  const until = Date.now() + ms;
  let hits = hitsOf(Object.values(secrets));
  while (hits.length > 0 && Date.now() < until) {
    await sleep(200);
    hits = hitsOf(Object.values(secrets));
  }
  assert.equal(hits.length, 0, say(names, hits));
}

const assertUnsaid = (secrets) => {
  const places = { log: r.logText() };
  for (const pid of family(r.pid))
    for (const file of ['environ', 'cmdline']) places[`${pid}/${file}`] = readFileSync(`/proc/${pid}/${file}`, 'latin1');
  for (const [place, text] of Object.entries(places))
    for (const [name, secret] of Object.entries(secrets)) assert.ok(!text.includes(secret), `${name} in ${place}`);
};

test('the search finds what is there: in the environment, and in a request that is still coming', options, async () => {
  const half = mark();
  const socket = await dial(r, 'counsellor');
  socket.write(`GET /v1/me HTTP/1.1\r\nHost: localhost\r\nX-Planted: ${half}\r\n`);
  assert.ok(hitsOf([PLANT]).length > 0);
  await comes(() => hitsOf([half]).length > 0, 'the search does not find what is still coming');
  socket.on('error', () => {});
  socket.destroy();
  await assertGone({ 'the header of an aborted request': half });
});

test('a location is in no memory, log or environment after it was told', options, async () => {
  const desk = await r.as('counsellor');
  const manager = await r.as('shelter_manager');
  const house = (await manager.get('/v1/me')).json.shelters[0];
  const secrets = {};
  for (let i = 0; i < 4; i++) {
    const address = `9999 Próbafalva, Rejtett utca ${mark()}`;
    const gate = `${'lépcső '.repeat(i * 12)}kapukód ${mark()}`;
    const phone = `+36 1 5${String(Math.random()).slice(2, 4)} ${String(Math.random()).slice(2, 6)}`;
    const put = await manager.put(`/v1/shelters/${house}/location`, { address, intake_phone: phone, travel_notes: gate });
    assert.ok(put.status < 300, put.text);
    assert.ok((await manager.get(`/v1/shelters/${house}/location`)).text.includes(address));
    const scene = await hold(desk, { name: 'Nyugat 1' });
    const path = `/v1/reservations/${scene.reservation.id}`;
    await desk.post(`${path}/request`);
    await manager.post(`${path}/confirm`);
    const told = await desk.post(`${path}/disclosures`, { reason: 'intake_call' });
    assert.ok(told.text.includes(address), told.text);
    Object.assign(secrets, { [`address ${i}`]: address.slice(-18), [`phone ${i}`]: phone, [`notes ${i}`]: gate.slice(-18) });
    await settle(r, scene);
  }
  assertUnsaid(secrets);
  await assertGone(secrets); // connections are still open
});

test('no passphrase and no token is left of people who signed in, failed, changed it or were given one', options, async () => {
  const wrong = `rossz jelmondat ${mark()}`;
  const fresh = `egészen új jelmondat ${mark()}`;
  const lead = await r.as('shift_lead');
  const admin = await r.as('admin');
  const old = r.credentials('shift_lead').passphrase;
  await assert.rejects(r.bare('counsellor').signIn('okit.anna', wrong), /401/);
  const changed = await lead.put('/v1/me/passphrase', { old_passphrase: old, new_passphrase: fresh });
  assert.equal(changed.status, 204, changed.text);
  const secrets = { wrong, fresh, old };
  for (const role of ['counsellor', 'admin']) secrets[`${role}'s`] = r.credentials(role).passphrase;
  for (const [name, client] of Object.entries({ lead, admin })) secrets[`token of ${name}`] = client.token.split('.')[2];
  assertUnsaid(secrets);
  for (const client of [lead, admin]) client.end();
  await assertGone(secrets);
});

test('the location root key is in the memory of the vault and of no other process', options, () => {
  const key = readFileSync(join(r.dir, 'keys/location.root'));
  const [service, ...vault] = family(r.pid);
  assert.equal(vault.length, 1);
  assert.ok(searchMemory(vault[0], [key]).hits.length > 0, 'the control: the search finds 32 bytes');
  assert.deepEqual(searchMemory(service, [key]).hits.map((h) => `${h.at} ${h.name}`), []);
});

test('no root key is in the environment, the command line or the log, and no process may be dumped', options, () => {
  const keys = Object.fromEntries(['record.root', 'location.root'].map((n) =>
    [n, readFileSync(join(r.dir, 'keys', n), 'latin1')]));
  assertUnsaid(keys);
  for (const pid of family(r.pid)) {
    assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max core file size +0 +0 /);
    assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /VmLck:\s+[1-9]/, 'no page is locked');
  }
});
