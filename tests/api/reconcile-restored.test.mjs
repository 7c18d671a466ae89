// SPDX-License-Identifier: Apache-2.0
// A backup of the evening is put back in the night: what was promised on paper meanwhile is entered before the service starts,
// which would end whatever has run out since.  A trail that has to be accepted first makes no difference.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { noClock, shifted } from './lib/clockwork.mjs';
import { comes } from './lib/patience.mjs';
import { isCopy } from './lib/postgres.mjs';
import { Registry, root } from './lib/registry.mjs';
import { acceptRollback } from './lib/rollback.mjs';
import { openEpisode, reservationIn, trail } from './lib/scenes.mjs';

const program = resolve(root, 'build/release/menedek'); // reads and writes offline: the variant under test is for serving
const skip = noClock || isCopy;
const LATER = '+3h'; // the hour for an answer is over
let r, scene, backup, kept, paper;

const signing = (path) => ['--checkpoints', path, '--checkpoint-every', '1,1'];
const reconcile = () => spawnSync(program, ['reconcile', '--dir', r.dir, paper],
  { encoding: 'utf8', timeout: 60_000, env: { ...process.env, LC_ALL: 'C', ...shifted(LATER) } });
const state = async () => (await (await r.as('counsellor')).get(`/v1/reservations/${scene.reservation.id}`)).json.state;

before(async () => {
  if (skip) return;
  r = await new Registry().start();
  [backup, kept] = [join(r.work, 'evening.backup'), join(r.work, 'kept')];
  scene = await reservationIn(r, 'requested');
  await r.stop();
  r.run('backup', '--out', backup);
  await r.start({}, signing(kept));
  await openEpisode(await r.as('counsellor')); // lost with the disk, and signed
  await r.stop();
  const said = new Date(Date.now() + 20 * 60_000).toISOString().slice(0, 19) + 'Z';
  paper = r.file('reservations.csv', `time,number,word,event,reason\n${said},${scene.reservation.number},${scene.reservation.check_word},confirm,\n`);
});
after(() => r?.close());

/** The registry of the evening; gives its own copy of the checkpoints that left the machine. */
function restore(name) {
  const old = join(r.work, `before ${name}`), sent = join(r.work, `kept ${name}`);
  renameSync(r.dir, old);
  r.run('restore', '--from', backup, '--keys', join(old, 'keys'));
  cpSync(join(old, 'keys'), join(r.dir, 'keys'), { recursive: true });
  copyFileSync(kept, sent);
  return sent;
}

function enter() {
  const entered = reconcile();
  assert.equal(entered.status, 0, entered.stdout + entered.stderr);
}
function accept(sent) {
  const accepted = acceptRollback(r, sent);
  assert.equal(accepted.status, 0, accepted.stderr);
  assert.match(accepted.stderr, /menedek reconcile/);
}

test('served first it has ended what ran out, and a yes in time is a conflict', { skip }, async () => {
  restore('it is served');
  await r.start(shifted(LATER));
  assert.equal(await state(), 'expired'); // to who reads at once; the timer writes it
  const auditor = await r.as('auditor');
  await comes(async () => (await trail(auditor)).some((e) => e.action === 'clock_expire_reservation'), 'the timer ends nothing');
  await r.stop();
  const told = reconcile();
  assert.equal(told.status, 5, told.stdout + told.stderr);
  assert.match(told.stdout, /^CONFLICT /m);
});

for (const [name, steps] of Object.entries({ 'paper first': [enter, accept], 'the acceptance first': [accept, enter] })) {
  test(`entered before the start it counts: ${name}`, { skip }, async () => {
    const sent = restore(name);
    await assert.rejects(r.start(shifted(LATER), signing(sent)), /older than what was signed/);
    for (const step of steps) step(sent);
    await r.start(shifted(LATER), signing(sent));
    assert.equal(await state(), 'confirmed');
    await r.stop();
  });
}
