// SPDX-License-Identifier: Apache-2.0
// A room in which somebody is expected or lives keeps its beds, whoever would change them: the console, or a table.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Registry, root } from './lib/registry.mjs';
import { ownHouse, reservationIn } from './lib/scenes.mjs';
import { listen } from './lib/stream.mjs';

const program = resolve(root, 'build/release/menedek'); // writes offline: the variant under test is for serving
const [head, ...rows] = readFileSync(resolve(root, 'data/sample-units.csv'), 'utf8').trim().split('\n').filter((l) => !l.startsWith('#'))
  .map((l) => l.split(','));
const column = (name) => head.indexOf(name);
const house = 'Nyugat 1'; // reservationIn is there
let r, booked;

/** Import the room as the table has it, but for ${cells}. */
function load(room, cells) {
  const row = [...rows.find((cell) => cell[0] === house && cell[1] === room)];
  for (const [name, text] of Object.entries(cells)) row[column(name)] = text;
  const file = r.file('units.csv', `${head}\n${row}\n`);
  return spawnSync(program, ['import', '--dir', r.dir, `units=${file}`], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
}

before(async () => {
  r = await new Registry().start();
  const { reservation } = await reservationIn(r, 'confirmed');
  [booked] = reservation.unit_names;
  const manager = await r.as('shelter_manager'), twin = { shelter: house, name: 'Páros', adult_beds: '2', confirmed_hours_ago: '0' };
  const { json: { id } } = await manager.post(`/v1/shelters/${reservation.shelter}/units`, { name: 'Páros', adult_beds: 1, child_beds: 0, cots: 0 });
  assert.ok(id);
  await manager.post(`/v1/shelters/${reservation.shelter}/units`, { name: 'Páros', adult_beds: 2, child_beds: 0, cots: 0 });
  rows.push(head.map((name) => twin[name] ?? ''));
  await r.stop();
});
after(() => r.close());

for (const [what, cells] of [
  ['shared and larger, so that others come beside who expects it for herself', { shared: 'yes', adult_beds: '4' }],
  ['one for a child', { adult_beds: '', child_beds: '1' }],
  ['another in what else was promised', { own_rooms: 'yes' }],
])
  test(`an import does not make a room ${what} while a reservation is live in it`, () => {
    const told = load(booked, cells);
    assert.equal(told.status, 1, told.stdout + told.stderr);
    assert.match(told.stderr, new RegExp(`units\\.csv:2: "${booked.replace('.', '\\.')}" stays as it is while a reservation is live in it`));
  });

test('it takes the same row unchanged, and changes of other rooms', () => {
  const same = load(booked, {});
  assert.equal(same.status, 0, same.stderr);
  assert.match(same.stdout, /units +0 new +0 changed +1 unchanged/);
  const [, other] = rows.find((cell) => cell[0] === house && cell[1] !== booked);
  const changed = load(other, { cots: '2' });
  assert.equal(changed.status, 0, changed.stderr);
  assert.match(changed.stdout, /units +0 new +1 changed +0 unchanged/);
});

test('of two rooms of one name it changes neither, and knows the one that is as the row says', () => {
  const changed = load('Páros', { adult_beds: '3' });
  assert.equal(changed.status, 1, changed.stdout + changed.stderr);
  assert.match(changed.stderr, /units\.csv:2: 2 rooms are called "Páros": change the one that is meant in the console/);
  const same = load('Páros', {});
  assert.equal(same.status, 0, same.stderr);
  assert.match(same.stdout, /units +0 new +0 changed +1 unchanged/);
});

test('who has the house on a screen hears that a table changed its rooms', async () => {
  const changed = 'availability.changed';
  await r.start();
  const staff = await r.as('shelter_staff'), own = await ownHouse(staff), before = await listen(staff);
  await staff.post(`/v1/shelters/${own}/confirmations`);
  const { id } = await before.hears(changed, own);
  before.close();
  await r.stop();
  const [, other] = rows.find((cell) => cell[0] === house && cell[1] !== booked && cell[1] !== 'Páros');
  const told = load(other, { cots: '3' });
  assert.match(told.stdout, /units +0 new +1 changed/, told.stderr);
  assert.match(load(other, { cots: '3' }).stdout, /units +0 new +0 changed +1 unchanged/);
  await r.start();
  const again = await listen(await r.as('shelter_staff'), id);
  assert.ok(await again.hears(changed, own));
  again.close();
  await r.stop();
});

test('of a house that moves to another zone its stays keep the one they came to, with an entry of its own', async () => {
  await r.start();
  await reservationIn(r, 'in_stay');
  await r.stop();
  const table = readFileSync(resolve(root, 'data/sample-shelters.csv'), 'utf8').trim().split('\n').filter((l) => !l.startsWith('#'));
  const row = table.find((line) => line.startsWith(`${house},`)), env = { ...process.env, LC_ALL: 'C' };
  const entries = () => JSON.parse(spawnSync(program, ['audit', 'verify', '--json', '--dir', r.dir], { encoding: 'utf8', env }).stdout).entries;
  const move = (county) => {
    const before = entries(), file = r.file('shelters.csv', `${table[0]}\n${row.replace('HU211', county)}\n`);
    const told = spawnSync(program, ['import', '--dir', r.dir, `shelters=${file}`], { encoding: 'utf8', env });
    assert.match(told.stdout, /shelters +0 new +1 changed/, told.stderr);
    return entries() - before;
  };
  assert.equal(move('HU212'), 1, 'within the zone');
  assert.equal(move('HU311'), 2, 'into another');
  assert.equal(move('HU211'), 1, 'and back: they came once');
});
