// SPDX-License-Identifier: Apache-2.0
// What of the sample network must not be read where it does not belong, and the looking for it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../api/lib/registry.mjs';

const csv = (name) => readFileSync(join(root, 'data', name), 'utf8').split('\n').slice(2).filter(Boolean);
export const addresses = csv('sample-locations.csv').map((l) => l.match(/"([^"]+)"/)[1]);
export const phones = csv('sample-locations.csv').map((l) => l.match(/\+36 [\d ]+/)[0].trim());
export const ways = csv('sample-locations.csv').map((l) => l.match(/,"([^"]+)"$/)[1]); // the notes of how to get there
export const codeNames = csv('sample-shelters.csv').map((l) => l.split(',')[0]);
export const operators = [...new Set(csv('sample-shelters.csv').map((l) => l.split(',')[1]))];
export const counties = [...new Set(csv('sample-shelters.csv').map((l) => l.split(',')[3]))];
export const people = csv('sample-people.csv').map((l) => l.split(',')[0]);

export const finds = (text, words) => words.filter((w) => text.includes(w));
