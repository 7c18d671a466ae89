// SPDX-License-Identifier: Apache-2.0
// A registry whose people do in a minute what an honest year brings: their breadth is no subject here.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from '../../api/lib/registry.mjs';

const CLASSES = ['search', 'candidate', 'disclosure', 'take_over', 'own_location', 'refused', 'request'];

export class Tireless extends Registry {
  constructor(...args) {
    super(...args);
    const rows = CLASSES.map((c) => `${c},60000,60000,60000,22,6,0,0\n`);
    writeFileSync(join(this.dir, 'breadth.csv'), `class,hour,night,day,night_from,night_to,delay,delay_max\n${rows.join('')}`);
  }
}
