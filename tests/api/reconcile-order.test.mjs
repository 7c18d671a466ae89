// SPDX-License-Identifier: Apache-2.0
// A night on paper is one story in two files: a family that leaves makes its room free, a yes takes one, whatever the order of
// the lines and of the files; and what is found to fit when it is tried fits when it is entered.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { noClock, shifted } from './lib/clockwork.mjs';
import { Registry, root } from './lib/registry.mjs';
import { reservationIn } from './lib/scenes.mjs';

const program = resolve(root, 'build/release/menedek'); // reads and writes offline: the variant under test is for serving
const minutes = (n) => new Date(start + n * 60_000).toISOString().slice(0, 19) + 'Z';
const code = (scene) => [scene.reservation.number, scene.reservation.check_word];

let r, staff, house, name, left, held, start;
function reconcile(...args) { // three hours later: the hold has run out
  const answer = spawnSync(program, ['reconcile', '--dir', r.dir, ...args],
    { encoding: 'utf8', timeout: 60_000, env: { ...process.env, LC_ALL: 'C', ...shifted('+3h') } });
  return { ...answer, all: answer.stdout + answer.stderr };
}
const reservations = (...rows) => r.file('reservations.csv', `time,number,word,event,reason\n${rows.map((x) => x.join(',')).join('\n')}\n`);
const rooms = (...rows) => r.file('rooms.csv', `time,house,room,state,places\n${rows.map((x) => x.join(',')).join('\n')}\n`);
const entries = () => JSON.parse(spawnSync(program, ['audit', 'verify', '--json', '--dir', r.dir], { encoding: 'utf8' }).stdout).entries;
const units = async () => (await staff.get(`/v1/shelters/${house}/availability`)).json.units;
const roomIn = async (state) => (await units()).find((u) => u.state === state).name;

before(async () => {
  if (noClock) return;
  r = await new Registry().start();
  staff = await r.as('shelter_staff');
  [house] = (await staff.get('/v1/me')).json.shelters;
  name = (await staff.get(`/v1/shelters/${house}/availability`)).json.code_name;
  left = await reservationIn(r, 'in_stay');
  held = await reservationIn(r, 'held');
  left.room = left.reservation.unit_names[0];
  held.room = await roomIn('held');
  held.other = await roomIn('occupied');
  await new Promise((done) => setTimeout(done, 1100)); // what follows on paper is later than what the registry knows
  start = Date.now();
  await r.kill9(); // the outage
});
after(() => r?.close());

test('a family that left has made its room free, in whichever order the files are given', { skip: noClock }, () => {
  const files = [reservations([minutes(10), ...code(left), 'leave', 'own_housing']), rooms([minutes(60), name, left.room, 'free', ''])];
  for (const order of [files, files.toReversed()]) {
    const told = reconcile(...order, '--dry-run');
    assert.equal(told.status, 0, told.all);
    assert.match(told.stderr, /2 lines fit/);
  }
  const early = reconcile(reservations([minutes(60), ...code(left), 'leave', 'own_housing']), rooms([minutes(10), name, left.room, 'free', '']), '--dry-run');
  assert.equal(early.status, 5, early.all);
  assert.match(early.stdout, /^CONFLICT +rooms\.csv line 2: /m);
  assert.match(early.stdout, /^fits +reservations\.csv line 2: /m);
});

test('a room that a yes has taken cannot be out of use, and then nothing at all is entered', { skip: noClock }, () => {
  const before = entries();
  const told = reconcile(reservations([minutes(5), ...code(held), 'request', ''], [minutes(10), ...code(held), 'confirm', '']),
    rooms([minutes(60), name, held.room, 'out_of_use', '']));
  assert.equal(told.status, 5, told.all);
  assert.match(told.stdout, /^fits +reservations\.csv line 3: /m);
  assert.match(told.stdout, /^CONFLICT +rooms\.csv line 2: /m);
  assert.match(told.stderr, /1 of 3 lines conflict, nothing was entered/);
  assert.equal(entries(), before);
});

test('what a house said of another room does not end a hold that was asked for in time', { skip: noClock }, async () => {
  const told = reconcile(rooms([minutes(2), name, held.other, 'free', '']),
    reservations([minutes(10), ...code(held), 'confirm', ''], [minutes(5), ...code(held), 'request', ''], [minutes(20), ...code(left), 'leave', 'own_housing']));
  assert.equal(told.status, 0, told.all);
  assert.match(told.stderr, /4 lines entered, 0 stood there already/);
  await r.start();
  const desk = await r.as('counsellor');
  assert.equal((await desk.get(`/v1/reservations/${held.reservation.id}`)).json.state, 'confirmed');
  staff = await r.as('shelter_staff');
  const now = Object.fromEntries((await units()).map((u) => [u.name, u.state]));
  assert.deepEqual([now[held.other], now[left.room]], ['free', 'free']);
});

test('a thousand lines of one house are one night, too', { skip: noClock }, async () => {
  await r.kill9();
  const rows = Array.from({ length: 1000 }, (_, i) => [new Date(start + 3600_000 + i * 1000).toISOString().slice(0, 19) + 'Z', name, held.other, i % 2 ? 'free' : 'occupied', '']);
  const told = reconcile(rooms(...rows));
  assert.equal(told.status, 0, told.all.slice(-400));
  assert.match(told.stderr, /1000 lines entered/);
  await r.start(); // and it serves
});
