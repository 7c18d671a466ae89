// SPDX-License-Identifier: Apache-2.0
// Live events over mutual TLS: in time, only to whom they concern, never with a house; and a stream that is no longer
// allowed ends.
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { guest } from './lib/devices.mjs';
import { PATIENCE, SLOWER, took, within } from './lib/patience.mjs';
import { isCopy } from './lib/postgres.mjs';
import { Registry, SEVERAL, sleep } from './lib/registry.mjs';
import { hold, openEpisode, ownHouse, settle } from './lib/scenes.mjs';
import { listen } from './lib/stream.mjs';

const SOON = 1000 * SLOWER;
const END = 2000 * SLOWER; // the server looks once a second
const STREAMS = 50;
const FREED = 'capacity.changed'; // of some house, told to every desk
const PING = 15000; // LIMIT_PING_MS

let r, desk, staff;
const streams = [];
async function open(client, last) {
  const stream = await listen(client, last);
  if (stream.status) assert.fail(JSON.stringify(stream));
  streams.push(stream);
  return stream;
}

before(async () => {
  r = await new Registry().start();
  desk = await r.as('counsellor');
  staff = await r.as('shelter_staff');
});
after(async () => {
  for (const s of streams) s.close();
  await r.close();
});

test('each side hears of the other within a second, foreign desks and houses of nothing', async () => {
  const child_line = await guest(r, 'gyermekvonal.kata', 'Gyermekvédelmi hívószám (minta)');
  const other_house = await guest(r, 'haz.kozep1', 'Hársliget Önkormányzata (minta)');
  const [at_desk, at_house, foreign_desk, foreign_house] =
    await Promise.all([desk, staff, child_line.client, other_house.client].map((c) => open(c)));
  assert.match(at_house.headers['content-type'], /^text\/event-stream/);
  assert.equal(at_house.headers['cache-control'], 'no-store');
  assert.match(at_house.headers['request-id'], /^[0-9a-z]{26}$/);

  const ids = [];
  const tells = async (client, step, id, stream, event) => {
    const asked = performance.now();
    assert.equal((await client.post(`/v1/reservations/${id}/${step}`)).status, 200);
    const told = await stream.hears(event, id);
    assert.ok(told, `${event} was not heard`);
    return told.heard - asked;
  };
  await within(SOON, async () => {
    const scene = await hold(desk, { name: 'Nyugat 1' });
    const { id } = scene.reservation;
    ids.push(id);
    const delay = Math.max(await tells(desk, 'request', id, at_house, 'reservation.requested'),
      await tells(staff, 'confirm', id, at_desk, 'reservation.confirmed'));
    await settle(r, scene);
    assert.ok(await at_house.hears('reservation.cancelled', id));
    return delay;
  });

  for (const s of [foreign_desk, foreign_house])
    assert.ok(!ids.some((id) => s.knows(id)), JSON.stringify(s.events));
  const house = await ownHouse(staff);
  const freed = at_desk.events.filter((e) => e.event === FREED); // by the scenes settled above, if the machine is slow enough
  for (const e of freed) assert.deepEqual(e.data, {});
  for (const e of [...at_desk.events.filter((x) => !freed.includes(x)), ...at_house.events]) {
    assert.deepEqual(Object.keys(e.data).sort(), ['at', 'subject']);
    assert.match(e.data.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.notEqual(e.data.subject, house);
  }
  for (const e of at_house.events) assert.match(e.id, /^[\w-]{66}$/);
});

test('a change of a room is told to the house alone', async () => {
  const [at_desk, at_house] = [await open(desk), await open(staff)];
  const house = await ownHouse(staff);
  assert.equal((await staff.post(`/v1/shelters/${house}/confirmations`)).status, 200);
  assert.ok(await at_house.hears('availability.changed', house));
  await sleep(100);
  assert.deepEqual(at_desk.events.filter((e) => e.event !== FREED), []);
});

test('a place that is freed anywhere is told to every desk, without where, and a confirmation is not', async () => {
  const foreign = await guest(r, 'gyermekvonal.kata', 'Gyermekvédelmi hívószám (minta)');
  const house = await ownHouse(staff);
  const { units } = (await staff.get(`/v1/shelters/${house}/availability`)).json;
  const unit = units.find((u) => u.state === 'free');
  const set = async (state) => assert.equal((await staff.patch(`/v1/shelters/${house}/availability`, { units: [{ unit: unit.id, state }] })).status, 200);
  const [mine, theirs, at_house] = [await open(desk), await open(foreign.client), await open(staff)];
  let extra;
  for (let i = 0; i < 3 && extra !== 0; i++) { // where the machine stalls, what was freed before is told late
    await set('free');
    await sleep(2 * SOON);
    for (const s of [mine, theirs]) s.events.length = 0;
    await set('occupied');
    assert.equal((await staff.post(`/v1/shelters/${house}/confirmations`)).status, 200);
    await sleep(2 * SOON);
    extra = mine.events.length + theirs.events.length;
  }
  assert.equal(extra, 0, 'nothing was freed');
  await within(2 * SOON, async () => {
    await set('occupied');
    for (const s of [mine, theirs]) s.events.length = 0;
    const asked = performance.now();
    await set('free');
    const heard = [];
    for (const s of [mine, theirs]) {
      const told = await s.hears('capacity.changed');
      assert.ok(told, 'the desk did not hear');
      assert.deepEqual([told.data, told.id], [{}, undefined]);
      heard.push(told.heard - asked);
    }
    return Math.max(...heard);
  }, 'told');
  await sleep(2 * SOON);
  assert.equal(mine.events.length, 1, 'once');
  assert.ok(!at_house.events.some((e) => e.event === 'capacity.changed'));
});

test('a house that may take more than before is told to every desk as a place that is freed', async () => {
  const manager = await r.as('admin');
  const house = await ownHouse(staff);
  const mine = await open(desk);
  const change = async (is_open) => {
    const { headers } = await manager.get(`/v1/shelters/${house}`);
    const answer = await manager.patch(`/v1/shelters/${house}`, { is_open }, { 'If-Match': headers.etag });
    assert.equal(answer.status, 200, answer.text);
  };
  await change(false);
  await sleep(2 * SOON);
  mine.events.length = 0;
  await change(true);
  assert.ok(await mine.hears('capacity.changed'), 'no desk heard that it is open again');
});

test('a reader that comes back hears what it missed, once and in order', async () => {
  const first = await open(desk);
  const before_it = await openEpisode(desk);
  const last = await first.hears('episode.opened', before_it.id);
  first.close();
  const scene = await hold(desk, { name: 'Nyugat 1' });
  await settle(r, scene);
  const again = await open(desk, last.id);
  assert.ok(await again.hears('episode.closed', scene.episode.id));
  assert.deepEqual(again.events.map((e) => e.event).filter((e) => e !== FREED),
    ['episode.opened', 'reservation.held', 'reservation.cancelled', 'episode.closed']);
  const fresh = await open(desk);
  await sleep(100);
  assert.deepEqual(fresh.events.filter((e) => e.event !== FREED), [], 'who names no event hears only what is new');
});

test('who cannot say where it stopped is told to read anew, and why is not said', async () => {
  const mine = await open(desk);
  await openEpisode(desk);
  const last = (await mine.hears('episode.opened')).id;
  const flipped = last.slice(0, 30) + (last[30] === 'A' ? 'B' : 'A') + last.slice(31);
  for (const bad of ['1', '9007199254740991', 'abc', '-1', '1;2', flipped, last.slice(1), `${last}A`]) {
    const stream = await open(desk, bad);
    const reset = await stream.hears('reset');
    assert.ok(reset, bad);
    assert.deepEqual(reset.data, {});
    const episode = await openEpisode(desk);
    assert.ok(await stream.hears('episode.opened', episode.id), 'after the reset it goes on');
  }
  const dora = await open(await r.person('okit.dora', 'counsellor'), last);
  assert.ok(await dora.hears('reset'), "a colleague's place on the same device");
});

test('who may not listen is refused', async () => {
  for (const role of ['family_support', 'admin', 'auditor', 'statistician'])
    assert.equal((await listen(await r.as(role))).status, 403, role);
  assert.equal((await listen({ ...desk, agent: desk.agent, registry: r, token: 'nonsense' })).status, 401);
});

test('signing out ends the streams of that token, and only those', async () => {
  await within(END, async () => {
    const once = await r.person('okit.dora', 'counsellor');
    const stream = await open(once);
    return took(async () => {
      assert.equal((await once.delete('/v1/tokens/current')).status, 204);
      assert.ok(await stream.ends(), 'the stream outlived its token');
    });
  }, 'ended');
  const dora = await r.person('okit.dora', 'counsellor');
  const elsewhere = await r.person('okit.dora', 'counsellor');
  const [hers, other, colleague] = [await open(dora), await open(elsewhere), await open(desk)];
  assert.equal((await dora.delete('/v1/tokens/current')).status, 204);
  assert.ok(await hers.ends(), 'the stream outlived its token');
  // all were asked whether they may go on; who may says something
  assert.match(await colleague.says(), /^: /);
  assert.ok(await other.says());
  assert.ok(!await other.ends(100) && !await colleague.ends(100));
});

test('retiring a person ends her streams', async () => {
  const admin = await r.as('admin');
  const colleague = await open(desk);
  let eszter, user;
  const setRetired = async (retired) => {
    const { etag } = (await admin.get(`/v1/users/${user}`)).headers;
    const answer = await admin.patch(`/v1/users/${user}`, { retired }, { 'If-Match': etag });
    assert.equal(answer.status, 200, answer.text);
    if (!retired) await r.agree(answer.json.pending); // her rights lead to locations: a second person
  };
  await within(END, async () => {
    if (user) await setRetired(false);
    eszter = await r.person('okit.eszter', 'counsellor');
    const hers = await open(eszter);
    ({ user } = (await eszter.get('/v1/me')).json);
    return took(async () => {
      await setRetired(true);
      assert.ok(await hers.ends(), 'a retired person still hears');
    });
  }, 'ended');
  assert.ok(!await colleague.ends(100));
  assert.equal((await eszter.get('/v1/me')).status, 401);
});

test('revoking a device ends its streams', async () => {
  const [admin, colleague] = [await r.as('admin'), await open(desk)];
  await within(END, async () => {
    const { device, client } = await guest(r, 'okit.dora', 'OKIT (minta)');
    const hers = await open(client);
    return took(async () => {
      assert.equal((await admin.post(`/v1/devices/${device.id}/revoke`)).status, 200);
      assert.ok(await hers.ends(), 'a revoked device still hears');
    });
  }, 'ended');
  assert.ok(!await colleague.ends(100));
});

test(`${STREAMS} streams at once all hear one event`, async () => {
  const many = await Promise.all(Array.from({ length: STREAMS }, () => open(desk)));
  await within(SOON, async () => {
    const asked = performance.now();
    const episode = await openEpisode(desk);
    const heard = await Promise.all(many.map((s) => s.hears('episode.opened', episode.id)));
    assert.equal(heard.filter(Boolean).length, STREAMS);
    return Math.max(...heard.map((e) => e.heard - asked));
  });
});

test('a stream on which nothing happens says a comment every 15 seconds', async () => {
  const quiet = await open(desk);
  const opened = performance.now();
  assert.ok(await quiet.says(PING + PATIENCE), 'the stream was silent');
  const after_it = performance.now() - opened;
  assert.ok(after_it > PING / 2, `nothing happened, but it spoke after ${after_it} ms`);
  assert.deepEqual([quiet.comments.length, quiet.events], [1, []]);
  assert.match(quiet.comments[0], /^:[ -~]*$/);
});

test('a reader that comes back to a registry that was restored, and has given its number again, reads anew', { skip: isCopy || SEVERAL }, async () => {
  const backup = join(r.work, 'backup'), plain = (path) => !path.endsWith('.sock');
  const heard = async () => {
    const stream = await open(staff);
    await staff.post(`/v1/shelters/${await ownHouse(staff)}/confirmations`);
    const event = await stream.hears('availability.changed');
    stream.close();
    return event;
  };
  await r.stop();
  cpSync(r.dir, backup, { recursive: true, filter: plain });
  await r.start();
  staff = await r.as('shelter_staff');
  const lost = await heard(); // the backup does not have it
  await r.stop();
  rmSync(r.dir, { recursive: true });
  cpSync(backup, r.dir, { recursive: true });
  while (Date.now() < Date.parse(lost.data.at) + 1000) await sleep(50); // its second is over
  await r.start();
  staff = await r.as('shelter_staff');
  const other = await heard();
  assert.notEqual(other.data.at, lost.data.at);
  const back = await open(staff, lost.id);
  assert.ok(await back.hears('reset'), 'what it missed was passed over');
});
