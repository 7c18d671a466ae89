// SPDX-License-Identifier: Apache-2.0
// After an outage: what was written on paper is entered as of its time, all or nothing; what contradicts the registry is shown,
// never overwritten; and a reservation that the house accepted by telephone is not lost because the server slept.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { noClock, shifted } from './lib/clockwork.mjs';
import { Registry, root } from './lib/registry.mjs';
import { hold, reservationIn } from './lib/scenes.mjs';

const program = resolve(root, 'build/release/menedek'); // reads and writes offline: the variant under test is for serving
const MOTHER = { case_type: 'partner_violence', women: 1, men: 0 };

let r, accepted, arrived, declined, held, room;
const stamp = (ms) => new Date(ms).toISOString().slice(0, 19) + 'Z';
const wall = (ms) => { // the clock on the wall
  const parts = Object.fromEntries(new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Budapest', dateStyle: 'short', timeStyle: 'short', hourCycle: 'h23' })
    .formatToParts(ms).map((p) => [p.type, p.value]));
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}`;
};
const reservations = (...rows) => r.file('reservations.csv', `time,number,word,event,reason\n${rows.map((x) => x.join(',')).join('\n')}\n`);
const rooms = (...rows) => r.file('rooms.csv', `time,house,room,state,places\n${rows.map((x) => x.join(',')).join('\n')}\n`);
const row = (scene, event, reason = '', at = Date.now()) => [stamp(at), scene.reservation.number, scene.reservation.check_word, event, reason];
/** As the console shows the check word, and as many write by hand. */
const loud = ([time, number, word, ...more]) => [time, number, word.toUpperCase(), ...more];
/** ${clock}: what libfaketime takes for the program's clock, in UTC. */
function reconcile(args, clock) {
  return spawnSync(program, ['reconcile', '--dir', r.dir, ...args],
    { encoding: 'utf8', timeout: 60_000, env: { ...process.env, LC_ALL: 'C', ...(clock ? { ...shifted(clock), TZ: 'UTC' } : {}) } });
}
const records = () => spawnSync(program, ['check', '--json', '--dir', r.dir], { encoding: 'utf8' }).stdout;
const entries = () => JSON.parse(spawnSync(program, ['audit', 'verify', '--json', '--dir', r.dir], { encoding: 'utf8' }).stdout).entries;
const state = async (scene) => (await (await r.as('counsellor')).get(`/v1/reservations/${scene.reservation.id}`)).json;

before(async () => {
  r = await new Registry().start();
  const desk = await r.as('counsellor');
  const staff = await r.as('shelter_staff');
  const [house] = (await staff.get('/v1/me')).json.shelters;
  const all = (await staff.get(`/v1/shelters/${house}/availability`)).json;
  const taken = all.units.find((u) => u.state === 'occupied' && !u.shared);
  room = { house: all.code_name, name: taken.name, id: taken.id, shelter: house };
  for (const beds of [1, 2]) // which of two rooms of one name is meant, a name does not tell
    await (await r.as('shelter_manager')).post(`/v1/shelters/${house}/units`, { name: 'Páros', adult_beds: 0, child_beds: beds, cots: 0 });
  accepted = await reservationIn(r, 'requested');
  arrived = await reservationIn(r, 'confirmed');
  declined = await reservationIn(r, 'requested');
  held = await hold(desk, { household: MOTHER });
  await new Promise((done) => setTimeout(done, 1100)); // what follows on paper is later than what the registry knows
});
after(() => r.close());

test('while it is served nothing is entered from paper', () => {
  const before = reconcile([reservations(row(accepted, 'confirm'))]);
  assert.equal(before.status, 5, before.stderr);
  assert.match(before.stderr, /stop it first/);
});

test('lines that are not understood are named, and nothing is entered', async () => {
  await r.kill9(); // the outage
  const told = reconcile([reservations(
    ['yesterday', '1', 'a', 'confirm', ''], row(accepted, 'accept'), row(accepted, 'decline', 'no_reason'), row(accepted, 'confirm', 'late'),
    row(accepted, 'confirm', '', Date.now() + 3600_000), row(accepted, 'confirm', '', Date.now() - 20 * 86400_000), ['2026-02-30 10:00', '1', 'a', 'confirm', ''])]);
  assert.equal(told.status, 1);
  for (const line of [2, 3, 4, 5, 6, 7, 8]) assert.match(told.stderr, new RegExp(`reservations\\.csv line ${line}: `));
  assert.match(told.stderr, /7 lines are not understood, nothing was entered/);
  const other = reconcile([rooms([stamp(Date.now()), 'x', 'y', 'held', ''], [stamp(Date.now()), 'x', 'y', 'partly_free', ''], [stamp(Date.now()), 'x', 'y', 'free', '2'])]);
  assert.equal(other.status, 1);
  assert.match(other.stderr, /3 lines/);
  assert.equal(reconcile([r.file('wrong.csv', 'a,b\n1,2\n')]).status, 1);
  assert.equal(reconcile([]).status, 2);
});

test('one conflict keeps everything out: each is shown with what stands there now', () => {
  const kept = [records(), entries()];
  const told = reconcile([
    reservations(row(accepted, 'confirm'), [stamp(Date.now()), accepted.reservation.number, 'nosuch', 'confirm', ''], row(held, 'arrive'),
      row(arrived, 'arrive', '', Date.now() - 3600_000)),
    rooms([stamp(Date.now()), 'Nincs 9', 'x', 'free', ''], [stamp(Date.now()), room.house, 'nincs szoba', 'free', ''],
      [stamp(Date.now()), room.house, 'Páros', 'occupied', ''])]);
  assert.equal(told.status, 5, told.stderr);
  assert.match(told.stdout, /^fits +reservations\.csv line 2: /m);
  assert.match(told.stdout, /^CONFLICT +reservations\.csv line 3: .* There is no reservation of this number with this check word$/m);
  assert.match(told.stdout, /^CONFLICT +reservations\.csv line 4: .*; now: held$/m);
  assert.match(told.stdout, /^CONFLICT +reservations\.csv line 5: .* something later.*; now: confirmed$/m);
  assert.match(told.stdout, /^CONFLICT +rooms\.csv line 2: .* There is no house of this name$/m);
  assert.match(told.stdout, /^CONFLICT +rooms\.csv line 3: .* There is no such unit$/m);
  assert.match(told.stdout, /^CONFLICT +rooms\.csv line 4: .* Two units have this name: report in the console which one is meant$/m);
  assert.match(told.stderr, /6 of 7 lines conflict, nothing was entered/);
  assert.deepEqual([records(), entries()], kept);
});

let night; // the files of the outage
test('a dry run shows what would be entered, and enters nothing', () => {
  const kept = [records(), entries()];
  const at = Date.now();
  night = [
    reservations(loud(row(accepted, 'confirm', '', at)), ['# a line that was crossed out', '', '', '', ''], row(arrived, 'arrive', '', at), row(declined, 'decline', 'no_staff_now', at),
      row(held, 'request', '', at), loud(row(held, 'confirm', '', at)), row(held, 'arrive', '', at)),
    rooms([wall(at), room.house, room.name, 'free', ''])];
  const dry = reconcile([...night, '--dry-run']);

  assert.equal(dry.status, 0, dry.stdout + dry.stderr);
  assert.match(dry.stderr, /7 lines fit, 0 stand there already; nothing was entered/);
  assert.deepEqual([records(), entries()], kept);
  const json = reconcile([...night, '--dry-run', '--json']).stdout.trim().split('\n').map((l) => JSON.parse(l));
  assert.deepEqual(json.map((l) => l.result), Array(7).fill('fits'));
});

test('then it is entered, each line with its own entry in the trail; and a second time nothing happens', () => {
  const before = entries();
  const done = reconcile(night);
  assert.equal(done.status, 0, done.stdout + done.stderr);
  assert.match(done.stderr, /7 lines entered, 0 stood there already/);
  assert.equal(entries(), before + 7);
  const again = reconcile(night);
  assert.equal(again.status, 0, again.stdout + again.stderr);
  assert.match(again.stderr, /0 lines entered, 7 stood there already/);
  assert.equal(entries(), before + 7);
  assert.match(records(), /"sound":true|"findings":0|"problems":0/);
});

test('in the first of the two hours after two in October a time on the wall is of that one', { skip: noClock }, () => {
  const year = new Date().getUTCFullYear() + 1;
  const night = `${year}-10-${31 - new Date(Date.UTC(year, 9, 31)).getUTCDay()}`;
  const told = (clock, at) => reconcile([rooms([`${night} ${at}`, room.house, room.name, 'occupied', '']), '--dry-run'], `@${night} ${clock}`);
  assert.match(told('00:30:00', '02:20').stdout, new RegExp(`^fits +rooms\\.csv line 2: ${night} 02:20 `, 'm'));
  assert.match(told('00:30:00', '02:40').stderr, /line 2: time lies in the future/);
  assert.match(told('01:30:00', '02:20').stdout, /^fits /m);
  assert.match(told('02:30:00', '02:20').stdout, /^fits /m);
});

test('served again, everybody sees it, and the trail says that it came from paper', async () => {
  await r.start();
  assert.equal((await state(accepted)).state, 'confirmed');
  assert.equal((await state(arrived)).state, 'in_stay');
  assert.equal((await state(declined)).state, 'declined_by_house');
  assert.equal((await state(held)).state, 'in_stay');
  const units = (await (await r.as('shelter_staff')).get(`/v1/shelters/${room.shelter}/availability`)).json.units;
  assert.equal(units.find((u) => u.id === room.id).state, 'free');
  const trail = (await (await r.as('auditor')).get('/v1/audit?limit=100')).json.data.filter((e) => e.action === 'cli_reconcile');
  assert.deepEqual(trail.map((e) => e.reason).sort(), ['downtime_arrive', 'downtime_arrive', 'downtime_confirm', 'downtime_confirm', 'downtime_decline', 'downtime_request', 'downtime_room']);
});

test('a yes on the telephone in time counts, though the deadline passed while the server slept; a late one does not', { skip: noClock }, async () => {
  const [yes, late] = [await reservationIn(r, 'requested'), await reservationIn(r, 'requested')];
  await r.kill9();
  const now = Date.now();
  const told = reconcile([reservations(row(yes, 'confirm', '', now + 20 * 60_000), row(late, 'confirm', '', now + 70 * 60_000)), '--dry-run'], '+3h');
  assert.equal(told.status, 5, told.stdout + told.stderr);
  assert.match(told.stdout, /^fits +reservations\.csv line 2/m);
  assert.match(told.stdout, /^CONFLICT +reservations\.csv line 3: /m);
  const entered = reconcile([reservations(row(yes, 'confirm', '', now + 20 * 60_000))], '+3h');
  assert.equal(entered.status, 0, entered.stdout + entered.stderr);
  await r.start();
  assert.equal((await state(yes)).state, 'confirmed');
});
