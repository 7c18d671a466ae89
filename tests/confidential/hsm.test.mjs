// SPDX-License-Identifier: Apache-2.0
// The location root key lives in a PKCS#11 token (SoftHSM2 here), as docs/hsm.md sets it up: no file holds it, locations
// are told while the token is there, and without it nothing opens.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { isCopy, makeDatabase } from '../api/lib/postgres.mjs';
import { Registry, root } from '../api/lib/registry.mjs';
import { reservationIn, settle } from '../api/lib/scenes.mjs';

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const PIN = '4711-menedek';
const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');

let r;
let hsm;
let keys;

const quietly = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });

function makeToken() {
  mkdirSync(join(hsm, 'tokens'), { recursive: true });
  quietly('softhsm2-util', '--init-token', '--free', '--label', 'menedek', '--pin', PIN, '--so-pin', '87654321');
  quietly('pkcs11-tool', '--module', MODULE, '--token-label', 'menedek', '--login', '--pin', PIN,
    '--keygen', '--key-type', 'AES:32', '--label', 'location', '--sensitive');
}

before(() => {
  r = new Registry();
  hsm = join(r.work, 'hsm');
  keys = join(r.dir, 'keys');
  mkdirSync(hsm);
  writeFileSync(join(hsm, 'softhsm2.conf'), `directories.tokendir = ${hsm}/tokens\nlog.level = ERROR\n`);
  process.env.SOFTHSM2_CONF = join(hsm, 'softhsm2.conf');
  makeToken();
  mkdirSync(join(hsm, 'new'), { mode: 0o700 });
  writeFileSync(join(hsm, 'new', 'location.pkcs11'),
    `pkcs11:token=menedek;object=location?module-path=${MODULE}\n${hsm}/tokens\n`, { mode: 0o400 });
  writeFileSync(join(hsm, 'new', 'location.pin'), `${PIN}\n`, { mode: 0o400 });
});
after(() => rmSync(r.work, { recursive: true, force: true }));

/** Why the service does not start. */
function failsToStart() {
  const { status, stderr } = spawnSync(program, ['serve', '--dir', r.dir, '--listen', '127.0.0.1:0'],
    { encoding: 'utf8', timeout: 20000 });
  assert.equal(typeof status, 'number', 'it started');
  assert.notEqual(status, 0);
  return stderr;
}

/** A confirmed reservation's location, told once. */
async function tell() {
  const scene = await reservationIn(r, 'confirmed');
  const path = `/v1/reservations/${scene.reservation.id}/disclosures`;
  const told = await (await r.as('counsellor')).post(path, { reason: 'client_travels_now' });
  await settle(r, scene);
  return told;
}

const oldRoot = () => join(hsm, 'old.root');

test('over a database the root key is not changed before the registry was moved to one machine and its keys made anew', {
  skip: !isCopy && 'it is on one machine',
}, () => {
  const rekey = () => r.run('rekey-locations', '--new-keys', join(hsm, 'new'), '--json', '--quiet');
  assert.throws(rekey, /menedek migrate --engine lmdb/);
  r.run('migrate', '--engine', 'lmdb');
  r.run('rotate-keys');
});

test('the locations move under the token without being opened', () => {
  const said = JSON.parse(r.run('rekey-locations', '--new-keys', join(hsm, 'new'), '--json', '--quiet'));
  assert.ok(said.keys > 5);
  assert.match(failsToStart(), /location\.root|ring/, 'the old root key opens nothing any more');
  cpSync(join(hsm, 'new'), keys, { recursive: true });
  assert.match(failsToStart(), /location\.root/, 'two root keys are one too many');
  renameSync(join(keys, 'location.root'), oldRoot());
  if (isCopy) r.run('migrate', '--engine', 'postgresql', '--database', makeDatabase());
});

test('a location is told with the key in the token and none in a file', async () => {
  await r.start();
  const told = await tell();
  assert.equal(told.status, 200, told.text);
  assert.ok(told.json.address.length > 5);
  const staff = await r.as('shelter_manager');
  const house = (await staff.get('/v1/me')).json.shelters[0];
  const written = await staff.put(`/v1/shelters/${house}/location`,
    { address: '1111 Budapest, Példa utca 1.', intake_phone: '+36 1 234 5678', travel_notes: '' }, { 'If-Match': '*' });
  assert.ok([200, 204].includes(written.status), written.text);
  assert.equal((await staff.get(`/v1/shelters/${house}/location`)).status, 200);
  assert.ok(!existsSync(join(keys, 'location.root')));
  await r.stop();
});

test('without the token nothing opens, with another of the same names neither, and with it all does', async () => {
  renameSync(join(hsm, 'tokens'), join(hsm, 'away'));
  mkdirSync(join(hsm, 'tokens'));
  assert.match(failsToStart(), /location\.pkcs11/);
  const check = spawnSync(program, ['check', '--dir', r.dir], { encoding: 'utf8' });
  assert.notEqual(check.status, 0, check.stdout);
  rmSync(join(hsm, 'tokens'), { recursive: true });
  makeToken();
  assert.match(failsToStart(), /ring/);
  rmSync(join(hsm, 'tokens'), { recursive: true });
  renameSync(join(hsm, 'away'), join(hsm, 'tokens'));
  assert.equal(spawnSync(program, ['check', '--dir', r.dir], { encoding: 'utf8' }).status, 0);
  await r.start();
  assert.equal((await tell()).status, 200);
  await r.stop();
});

test('a token pulled out while it serves: 503 and nothing of the place, the rest goes on; put back and restarted, it tells', async () => {
  await r.start();
  assert.equal((await tell()).status, 200);
  renameSync(join(hsm, 'tokens'), join(hsm, 'away'));
  try {
    const answer = await tell();
    assert.equal(answer.status, 503, answer.text);
    assert.ok(!/Minta utca|\+36/.test(answer.text));
    assert.equal((await (await r.as('counsellor')).get('/v1/me')).status, 200);
  } finally { renameSync(join(hsm, 'away'), join(hsm, 'tokens')); }
  await r.stop();
  await r.start();
  assert.equal((await tell()).status, 200);
  await r.stop();
});

test('a wrong PIN opens nothing, and the PIN is not in what is said', () => {
  const pin = join(keys, 'location.pin');
  rmSync(pin);
  writeFileSync(pin, 'wrong-0815\n', { mode: 0o400 });
  const said = failsToStart();
  assert.match(said, /PIN/);
  assert.ok(!said.includes('wrong-0815'));
  rmSync(pin);
  writeFileSync(pin, `${PIN}\n`, { mode: 0o400 });
});
