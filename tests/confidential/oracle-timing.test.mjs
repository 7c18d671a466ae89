// SPDX-License-Identifier: Apache-2.0
// No oracle by time: what is another's and what does not exist take the same time, and so does a request with and without
// a held place to the service that opened it.  Thousands of pairs in random order on kept-alive connections, compared by
// the sign test (robust: no pair can weigh more than another).  Six comparisons at |z| < 5 alarm falsely in one of 300,000
// runs; that the test can see is shown by a pair that does differ, by one record more to read.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import { guest } from '../api/lib/devices.mjs';
import { Registry, sleep } from '../api/lib/registry.mjs';
import { hold, openEpisode, MOTHER_OF_TWO } from '../api/lib/scenes.mjs';
import { Wire } from './lib/wire.mjs';

const PAIRS = 2000;
const CHUNK = 100;
const LIMIT = 5;
const NOBODYS = '7'.repeat(26);
const skip = ['asan', 'tsan'].includes(process.env.VARIANT) && 'a sanitizer does not keep the time of an answer';

let r;
const channels = [];

async function channel(name, client, one, other, status) {
  channels.push({ name, wire: await Wire.open(client), one, other, status, faster: 0, pairs: 0, diffs: [] });
}

before(async () => {
  if (skip) return;
  r = await new Registry().start();
  const desk = await r.as('counsellor');
  const { client: other_desk } = await guest(r, 'gyermekvonal.kata', 'Gyermekvédelmi hívószám (minta)');
  const { client: other_house } = await guest(r, 'haz.kozep1', 'Hársliget Önkormányzata (minta)');
  const family = await r.as('family_support');
  const { client: other_family } = await guest(r, 'csalad.judit', 'Tölgyfalvi Család- és Gyermekjóléti Központ (minta)');
  const { episode, reservation } = await hold(desk, { name: 'Nyugat 1' });
  const people = (await (await r.as('admin')).get('/v1/users?limit=100')).json.data;
  const houses = (await (await r.as('admin')).get('/v1/shelters?limit=100')).json.data;
  const secret = houses.find((s) => s.type === 'secret_house').id;
  const [held, waiting] = [await openEpisode(family), await openEpisode(family)];
  const taken = (await desk.post(`/v1/episodes/${held.id}/take-over`)).json;
  const found = (await desk.post(`/v1/episodes/${taken.id}/searches`)).json;
  assert.equal((await desk.post('/v1/reservations', { episode: taken.id, candidate: found.candidates[0].candidate,
    consent: true, need: 'no_safe_place_tonight', contact_channel: 'client_calls_house' })).status, 201);
  for (let i = 0; i < 3; i++) await openEpisode(await r.as('shift_lead'), MOTHER_OF_TWO);

  await channel('the control', await r.as('shift_lead'), '/v1/episodes?limit=2', '/v1/episodes?limit=1', 200);
  await channel("another desk's request", other_desk, `/v1/episodes/${episode.id}`, `/v1/episodes/${NOBODYS}`, 404);
  await channel("another house's reservation", other_house, `/v1/reservations/${reservation.id}`, `/v1/reservations/${NOBODYS}`, 404);
  await channel("another house's location", await r.as('shelter_staff'), `/v1/shelters/${secret}/location`,
    `/v1/shelters/${NOBODYS}/location`, 404);
  await channel('a person of another organisation', await r.as('shelter_manager'),
    `/v1/users/${people.find((u) => u.name === 'okit.anna').id}`, `/v1/users/${NOBODYS}`, 404);
  await channel("another service's request", other_family, `/v1/episodes/${held.id}`, `/v1/episodes/${NOBODYS}`, 404);
  await channel('a held place', family, `/v1/episodes/${held.id}`, `/v1/episodes/${waiting.id}`, 200);
});
after(async () => {
  for (const c of channels) c.wire.close();
  await r?.close();
});

/** One answer in time; a device that asked too fast waits. */
async function timed(c, path) {
  for (;;) {
    const answer = await c.wire.ask('GET', path);
    if (answer.status === c.status) return answer.us;
    assert.equal(answer.status, 429, answer.text);
    await sleep(500);
  }
}

async function compare(c, pairs) {
  for (let i = 0; i < pairs; i++) {
    const is_first = randomInt(2) === 0;
    const a = await timed(c, is_first ? c.one : c.other);
    const b = await timed(c, is_first ? c.other : c.one);
    const diff = is_first ? a - b : b - a;
    c.diffs.push(diff);
    c.faster += diff < 0;
    c.pairs++;
  }
}

const z = (c) => (c.faster - c.pairs / 2) / Math.sqrt(c.pairs / 4);
const median = (c) => [...c.diffs].sort((a, b) => a - b)[c.pairs >> 1];
const told = (c) => `${c.name}: z ${z(c).toFixed(2)}, median difference ${median(c).toFixed(2)} us of ${c.pairs} pairs`;

test('what is not told takes the time of what is not there', { skip, timeout: 240000 }, async (t) => {
  for (const c of channels) {
    await compare(c, CHUNK); // warm
    Object.assign(c, { faster: 0, pairs: 0, diffs: [] });
  }
  for (let done = 0; done < PAIRS; done += CHUNK) for (const c of channels) await compare(c, CHUNK);
  const [control, ...hidden] = channels;
  for (const c of channels) t.diagnostic(told(c));
  assert.ok(Math.abs(z(control)) > LIMIT, `this test is blind; ${told(control)}`);
  for (const c of hidden) assert.ok(Math.abs(z(c)) < LIMIT, told(c));
});
