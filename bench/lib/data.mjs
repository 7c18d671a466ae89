// SPDX-License-Identifier: Apache-2.0
// Networks larger than the country's: houses like the sample's, under new names, brought in by the product's own import.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../tests/api/lib/registry.mjs';

const DATA = join(root, 'data');

/** The rows of a CSV without line breaks in cells, the header first, comments left out. */
export function csvRows(text) {
  return text.split('\n').filter((l) => l !== '' && !l.startsWith('#'))
    .map((l) => [...`,${l}`.matchAll(/,(?:"([^"]*)"|([^,]*))/g)].map((m) => m[1] ?? m[2]));
}

const cell = (text) => (/[",]/.test(text) ? `"${text}"` : text);
const line = (row) => `${row.map(cell).join(',')}\n`;

const objects = ([head, ...rows]) => rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]])));

const PLACES = 10; // of an invented house, about: 100,000 of them have 1,000,000
/** The places of a row of units. */
export const placesOf = (u) => [2, 3, 4].reduce((sum, i) => sum + Number(u[i] || 0), 0);

/** The places of the sample network, which every scene has. */
export const nationalPlaces = () => csvRows(readFileSync(join(root, 'data/sample-units.csv'), 'utf8')).slice(1).reduce((sum, u) => sum + placesOf(u), 0);

/** Tables of the sample's houses and units and of ${count} more like them, each with its header. */
export function network(count) {
  const shelters = csvRows(readFileSync(join(DATA, 'sample-shelters.csv'), 'utf8'));
  const units = csvRows(readFileSync(join(DATA, 'sample-units.csv'), 'utf8'));
  const houses = shelters.slice(1);
  const of = Map.groupBy(units.slice(1), (u) => u[0]);
  const more = { shelters: [shelters[0]], units: [units[0]], places: 0 };
  for (let i = 0; i < count; i++) {
    const like = houses[i % houses.length], name = `${like[0]} ${Math.floor(i / houses.length) + 2}.`;
    more.shelters.push([name, ...like.slice(1)]);
    let places = 0;
    for (const u of of.get(like[0]) ?? []) {
      if (places > 0 && places + placesOf(u) > PLACES + 2) break;
      places += placesOf(u);
      more.units.push([name, ...u.slice(1)]);
    }
    more.places += places;
  }
  return { shelters, units, more };
}

/** All of it as objects, for peers. */
export function networkObjects(count) {
  const { shelters, units, more } = network(count);
  return { houses: objects([...shelters, ...more.shelters.slice(1)]), units: objects([...units, ...more.units.slice(1)]) };
}

/** Add ${count} houses to a registry that is not served; returns the seconds that the import took, and their places. */
export function writeHouses(registry, work, count) {
  const { more } = network(count);
  const files = { shelters: join(work, 'more-shelters.csv'), units: join(work, 'more-units.csv') };
  writeFileSync(files.shelters, more.shelters.map(line).join(''));
  writeFileSync(files.units, more.units.map(line).join(''));
  const began = performance.now();
  execFileSync(join(root, 'build/release/menedek'), ['import', '--sample', '--quiet', '--dir', registry.dir, `shelters=${files.shelters}`, `units=${files.units}`],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, LD_PRELOAD: join(root, 'build/bench/nosync.so') } });
  return { seconds: (performance.now() - began) / 1000, places: more.places };
}
