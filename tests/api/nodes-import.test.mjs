// SPDX-License-Identifier: Apache-2.0
// An import at a node that is not served, while another one is: what that one gives away meanwhile stays as it was given.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before } from 'node:test';
import { clockTest as preloadTest, noClock as noPreload } from './lib/clockwork.mjs';
import { Disk } from './lib/disk.mjs';
import { comes } from './lib/patience.mjs';
import { Registry, root } from './lib/registry.mjs';
import { hold, ownHouse } from './lib/scenes.mjs';

const program = resolve(root, 'build/release/menedek'); // writes offline: the variant under test is for serving
const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const [head, ...rows] = readFileSync(resolve(root, 'data/sample-units.csv'), 'utf8').trim().split('\n').filter((l) => !l.startsWith('#'))
  .map((l) => l.split(','));

let served, idle, importing;

before(async () => {
  if (noPreload) return;
  served = new Registry().share();
  idle = new Registry(served);
  await served.start();
});
after(async () => {
  importing?.kill('SIGKILL');
  await served?.close();
});

/** The import of ${files}; it stops where it has changed the houses and has yet to commit, until disk.work(). */
function importSlowly(files) {
  const passphrases = join(idle.work, 'new-people.txt'), last = `${passphrases}.tmp`; // written when all else is
  const disk = new Disk().under(idle, last);
  disk.hangAt();
  importing = spawn(program, ['import', '--dir', idle.dir, '--passphrases', passphrases, ...files],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...disk.environment, LC_ALL: 'C' } });
  let stderr = '';
  importing.stderr.on('data', (d) => { stderr += d; });
  const ended = new Promise((done) => importing.on('close', (status) => done({ status, stderr })));
  const stops = comes(() => {
    assert.equal(importing.exitCode, null, stderr);
    return existsSync(last);
  }, () => `it never comes to its commit: ${stderr}`);
  return { disk, ended, stops };
}

preloadTest('a room that is given at another node between the check of an import and its commit keeps its beds', async () => {
  const rooms = rows.filter((cell) => cell[0] === 'Nyugat 1').map((cell) => [...cell]);
  for (const cell of rooms) { // so that others come beside who holds one for herself, whichever that is
    cell[head.indexOf('shared')] = 'yes';
    cell[head.indexOf('join_group')] = '';
  }
  const { disk, ended, stops } = importSlowly([
    `units=${idle.file('units.csv', `${head}\n${rooms.join('\n')}\n`)}`,
    `people=${idle.file('people.csv', 'name,organisation,roles,shelters\nuj.ember,OKIT (minta),counsellor,\n')}`]);
  await stops;
  const staff = await served.as('shelter_staff');
  const house = await ownHouse(staff);
  const units = async () => (await staff.get(`/v1/shelters/${house}/availability`)).json.units.map((u) => [u.name, u.shared]);
  const before = await units();
  await hold(await served.as('counsellor'), { name: 'Nyugat 1', household: ALONE });
  disk.work();
  const told = await ended;
  assert.equal(told.status, 5, told.stderr);
  assert.match(told.stderr, /Settle the unit's reservation first/);
  assert.match(told.stderr, /nothing was imported/);
  assert.deepEqual(await units(), before);
});
