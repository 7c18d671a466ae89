// SPDX-License-Identifier: Apache-2.0
// A room in which somebody is expected or lives keeps its beds, whoever would change them: the console, or a table.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Registry, root } from './lib/registry.mjs';
import { reservationIn } from './lib/scenes.mjs';

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
