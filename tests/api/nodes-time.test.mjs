// SPDX-License-Identifier: Apache-2.0
// Three nodes over one PostgreSQL look at the clock: what runs out does so once.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before } from 'node:test';
import { Clockwork, HOUR, clockTest, noClock } from './lib/clockwork.mjs';
import { comes } from './lib/patience.mjs';
import { Registry, root, sleep } from './lib/registry.mjs';
import { hold, holdBody, openEpisode, ownHouse, reservationIn, search, settle } from './lib/scenes.mjs';

const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };

let nodes, clocks;

before(async () => {
  if (noClock) return;
  const first = new Registry().share();
  nodes = [first, new Registry(first), new Registry(first)];
  clocks = nodes.map(() => new Clockwork());
  for (const [i, n] of nodes.entries()) await clocks[i].start([], () => {}, n);
});
after(async () => { for (const n of nodes ?? []) await n.close(); });

/** Hold a room of Nyugat 1, and say which: its house sees that. */
async function holdRoom(node, desk) {
  const staff = await node.as('shelter_staff');
  const house = await ownHouse(staff);
  const rooms = async () => (await staff.get(`/v1/shelters/${house}/availability`)).json.units;
  const was = await rooms();
  const scene = await hold(desk, { name: 'Nyugat 1', household: ALONE });
  const taken = (await rooms()).filter((u, i) => u.state !== was[i].state);
  assert.equal(taken.length, 1);
  return { scene, room: taken[0].name };
}

clockTest('a hold that ran out is expired once, though three nodes look', async () => {
  const auditor = await nodes[0].as('auditor');
  const expiries = async () => (await auditor.get('/v1/audit?limit=100')).json.data
    .filter((e) => e.action === 'clock_expire_reservation').length;
  const before = await expiries();
  const desk = await nodes[0].as('counsellor');
  const { reservation } = await hold(desk, { name: 'Nyugat 1', household: ALONE });
  for (const c of clocks) c.jump(2 * HOUR);
  // a token of the time before the nodes agreed on the new one is old with it
  const again = () => auditor.signIn('ellenor', nodes[0].passphrase('ellenor'));
  await comes(async () => {
    await again();
    await sleep(500);
    return await expiries().catch(() => 0) > before;
  }, 'nobody expired the hold');
  await sleep(3000); // for the others' timers
  const found = await comes(async () => {
    await again();
    return expiries().catch(() => 0);
  }, 'the trail is not told any more');
  assert.equal(found, before + 1);
  await desk.signIn('okit.anna', nodes[0].passphrase('okit.anna'));
  assert.equal((await desk.get(`/v1/reservations/${reservation.id}`)).json.state, 'expired');
});

clockTest('a clock that is hours ahead on one node ends no hold, and that node goes by the time of the others', async () => {
  const desk = await nodes[0].person('okit.dora', 'counsellor');
  const scene = await hold(desk, { name: 'Nyugat 1', household: ALONE });
  const said = () => nodes[2].logText().split('clocks_differ').length;
  const before = said();
  clocks[2].jump(2 * HOUR);
  await comes(() => said() > before, 'it does not notice that its clock differs');
  await sleep(3000); // for its timer
  const state = async (who) => (await who.get(`/v1/reservations/${scene.reservation.id}`)).json.state;
  assert.equal(await state(desk), 'held');
  const there = await nodes[2].person('okit.dora', 'counsellor');
  assert.equal(await state(there), 'held');
  const here = nodes[0].bare('counsellor');
  here.token = there.token;
  assert.equal(await state(here), 'held', 'a token of that node is no good at another');
  const agreed = () => nodes[2].logText().split('clocks_agree').length;
  const once = agreed();
  clocks[2].jump(-2 * HOUR);
  await comes(() => agreed() > once, 'it does not notice that its clock is mended');
  await settle(nodes[0], { ...scene, desk });
});

clockTest('a node whose clock is off tells no location, and counts no telling', async () => {
  const desk = await nodes[0].as('counsellor');
  const scene = await reservationIn(nodes[0], 'confirmed');
  const path = `/v1/reservations/${scene.reservation.id}`;
  for (const shift of [2 * HOUR, -HOUR]) {
    const said = () => nodes[2].logText().split('clocks_differ').length;
    const before = said();
    clocks[2].jump(shift);
    await comes(() => said() > before, 'it does not notice that its clock differs');
    const there = await nodes[2].person('okit.anna', 'counsellor');
    for (let i = 0; i < 4; i++) {
      const told = await there.post(`${path}/disclosures`, { reason: 'intake_call' });
      assert.deepEqual([told.status, told.json.code], [503, 'location_withheld'], told.text);
    }
    assert.equal((await desk.get(path)).json.disclosures_left, 3, 'what was not told was counted');
    const agreed = () => nodes[2].logText().split('clocks_agree').length;
    const once = agreed();
    clocks[2].jump(-shift);
    await comes(() => agreed() > once, 'it does not notice that its clock is mended');
  }
  await settle(nodes[0], scene);
});

clockTest('what a node holds whose clock is an hour behind the others do not end at once', async () => {
  const said = () => nodes[2].logText().split('clocks_differ').length;
  const before = said();
  clocks[2].jump(-HOUR);
  await comes(() => said() > before, 'it does not notice that its clock differs');
  const there = await nodes[2].person('okit.dora', 'counsellor');
  const scene = await hold(there, { name: 'Nyugat 1', household: ALONE });
  await sleep(3000); // for the others' timers
  const desk = await nodes[0].person('okit.dora', 'counsellor');
  for (const who of [there, desk])
    assert.equal((await who.get(`/v1/reservations/${scene.reservation.id}`)).json.state, 'held');
  const agreed = () => nodes[2].logText().split('clocks_agree').length;
  const once = agreed();
  clocks[2].jump(HOUR);
  await comes(() => agreed() > once, 'it does not notice that its clock is mended');
  assert.equal((await there.get(`/v1/reservations/${scene.reservation.id}`)).json.state, 'held');
  await settle(nodes[0], { ...scene, desk });
});

clockTest('a purge at the keeper while that is not served ends nothing that the others hold, whatever its clock says', async () => {
  const desk = await nodes[2].person('okit.dora', 'counsellor');
  const scene = await hold(desk, { name: 'Nyugat 1', household: ALONE });
  await nodes[0].stop();
  clocks[0].jump(2 * HOUR);
  const said = execFileSync(resolve(root, 'build/release/menedek'), ['purge', '--dir', nodes[0].dir],
    { encoding: 'utf8', env: { ...process.env, ...clocks[0].environment } });
  clocks[0].jump(-2 * HOUR);
  await nodes[0].start(clocks[0].environment);
  assert.match(said, /^run\s+\d+$/m);
  assert.equal((await desk.get(`/v1/reservations/${scene.reservation.id}`)).json.state, 'held');
  await settle(nodes[2], { ...scene, desk });
});

clockTest('an import at a node that is not served keeps the rooms that others hold as they are, whatever its clock says', async () => {
  const desk = await nodes[2].person('okit.dora', 'counsellor');
  const { scene, room } = await holdRoom(nodes[2], desk);
  const [head, ...rows] = readFileSync(resolve(root, 'data/sample-units.csv'), 'utf8').trim().split('\n').filter((l) => !l.startsWith('#'))
    .map((l) => l.split(','));
  const row = rows.find((cell) => cell[0] === 'Nyugat 1' && cell[1] === room);
  row[head.indexOf('shared')] = 'yes'; // so that others come beside who holds it for herself
  await nodes[0].stop();
  clocks[0].jump(2 * HOUR);
  const told = spawnSync(resolve(root, 'build/release/menedek'),
    ['import', '--dir', nodes[0].dir, `units=${nodes[0].file('units.csv', `${head}\n${row}\n`)}`],
    { encoding: 'utf8', env: { ...process.env, ...clocks[0].environment, LC_ALL: 'C' } });
  clocks[0].jump(-2 * HOUR);
  await nodes[0].start(clocks[0].environment);
  assert.equal(told.status, 1, told.stdout + told.stderr);
  assert.match(told.stderr, /stays as it is while a reservation is live in it/);
  await settle(nodes[2], { ...scene, desk });
});

clockTest('a line of paper is judged at a node that is not served by the time of the others, whatever its clock says', async () => {
  const desk = await nodes[2].person('okit.dora', 'counsellor');
  const { scene, room } = await holdRoom(nodes[2], desk);
  const yesterday = `${new Date(Date.now() - 86400_000).toISOString().slice(0, 19)}Z`; // told since: a conflict, which says what is there now
  await nodes[0].stop();
  clocks[0].jump(2 * HOUR);
  const told = spawnSync(resolve(root, 'build/release/menedek'),
    ['reconcile', '--dry-run', '--dir', nodes[0].dir, nodes[0].file('rooms.csv', `time,house,room,state,places\n${yesterday},Nyugat 1,${room},free,\n`)],
    { encoding: 'utf8', env: { ...process.env, ...clocks[0].environment, LC_ALL: 'C' } });
  clocks[0].jump(-2 * HOUR);
  await nodes[0].start(clocks[0].environment);
  assert.equal(told.status, 5, told.stdout + told.stderr);
  assert.match(told.stdout, /^CONFLICT .*; now: (held|partly_free)$/m);
  await settle(nodes[2], { ...scene, desk });
});

clockTest('of two nodes that differ neither ends a hold before its time by both', async () => {
  await nodes[1].stop();
  const desk = await nodes[0].person('okit.dora', 'counsellor');
  const scene = await hold(desk, { name: 'Nyugat 1', household: ALONE });
  await sleep(6000); // until it counts no more
  const said = () => nodes[2].logText().split('clocks_differ').length;
  const before = said();
  clocks[2].jump(2 * HOUR);
  await comes(() => said() > before, 'it does not notice that its clock differs');
  await sleep(3000); // for its timer
  assert.equal((await desk.get(`/v1/reservations/${scene.reservation.id}`)).json.state, 'held');
  // nor when it is started again: with its last beat of before it would be two of three
  await nodes[2].stop();
  await nodes[2].start(clocks[2].environment);
  await sleep(3000); // for its timer
  assert.equal((await desk.get(`/v1/reservations/${scene.reservation.id}`)).json.state, 'held');
  // nor does the node that is ahead take it for over when it is asked, or give its room away
  const ahead = await nodes[2].person('okit.dora', 'counsellor');
  assert.equal((await ahead.get(`/v1/reservations/${scene.reservation.id}`)).json.state, 'held');
  let taken = 0;
  for (;; taken++) {
    const episode = await openEpisode(ahead, ALONE);
    const candidate = (await search(ahead, episode)).candidates.find((c) => c.code_name === 'Nyugat 1');
    if (!candidate) break;
    assert.equal((await ahead.post('/v1/reservations', holdBody(episode, candidate))).status, 201);
  }
  assert.ok(taken > 0, 'it gives no room away: no verdict');
  const request = await desk.post(`/v1/reservations/${scene.reservation.id}/request`);
  assert.equal(request.status, 200, `its room was given to somebody else: ${request.text}`);
  clocks[0].jump(2 * HOUR);
  await comes(async () => {
    await sleep(500); // a device may sign in so often
    const there = await nodes[2].person('okit.dora', 'counsellor');
    return (await there.get(`/v1/reservations/${scene.reservation.id}`)).json.state === 'expired';
  }, 'it never runs out');
});
