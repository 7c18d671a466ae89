// SPDX-License-Identifier: Apache-2.0
// The clock jumps back and forth by days, and over the nights that people get wrong: nothing expires early, nothing late, no
// place is lost, tokens behave.
import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Clockwork, noClock } from '../api/lib/clockwork.mjs';
import { sleep } from '../api/lib/registry.mjs';
import { holdBody, openEpisode, ownHouse, search } from '../api/lib/scenes.mjs';
import { checkOffline } from './lib/traffic.mjs';

const MINUTE = 60, DAY = 86400;
const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };

// A device is let in from the day on which it was enrolled, for 397 days: the story begins some days in, and no jump leaves them.
const START = Date.now() / 1000 + 5 * DAY;

/** The next moment (UTC, seconds) of the month's ${day}, or of its last Sunday, at ${hour}. */
function next(month, day, hour) {
  const of = (year) => {
    const last = new Date(Date.UTC(year, month, 0)); // the month's last day
    const date = day === 'last Sunday' ? last.getUTCDate() - last.getUTCDay() : day;
    return Date.UTC(year, month - 1, date, hour) / 1000;
  };
  const year = new Date(START * 1000).getUTCFullYear();
  return [of(year), of(year + 1)].find((t) => t > START + DAY);
}

// each in the middle of a hold
const MOMENTS = {
  'year end in Budapest': next(12, 31, 23),
  'the night that clocks go forward': next(3, 'last Sunday', 1), // Directive 2000/84/EC: at 1 a.m. UTC
  'the night that clocks go back': next(10, 'last Sunday', 1),
  'the first morning of March': next(3, 1, 0),
  'UTC midnight': next(6, 15, 0),
};

describe('time', { skip: noClock }, () => {
  let c, r, desk, house, shelter;

  /** The service's clock says ${unix} now, whatever it said before. */
  const set = (unix) => {
    const offset = Math.round(unix - Date.now() / 1000);
    writeFileSync(`${c.file}.new`, `${offset < 0 ? '' : '+'}${offset}\n`);
    renameSync(`${c.file}.new`, c.file);
  };
  /** On new connections: an old one is let in once, whatever the clock says since. */
  const signIn = async () => {
    for (const [client, role] of [[desk, 'counsellor'], [house, 'shelter_staff']]) {
      client.end();
      const { user, passphrase } = r.credentials(role);
      await client.signIn(user, passphrase);
    }
  };
  const at = async (unix) => { set(unix); await signIn(); };
  const stateOf = async (id) => (await desk.get(`/v1/reservations/${id}`)).json.state;
  const free = async () => (await house.get(`/v1/shelters/${shelter}/availability`)).json.units.filter((u) => u.state === 'free').length;
  const hold = async () => {
    await house.post(`/v1/shelters/${shelter}/confirmations`);
    const episode = await openEpisode(desk, ALONE);
    const candidate = (await search(desk, episode)).candidates.find((x) => x.code_name === 'Nyugat 1');
    assert.ok(candidate, 'the room is not offered');
    const answer = await desk.post('/v1/reservations', holdBody(episode, candidate));
    assert.equal(answer.status, 201, answer.text);
    return answer.json;
  };

  before(async () => {
    c = await new Clockwork().start();
    r = c.registry;
    desk = r.bare('counsellor');
    house = r.bare('shelter_staff');
    await signIn();
    shelter = await ownHouse(house);
  });
  after(async () => {
    await r.kill9().catch(() => {});
    rmSync(r.work, { recursive: true, force: true });
  });

  test('back by three days and forth by as many: a hold lives as long as it was promised', async () => {
    const now = START;
    await at(now);
    const rooms = await free();
    const { id } = await hold();
    for (const [seconds, state] of [[-3 * DAY, 'held'], [10 * MINUTE, 'held'], [-DAY, 'held'], [29 * MINUTE, 'held'], [31 * MINUTE, 'expired']]) {
      await at(now + seconds);
      await sleep(1200); // the ticker looks each second
      assert.equal(await stateOf(id), state, `${seconds} s from the hold`);
    }
    assert.equal(await free(), rooms, 'a place is lost');
    await at(now - 3 * DAY);
    await sleep(1200);
    assert.equal(await stateOf(id), 'expired', 'what is over comes back');
    assert.equal(await free(), rooms);
    await at(now);
  });

  test('a token of before a jump is no token after its time, and no token of the future works for ever', async () => {
    const now = START;
    await at(now);
    set(now + 16 * MINUTE);
    assert.equal((await desk.get('/v1/me')).status, 401);
    await at(now + 2 * DAY);
    set(now);
    assert.equal((await desk.get('/v1/me')).status, 401, 'a token from the day after tomorrow');
    await at(now);
    assert.equal((await desk.get('/v1/me')).status, 200);
  });

  for (const [name, middle] of Object.entries(MOMENTS)) {
    test(`${name}: half an hour is half an hour`, async () => {
      await at(middle - 10 * MINUTE);
      const rooms = await free();
      const { id, held_at: from, expires_at: to } = await hold();
      assert.equal(Date.parse(to) - Date.parse(from), 30 * MINUTE * 1000);
      await at(middle + 19 * MINUTE);
      await sleep(1200);
      assert.equal(await stateOf(id), 'held', 'expired early');
      await at(middle + 21 * MINUTE);
      await sleep(1200);
      assert.equal(await stateOf(id), 'expired', 'expired late');
      assert.equal(await free(), rooms, 'a place is lost');
    });
  }

  test('a family that stays is not put out by any clock', async () => {
    const now = START + 300 * DAY;
    await at(now);
    const { id } = await hold();
    for (const [client, step] of [[desk, 'request'], [house, 'confirm'], [house, 'arrive']])
      assert.equal((await client.post(`/v1/reservations/${id}/${step}`)).status, 200, step);
    for (const seconds of [-30 * DAY, 85 * DAY, -300 * DAY, 0]) {
      await at(now + seconds);
      await sleep(1200);
      assert.equal((await house.get(`/v1/reservations/${id}`)).json.state, 'in_stay', `${seconds} s away`);
    }
  });

  test('and the records are sound', async () => {
    await r.stop();
    checkOffline(r);
  });
});
