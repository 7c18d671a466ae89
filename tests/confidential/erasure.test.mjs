// SPDX-License-Identifier: Apache-2.0
// What retention removes is gone: for its readers at once, and for whoever holds yesterday's backup and today's keyring.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Clockwork, DAY, HOUR, noClock as skip } from '../api/lib/clockwork.mjs';
import { finished, settled } from '../api/lib/control.mjs';
import { isCopy } from '../api/lib/postgres.mjs';
import { root } from '../api/lib/registry.mjs';
import { openEpisode, reservationIn } from '../api/lib/scenes.mjs';
import { listen } from '../api/lib/stream.mjs';

const maker = join(root, 'build/release/menedek');
const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };

let clock, r;
let passed = 0; // seconds that the registry's clock is ahead
before(async () => {
  if (skip) return;
  clock = await new Clockwork().start();
  r = clock.registry;
});
after(() => r?.close());

function jump(seconds) {
  passed += seconds;
  clock.jump(seconds);
}
const now = () => Date.now() + passed * 1000;
/** The service's state once it has purged after now: it may have done so before, too, at the end of a day. */
async function purged() {
  const since = Math.floor(now() / 1000) * 1000;
  return settled(r, (s) => Date.parse(s.purge_finished_at) >= since);
}

async function again(role) {
  const { user, passphrase } = r.credentials(role);
  return (await r.as(role)).signIn(user, passphrase);
}
const statistics = async () => {
  const client = await again('statistician');
  const tables = await Promise.all(['placements', 'outcomes', 'declines'].map((t) => client.get(`/v1/statistics?table=${t}`)));
  return tables.map((t) => t.text);
};
const backUp = (name) => {
  const dir = join(r.work, name);
  mkdirSync(dir, { mode: 0o700 });
  cpSync(r.dir, dir, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  return dir;
};
const check = (dir) => spawnSync(maker, ['check', '--dir', dir], { encoding: 'utf8' });
const status = async (client, path) => (await client.get(path)).status;

test('after its time a stay is counted, removed, and nothing gives it back; what lives is served on', { skip }, async () => {
  const gone = await reservationIn(r, 'left');
  let desk = await r.as('counsellor');
  let staff = await r.as('shelter_staff');
  const closed = await desk.post(`/v1/episodes/${gone.episode.id}/close`, { outcome: 'placed' });
  assert.equal(closed.status, 200, closed.text);
  const stays = await reservationIn(r, 'in_stay');
  const paths = { reservation: `/v1/reservations/${gone.reservation.id}`, episode: `/v1/episodes/${gone.episode.id}` };
  assert.equal(await status(desk, paths.reservation), 200);
  const dry = await finished(r, 'purge dry-run');
  assert.equal(dry.reservations, 0, 'too early');
  await r.stop(); // or the copy may be of half a commit
  const yesterday = backUp('yesterday');
  assert.equal(check(yesterday).status, 0, 'the control: with its own keyring the backup opens');
  await r.start(clock.environment);

  jump(25 * HOUR);
  // a new day: the service purges by itself, and once more when told
  await purged();
  const done = await finished(r, 'purge');
  assert.equal(done.step, 'done');
  assert.equal(done.keys_kept, 0);
  desk = await again('counsellor');
  staff = await again('shelter_staff');
  assert.equal(await status(staff, paths.reservation), 404);
  assert.equal(await status(desk, paths.reservation), 404);
  assert.equal(await status(desk, paths.episode), 200, 'a request is kept for 72 hours');
  assert.equal((await desk.get(paths.episode)).json.arranged, true, 'and still says that a place was found');
  assert.equal(await status(staff, `/v1/reservations/${stays.reservation.id}`), 200);
  const step = await staff.post(`/v1/reservations/${stays.reservation.id}/extend`, { until: '2099-01-01', reason: 'health' });
  assert.notEqual(step.status, 500, step.text);

  jump(2 * DAY);
  await purged();
  desk = await again('counsellor');
  staff = await again('shelter_staff');
  assert.equal(await status(desk, paths.episode), 404);
  // the episode of a family that lives in the house is closed as placed, and goes too; the stay goes on without it
  assert.equal(await status(desk, `/v1/episodes/${stays.episode.id}`), 404);
  const leave = await staff.post(`/v1/reservations/${stays.reservation.id}/leave`, { reason: 'own_housing' });
  assert.equal(leave.status, 200, leave.text);

  const auditor = await again('auditor');
  const trail = (await auditor.get('/v1/audit?limit=100')).json.data;
  const said = (action) => trail.find((e) => e.action === action)?.reason;
  assert.equal(said('purge_reservations'), '1 removed');
  assert.match(said('purge_requests'), /^\d removed$/);
  assert.match(said('purge_finished'), /^\d+ removed, \d+ keys destroyed$/);
  await r.stop();
  assert.equal(check(r.dir).status, 0, check(r.dir).stderr);
  cpSync(join(r.dir, 'keyring'), join(yesterday, 'keyring'), { recursive: true, force: true });
  // a copy of a database is brought up to date before it is looked at
  if (!isCopy) assert.equal(check(yesterday).status, 7, 'the keyring of today opened the backup of yesterday');
  await r.start(clock.environment);
});

test('statistics of a quarter that is over say the same before and after its cases were purged', { skip }, async () => {
  const desk = await again('counsellor');
  for (const outcome of ['no_place', 'other_help', 'contact_lost']) for (const channel of ['phone', 'chat']) {
    for (let i = 0; i < 6; i++) {
      const { json: episode } = await desk.post('/v1/episodes', { channel, household: ALONE });
      const closed = await desk.post(`/v1/episodes/${episode.id}/close`, { outcome });
      assert.equal(closed.status, 200, closed.text);
    }
  }
  await r.stop();
  // quarters are those of Budapest, where a day begins before it does in UTC
  const [year, month] = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Budapest' }).format(now()).split('-').map(Number);
  const quarter = Date.UTC(year, 3 * Math.floor((month - 1) / 3) + 3, 2);
  // at the start of the next quarter, before the service had time to purge: the purge is asked for after the first look
  jump(Math.ceil((quarter - now()) / 1000));
  await r.start(clock.environment);
  const before_purge = await statistics();
  const state = await settled(r, (s) => s.purge_finished_at && Date.parse(s.purge_finished_at) > quarter - DAY * 1000);
  assert.ok(state.purge_removed >= 36, JSON.stringify(state));
  const after_purge = await statistics();
  assert.ok(before_purge[1].includes('"value":6,"withheld":false'), before_purge[1].slice(0, 400));
  assert.deepEqual(after_purge, before_purge);
});

test('events are removed after 7 days, and who comes back for them hears of a reset', { skip }, async () => {
  const desk = await again('counsellor');
  const live = await listen(desk);
  const one = await openEpisode(desk, ALONE);
  const first = await live.hears('episode.opened', one.id);
  await openEpisode(desk, ALONE);
  live.close();
  const back = await listen(desk, first.id);
  assert.ok(await back.hears('episode.opened'), 'the control: what was missed is told');
  back.close();
  jump(8 * DAY);
  // the service may have purged by itself already: who did it is not asked, only what is left
  const done = await finished(r, 'purge');
  assert.equal(done.step, 'done', JSON.stringify(done));
  assert.equal((await finished(r, 'purge dry-run')).events, 0);
  const late = await listen(await again('counsellor'), first.id);
  assert.ok(await late.hears('reset'), 'nobody said that something is missing');
  assert.ok(!late.events.some((e) => e.event === 'episode.opened'));
  late.close();
});
