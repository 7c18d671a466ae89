// SPDX-License-Identifier: Apache-2.0
// A house's own calendar: valid by a strict reader of RFC 5545, complete, and worth nothing to whoever finds the telephone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { guest } from './lib/devices.mjs';
import { readCalendar } from './lib/ical.mjs';
import { Registry } from './lib/registry.mjs';
import { hold, ownHouse, reservationIn, settle } from './lib/scenes.mjs';

const odd = new Map(); // id: a name with all that must be escaped, and two bytes to a letter where a line is folded
let r, staff, house;
before(async () => {
  r = await new Registry().start();
  staff = await r.as('shelter_staff');
  house = await ownHouse(staff);
  const manager = await r.person('vezeto.nyugat1', 'shelter_staff');
  for (const [i, unit] of (await manager.get(`/v1/shelters/${house}/units`)).json.units.entries()) {
    odd.set(unit.id, `${'x'.repeat(i % 2)};űő,éáöü\\őűúó${i}`);
    const answer = await manager.patch(`/v1/shelters/${house}/units/${unit.id}`, { name: odd.get(unit.id) }, { 'If-Match': unit.etag });
    assert.equal(answer.status, 200, answer.text);
  }
});
after(() => r?.close());

async function calendar(lang = 'hu') {
  const answer = await staff.get(`/v1/shelters/${house}/calendar`, { 'Accept-Language': lang });
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers['content-type'], /^text\/calendar/);
  const read = readCalendar(Buffer.from(answer.text));
  return { text: answer.text, events: read.parts.filter((p) => p.name === 'VEVENT').map((e) => e.properties) };
}
const day = (text) => text.replaceAll('-', '');

test('an empty house has a valid calendar', async () => {
  assert.deepEqual((await calendar()).events, []);
});

test('expected arrivals and legal ends are in it, and nothing else', async () => {
  const asked = await reservationIn(r, 'requested');
  const confirmed = (await reservationIn(r, 'confirmed')).reservation;
  const stays = (await reservationIn(r, 'in_stay')).reservation;
  const { events, text } = await calendar();
  await settle(r, asked);
  assert.equal(events.length, 2, text);
  const arrival = events.find((e) => /^Érkezés várható: /.test(e.SUMMARY.value));
  const end = events.find((e) => /^A tartózkodás törvényes vége: /.test(e.SUMMARY.value));
  assert.equal(end.DTSTART.value, day(stays.stay_end));
  assert.equal(end.SUMMARY.value.split(': ')[1], stays.unit_names.join(', '));
  assert.equal(arrival.SUMMARY.value.split(': ')[1], confirmed.unit_names.join(', '));
  for (const e of events) assert.deepEqual([e.CLASS.value, e.TRANSP.value], ['PRIVATE', 'TRANSPARENT']);
  assert.equal(new Set(events.map((e) => e.UID.value)).size, 2);
  const again = await calendar('en');
  assert.deepEqual(again.events.map((e) => e.UID.value).sort(), events.map((e) => e.UID.value).sort(), 'an event is known again');
  assert.ok(again.events.some((e) => e.SUMMARY.value.startsWith('Arrival expected') && e.SUMMARY.parameters.LANGUAGE === 'en'));
});

test('no identity is in it: no number, word, id, size or house', async () => {
  const { text, events } = await calendar();
  const whole = text.replaceAll('\r\n ', ''); // a word may stand across a fold
  const { json } = await staff.get('/v1/reservations');
  assert.ok(json.data.length >= 2 && events.length >= 2);
  for (const x of json.data)
    for (const secret of [x.id, x.number, x.check_word, x.shelter, x.episode]) if (secret) assert.ok(!whole.includes(secret), secret);
  assert.ok(!whole.includes('Nyugat') && !whole.includes(house));
  const names = new Set(events.flatMap((e) => Object.keys(e)));
  assert.deepEqual([...names].sort(), ['CLASS', 'DTSTAMP', 'DTSTART', 'SUMMARY', 'TRANSP', 'UID']);
});

test('a time that was said is told as it was said', async () => {
  const at = new Date((Math.floor(Date.now() / 1000) + 5 * 3600) * 1000).toISOString().replace(/\.\d+/, '');
  const household = { case_type: 'partner_violence', women: 1, men: 0, earliest_arrival: at };
  const desk = await r.as('counsellor');
  const scene = await hold(desk, { name: 'Nyugat 1', household });
  assert.equal((await desk.post(`/v1/reservations/${scene.reservation.id}/request`)).status, 200);
  const expected = async () => (await calendar()).events.filter((e) => e.DTSTART.value === at.replace(/[-:]/g, '')).length;
  assert.equal(await expected(), 0, 'who was only asked for is not expected');
  assert.equal((await staff.post(`/v1/reservations/${scene.reservation.id}/confirm`)).status, 200);
  assert.equal(await expected(), 1);
});

test('rooms with odd names are escaped, and folded between characters', async () => {
  const { events, text } = await calendar();
  const named = events.filter((e) => [...odd.values()].some((name) => e.SUMMARY.value.endsWith(`: ${name}`)));
  assert.ok(named.length > 0, text);
  assert.ok(text.includes('\r\n '), 'a line was folded');
});

test('another house\'s calendar is not there', async () => {
  const { client } = await guest(r, 'haz.kozep1', 'Hársliget Önkormányzata (minta)');
  const theirs = await client.get(`/v1/shelters/${house}/calendar`), nobodys = await client.get(`/v1/shelters/${'7'.repeat(26)}/calendar`);
  assert.deepEqual([theirs.status, nobodys.status], [404, 404]);
});
