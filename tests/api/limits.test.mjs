// SPDX-License-Identifier: Apache-2.0
// A device has a measure of requests, slow ones cost more; over it comes 429, for this device only, and only for a moment.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Registry, sleep } from './lib/registry.mjs';

const SLOW = 20; // what a sign-in costs
const FLOOD = 400;

// Certificates are new with each sample, and one pair in so many shares a measure (api/limiter.c).
const PLACES = 4096;
const placeOf = (role) => Buffer.from(new X509Certificate(readFileSync(`${r.device(role)}.crt`)).fingerprint256.replaceAll(':', ''), 'hex').readUInt32BE() % PLACES;

let r, flooding; // the role on whose device the floods are made
before(async () => {
  r = await new Registry().start();
  const spared = ['statistician', 'shelter_staff', 'auditor'].map(placeOf);
  flooding = ['counsellor', 'shift_lead', 'family_support'].find((role) => !spared.includes(placeOf(role)));
});
after(() => r.close());

const left = (answer) => Number(answer.headers.ratelimit.match(/;r=(\d+);/)[1]);
const signIn = (client) => client.send('POST', '/v1/tokens', { user: 'no' }); // refused by its schema: costs, but hashes nothing

async function drain(client) {
  for (let i = 0; i < FLOOD; i++) {
    const answer = await signIn(client);
    if (answer.status === 429) return answer;
    assert.equal(answer.status, 422, answer.text);
  }
  return assert.fail(`${FLOOD} sign-ins without a limit`);
}

test('every answer says what is left, and a sign-in costs what twenty others do', async () => {
  const client = r.bare('statistician');
  const first = await client.get('/v1/codes');
  assert.match(first.headers['ratelimit-policy'], /^"device";q=\d+;w=\d+$/);
  assert.ok(left(first) > 1000);
  const before_it = left(await client.get('/v1/codes'));
  const cost = before_it - left(await signIn(client));
  assert.ok(cost > SLOW / 2 && cost <= SLOW, `it cost ${cost}`); // some of it has come back meanwhile
});

test('over the measure: 429 that says when, for this device and no other, and then it works again', async () => {
  const flooder = await r.as(flooding);
  const other = await r.as('shelter_staff');
  const refused = await drain(flooder);
  assert.equal(refused.json.code, 'too_many_requests');
  assert.ok(left(refused) < SLOW);
  const seconds = Number(refused.headers['retry-after']);
  assert.ok(seconds >= 1 && seconds <= 10, refused.headers['retry-after']);
  assert.equal((await other.get('/v1/me')).status, 200);
  assert.equal((await other.send('POST', '/v1/tokens', { user: 'nobody', passphrase: 'wrong' })).status, 401);
  await sleep(seconds * 1000);
  assert.equal((await flooder.get('/v1/me')).status, 200);
  const { user, passphrase } = r.credentials(flooding);
  await flooder.signIn(user, passphrase);
});

test('a flood does not write the audit trail', async () => {
  const flooder = r.bare(flooding);
  const auditor = await r.as('auditor');
  const newest = async () => (await auditor.get('/v1/audit?limit=1')).json.data[0].number;
  await drain(flooder);
  const before_it = await newest();
  let refusals = 0;
  for (let i = 0; i < FLOOD; i++) refusals += (await signIn(flooder)).status === 429 ? 1 : 0;
  await sleep(1500); // records that wait are written within a second
  assert.ok(refusals > FLOOD / 2, `${refusals} refusals are no flood`);
  const written = await newest() - before_it;
  assert.ok(written < 10, `${written} entries for ${refusals} refusals`);
});
