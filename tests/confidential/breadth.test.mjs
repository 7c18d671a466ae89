// SPDX-License-Identifier: Apache-2.0
// Unusual breadth: who opens many candidates, asks for many locations, searches much or tries doors is slowed down and told
// of to who leads them; who is honest and in haste waits seconds.  The limits are set low here through DIR/breadth.csv.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { comes } from '../api/lib/patience.mjs';
import { NOBODYS } from '../api/lib/routes.mjs';
import { Registry, sleep } from '../api/lib/registry.mjs';
import { hold, holdBody, openEpisode, search, settle } from '../api/lib/scenes.mjs';
import { listen } from '../api/lib/stream.mjs';

const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const HEADER = 'class,hour,night,day,night_from,night_to,delay,delay_max';
const limits = (registry, ...rows) => writeFileSync(join(registry.dir, 'breadth.csv'), `${[HEADER, ...rows].join('\n')}\n`);

let r;
before(async () => {
  r = new Registry();
  // a wait counts from the last one and in whole seconds: it must not be over before who is in haste asks again
  limits(r, 'candidate,3,3,100,22,6,6,8', 'search,100,8,100,0,24,2,4', 'refused,20,20,100,22,6,0,0', 'own_location,100,100,2,22,6,20,20');
  await r.start();
});
after(() => r.close());

const alertsOf = async (role) => (await (await r.as(role)).get('/v1/alerts')).json.data;

const alertOf = (role, kind) => comes(async () => (await alertsOf(role)).find((a) => a.class === kind), `no alert of ${kind}`);

function assertSlowed(answer, most) {
  assert.deepEqual([answer.status, answer.json.code], [429, 'unusual_breadth'], answer.text);
  const seconds = Number(answer.headers['retry-after']);
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= most, answer.headers['retry-after']);
  return seconds;
}

test('who opens many candidates is slowed for seconds, her shift lead hears of it at once and she does not', async () => {
  const desk = await r.as('counsellor');
  const lead = await r.as('shift_lead');
  const [atDesk, atLead] = [await listen(desk), await listen(lead)];
  for (let i = 0; i < 3; i++) await settle(r, await hold(desk, { household: ALONE }));
  const episode = await openEpisode(desk, ALONE);
  const { candidates } = await search(desk, episode);
  const refused = await desk.post('/v1/reservations', holdBody(episode, candidates[0]), { 'Accept-Language': 'en' });
  const seconds = assertSlowed(refused, 6);
  assert.match(refused.json.detail, /shift lead/);
  assert.match(refused.json.detail, new RegExp(`${seconds} seconds`));
  assert.equal((await desk.get('/v1/me')).status, 200, 'and everything else goes on');
  await openEpisode(desk, ALONE);
  const me = (await desk.get('/v1/me')).json.user;
  assert.ok(await atLead.hears('alert.raised', me));
  assert.equal(await atDesk.hears('alert.raised', me, 300), undefined, 'she was told');
  atDesk.close();
  atLead.close();
  await sleep(seconds * 1000);
  const done = await desk.post('/v1/reservations', holdBody(episode, candidates[0]));
  assert.equal(done.status, 201, done.text);
  await settle(r, { reservation: done.json, episode });
});

test('the alert names her to her own lead, to others a pseudonym, and stands in the trail', async () => {
  const alert = await alertOf('shift_lead', 'candidate');
  assert.equal(alert.person, 'okit.anna');
  assert.equal(alert.actor, (await (await r.as('counsellor')).get('/v1/me')).json.user);
  assert.ok(['hour', 'night'].includes(alert.window));
  assert.ok(alert.last_hour >= 3);
  for (const role of ['auditor', 'admin']) {
    const seen = await alertOf(role, 'candidate');
    assert.equal(seen.person, undefined, role);
    assert.notEqual(seen.actor, alert.actor, role);
  }
  assert.equal((await alertsOf('shelter_manager')).length, 0, 'of another organisation');
  assert.equal((await (await r.as('counsellor')).get('/v1/alerts')).status, 403);
  const { data } = (await (await r.as('auditor')).get('/v1/audit?limit=100')).json;
  const entry = data.find((e) => e.action === 'alert_breadth' && e.reason.startsWith('candidate.'));
  assert.ok(entry);
  assert.equal(entry.actor, undefined, 'the watch is nobody');
  assert.equal(entry.subject, (await alertOf('auditor', 'candidate')).actor);
  assert.equal(data.filter((e) => e.action === 'alert_breadth' && e.reason.startsWith('candidate.')).length, 1, 'once, not for each try');
});

test('repeating a request that was answered is not slowed', async () => {
  const lead = await r.as('shift_lead');
  const first = await hold(lead, { household: ALONE });
  await settle(r, first);
  for (let i = 0; i < 2; i++) await settle(r, await hold(lead, { household: ALONE }));
  const episode = await openEpisode(lead, ALONE);
  const body = holdBody(episode, (await search(lead, episode)).candidates[0]);
  const key = { 'Idempotency-Key': randomUUID() };
  await sleep(assertSlowed(await lead.send('POST', '/v1/reservations', body, key), 6) * 1000);
  const won = await lead.send('POST', '/v1/reservations', body, key);
  assert.equal(won.status, 201, won.text);
  const again = await lead.send('POST', '/v1/reservations', body, key);
  assert.deepEqual([again.status, again.text], [201, won.text]);
  await settle(r, { reservation: won.json, episode });
});

test('a burst from one person on many connections gets no more than the same one after the other', async () => {
  const desk = await r.person('okit.dora', 'counsellor', { sockets: 16 });
  const scenes = await Promise.all(Array.from({ length: 6 }, async () => {
    const episode = await openEpisode(desk, ALONE);
    return { episode, candidate: (await search(desk, episode)).candidates[0] };
  }));
  const answers = await Promise.all(scenes.map((s) => desk.post('/v1/reservations', holdBody(s.episode, s.candidate))));
  const won = answers.filter((a) => a.status === 201);
  assert.ok(won.length >= 1 && won.length <= 3, answers.map((a) => a.status).join(' '));
  const slowed = answers.filter((a) => a.status === 429);
  assert.ok(slowed.length > 0, 'it was not the measure that refused');
  for (const a of slowed) assertSlowed(a, 8);
  for (const a of won) await settle(r, { reservation: a.json, episode: { id: a.json.episode } });
});

test('at odd hours less is unusual', async () => {
  const desk = await r.person('okit.eszter', 'counsellor'); // for her it is always night, see the limits
  const episode = await openEpisode(desk, ALONE);
  const answer = await comes(async () => { // searches are recorded without making her wait
    const found = await desk.post(`/v1/episodes/${episode.id}/searches`);
    return found.status !== 200 && found;
  }, 'she is never slowed');
  assertSlowed(answer, 4);
  const alert = (await alertsOf('shift_lead')).find((a) => a.class === 'search') ?? await alertOf('shift_lead', 'search');
  assert.equal(alert.window, 'night');
});

test('who tries doors raises an alert', async () => {
  const admin = await r.as('family_support');
  for (let i = 0; i < 25; i++)
    assert.equal((await admin.get(`/v1/episodes/${NOBODYS.slice(0, 24)}${String(i).padStart(2, '0')}`)).status, 404);
  const alert = await alertOf('auditor', 'refused');
  assert.ok(alert.last_hour >= 20);
  assert.equal((await alertsOf('shift_lead')).find((a) => a.class === 'refused'), undefined, 'of another organisation');
  assert.equal((await admin.get('/v1/me')).status, 200);
});

test('a house that reads its own location unusually often is slowed, and its manager hears of it', async () => {
  const staff = await r.as('shelter_staff');
  const house = (await staff.get('/v1/me')).json.shelters[0];
  for (let i = 0; i < 2; i++) assert.equal((await staff.get(`/v1/shelters/${house}/location`)).status, 200);
  assertSlowed(await staff.get(`/v1/shelters/${house}/location`), 20);
  const alert = await alertOf('shelter_manager', 'own_location');
  assert.deepEqual([alert.person, alert.window], ['haz.nyugat1', 'day']);
});

test('a restart forgets nothing', async () => {
  await r.kill9();
  await r.start();
  const desk = await r.as('counsellor');
  const episode = await openEpisode(desk, ALONE);
  const { candidates } = await search(desk, episode);
  const refused = await desk.post('/v1/reservations', holdBody(episode, candidates[0]));
  if (refused.status !== 201) assertSlowed(refused, 8); // her seconds may have passed meanwhile
  else assertSlowed(await desk.post('/v1/reservations', holdBody(await openEpisode(desk, ALONE), candidates[0])), 8);
  const alerts = await alertsOf('shift_lead');
  assert.ok(alerts.some((a) => a.class === 'candidate' && a.person === 'okit.anna'), JSON.stringify(alerts));
});

test('a measure that makes no sense is refused with its line and column', async () => {
  await r.stop();
  limits(r, 'disclosure,3,3,100,22,6,20,86400');
  await assert.rejects(r.start(), /\/2\/delay_max/);
  limits(r);
  await r.start();
});
