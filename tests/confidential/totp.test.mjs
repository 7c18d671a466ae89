// SPDX-License-Identifier: Apache-2.0
// The second factor: a stolen passphrase is not enough, a code counts once, and what opens it is shown once.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before } from 'node:test';
import { base32, codeAt, STEP } from '../api/lib/authenticator.mjs';
import { clockTest as test, Clockwork, MINUTE, noClock } from '../api/lib/clockwork.mjs';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

let clock;
let r;
let passed = 0; // seconds that the registry's clock is ahead
before(async () => {
  if (noClock) return;
  clock = await new Clockwork().start();
  r = clock.registry;
});
after(() => r?.close());

function jump(seconds) {
  passed += seconds;
  clock.jump(seconds);
}

const stepNow = () => Math.floor((Date.now() / 1000 + passed) / STEP);
const code = (secret, ahead = 0) => codeAt(secret, stepNow() + ahead);

const signIn = (client, user, extra = {}, passphrase = r.passphrase(user)) =>
  client.send('POST', '/v1/tokens', { user, passphrase, ...extra });

async function enrolled(user, role) {
  const person = await r.person(user, role);
  const begun = await person.send('POST', '/v1/me/totp', { passphrase: r.passphrase(user) });
  assert.equal(begun.status, 201, begun.text);
  const { secret, uri } = begun.json;
  assert.equal(uri, `otpauth://totp/Menedek:${user}?secret=${secret}&issuer=Menedek`);
  const confirmed = await person.send('POST', '/v1/me/totp/confirm', { code: code(secret) });
  assert.equal(confirmed.status, 200, confirmed.text);
  jump(2 * STEP);
  return { person, secret, codes: confirmed.json.backup_codes };
}

test('it is not asked for until it was confirmed, and a wrong code does not confirm it', async () => {
  const person = await r.person('okit.eszter', 'counsellor');
  assert.equal((await person.send('POST', '/v1/me/totp/confirm', { code: '123456' })).status, 409);
  const wrong = await person.send('POST', '/v1/me/totp', { passphrase: 'not the right one' });
  assert.equal(wrong.status, 401, 'an open session is not enough to enrol');
  const { secret } = (await person.send('POST', '/v1/me/totp', { passphrase: r.passphrase('okit.eszter') })).json;
  const bad = await person.send('POST', '/v1/me/totp/confirm', { code: code(secret) === '000000' ? '000001' : '000000' });
  assert.deepEqual([bad.status, bad.json.errors[0].pointer], [422, '/code']);
  assert.equal((await signIn(r.bare('counsellor'), 'okit.eszter')).status, 201);
});

test('the right passphrase alone does not do, nor does the code alone', async () => {
  const { person, secret, codes } = await enrolled('okit.dora', 'counsellor');
  const device = r.bare('counsellor');
  const missing = await signIn(device, 'okit.dora');
  assert.deepEqual([missing.status, missing.json.code], [401, 'code_required']);
  const wrongPassphrase = await signIn(device, 'okit.dora', { code: code(secret) }, 'not the right one');
  const nobody = await signIn(device, 'nobody.here', { code: code(secret) }, 'not the right one');
  const plain = (a) => [a.status, a.text.replaceAll(a.json.request_id, '')];
  assert.equal(wrongPassphrase.json.code, 'sign_in_refused', 'who does not know the passphrase learns nothing of the factor');
  assert.deepEqual(plain(wrongPassphrase), plain(nobody));

  const once = code(secret); // the same text, should half a minute end between the two
  const right = await signIn(device, 'okit.dora', { code: once });
  assert.equal(right.status, 201, right.text);
  const again = await signIn(r.bare('counsellor'), 'okit.dora', { code: once });
  assert.deepEqual([again.status, again.json.code], [401, 'code_required'], 'a code counts once');
  assert.equal((await signIn(device, 'okit.dora', { code: codeAt(secret, stepNow() - 1) })).status, 401, 'nor one before it');
  const { second_factor: has, backup_codes_left: left } = (await person.get('/v1/me')).json;
  assert.deepEqual([has, left, new Set(codes).size], [true, 10, 10]);
  const begun = await person.send('POST', '/v1/me/totp', { passphrase: r.passphrase('okit.dora') });
  assert.equal(begun.status, 409, 'it is not replaced behind her back');

  // backup codes: each once
  jump(MINUTE);
  assert.equal((await signIn(device, 'okit.dora', { code: codes[3] })).status, 201);
  assert.equal((await signIn(device, 'okit.dora', { code: codes[3] })).status, 401);
  assert.equal((await signIn(device, 'okit.dora', { code: codes[9] })).status, 201);
  const her = r.bare('counsellor');
  jump(MINUTE);
  her.token = (await signIn(her, 'okit.dora', { code: code(secret) })).json.access_token;
  assert.equal((await her.get('/v1/me')).json.backup_codes_left, 8);

  // nothing of it is told again, logged, or readable on the disk
  const told = [(await her.get('/v1/me')).text, r.logText()].join();
  assert.ok(!told.includes(secret) && !codes.some((c) => told.includes(c)));
  const admin = await r.as('admin');
  const list = await admin.get('/v1/users?limit=100');
  assert.equal(list.json.data.find((u) => u.name === 'okit.dora').second_factor, true);
  assert.ok(!list.text.includes(secret));
  for (const file of readdirSync(join(r.dir, 'store'))) {
    const raw = readFileSync(join(r.dir, 'store', file));
    assert.ok(!raw.includes(base32(secret)) && !raw.includes(secret) && !codes.some((c) => raw.includes(c)), file);
  }

  // removing needs both
  jump(MINUTE);
  const remove = (body) => her.send('POST', '/v1/me/totp/remove', { passphrase: r.passphrase('okit.dora'), code: code(secret), ...body });
  assert.equal((await remove({ passphrase: 'not the right one' })).json.code, 'sign_in_refused');
  assert.equal((await remove({ code: '000000' })).json.code, 'code_required');
  assert.equal((await remove({})).status, 204);
  assert.equal((await signIn(r.bare('counsellor'), 'okit.dora')).status, 201);
});

test('codes cannot be guessed, nor used twice by two at the same moment', async () => {
  const { secret } = await enrolled('haz.nyugat1', 'shelter_staff');
  const once = code(secret); // the same text, should half a minute end between them
  const both = await Promise.all([1, 2, 3].map(() => signIn(r.bare('shelter_staff'), 'haz.nyugat1', { code: once })));
  assert.equal(both.filter((a) => a.status === 201).length, 1, both.map((a) => a.status).join());
  const seen = [];
  let failed = -Infinity;
  for (let i = 0; i < 10 && seen.at(-1) !== 429; i++) { // the first waits, of 2 s, 4 s, may be over before the next guess comes
    const sent = performance.now();
    seen.push((await signIn(r.bare('shelter_staff'), 'haz.nyugat1', { code: `99999${i}` })).status);
    if (i >= 4 && performance.now() - failed < 1000) assert.equal(seen.at(-1), 429, `the wait of 2 s was not over: ${seen}`);
    failed = sent;
  }
  assert.deepEqual([new Set(seen.slice(0, -1)), seen.at(-1)], [new Set([401]), 429], `${seen}`);
});

test('who has lost the phone is helped by two people, not by one', async () => {
  const admin = await r.bare('admin').signIn('admin', r.passphrase('admin'));
  const { id } = (await admin.get('/v1/users?limit=100')).json.data.find((u) => u.name === 'haz.nyugat1');
  const asked = await admin.send('POST', `/v1/users/${id}/totp/remove`);
  assert.deepEqual([asked.status, asked.json.second_factor], [200, true], asked.text);
  const alone = await admin.send('POST', `/v1/grants/${asked.json.pending}/approve`);
  assert.deepEqual([alone.status, alone.json.code], [409, 'state_conflict'], alone.text);
  jump(16 * MINUTE); // the guesses above are over
  assert.equal((await signIn(r.bare('shelter_staff'), 'haz.nyugat1')).json.code, 'code_required');
  const agreed = await r.agree(asked.json.pending);
  assert.deepEqual([agreed.kind, agreed.state], ['second_factor', 'approved']);
  assert.equal((await signIn(r.bare('shelter_staff'), 'haz.nyugat1')).status, 201);
});

test('a role can be told to need one: until then nothing else works', async () => {
  await r.stop();
  await r.start(clock.environment, ['--second-factor', 'shift_lead,admin']);
  const lead = await r.person('okit.vezeto', 'shift_lead');
  assert.equal((await lead.get('/v1/episodes')).json.code, 'second_factor_required');
  assert.equal((await lead.get('/v1/me')).status, 200);
  assert.equal((await (await r.as('counsellor')).get('/v1/episodes')).status, 200, 'other roles go on');
  const { person } = await enrolled('okit.vezeto', 'shift_lead');
  assert.equal((await person.get('/v1/episodes')).status, 200, 'the same token goes on');
  assert.equal((await lead.get('/v1/me')).status, 401, 'and what was opened without a code does not');
});

test('a role that is none is refused when the service starts', () => {
  assert.throws(() => execFileSync(join(import.meta.dirname, '../../build/release/menedek'),
    ['serve', '--dir', r.dir, '--listen', '127.0.0.1:0', '--second-factor', 'boss'], { stdio: 'pipe' }), /shift_lead/);
});
