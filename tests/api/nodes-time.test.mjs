// SPDX-License-Identifier: Apache-2.0
// Three nodes over one PostgreSQL look at the clock: what runs out does so once.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
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
  const began = performance.now();
  const said = execFileSync(resolve(root, 'build/release/menedek'), ['purge', '--dir', nodes[0].dir],
    { encoding: 'utf8', env: { ...process.env, ...clocks[0].environment } });
  const took = performance.now() - began;
  clocks[0].jump(-2 * HOUR);
  await nodes[0].start(clocks[0].environment);
  assert.match(said, /^run\s+\d+$/m);
  assert.ok(took > 2000, 'readers at the other nodes had no time to let go of what lay under the keys that it destroyed');
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

clockTest('a line of paper of a time that by the others has not come yet ends no hold, though by this clock it has', async () => {
  const desk = await nodes[2].person('okit.dora', 'counsellor');
  const { scene, room } = await holdRoom(nodes[2], desk);
  const soon = `${new Date((clocks[2].now() + HOUR) * 1000).toISOString().slice(0, 19)}Z`; // the hold is over by then
  await nodes[0].stop();
  clocks[0].jump(2 * HOUR);
  const told = spawnSync(resolve(root, 'build/release/menedek'),
    ['reconcile', '--dir', nodes[0].dir, nodes[0].file('rooms.csv', `time,house,room,state,places\n${soon},Nyugat 1,${room},free,\n`)],
    { encoding: 'utf8', env: { ...process.env, ...clocks[0].environment, LC_ALL: 'C' } });
  clocks[0].jump(-2 * HOUR);
  await nodes[0].start(clocks[0].environment);
  assert.equal(told.status, 1, told.stdout + told.stderr);
  assert.match(told.stderr, /rooms\.csv line 2: time lies in the future/);
  const request = await desk.post(`/v1/reservations/${scene.reservation.id}/request`);
  assert.equal(request.status, 200, `its hold was ended: ${request.text}`);
  await settle(nodes[2], { ...scene, desk });
});

clockTest('a node whose clock is hours behind writes a sheet once, and has time for what else is due', async () => {
  await nodes[2].stop();
  const made = spawnSync(resolve(root, 'build/release/menedek'), ['sheet', 'key', '--dir', nodes[2].dir, '--org', 'OKIT (minta)',
    '--name', 'okit', '--passphrase-stdin'], { input: 'sirály ül a mólón\n', encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const times = (word) => nodes[2].logText().split(word).length - 1;
  const before = times('clocks_differ');
  clocks[2].jump(-5 * HOUR);
  await nodes[2].start(clocks[2].environment, ['--sheets', join(nodes[2].work, 'sheets')]);
  await comes(() => times('clocks_differ') > before, 'it does not notice that its clock differs');
  await comes(() => times('sheets_written') > 0, 'there is no sheet');
  await sleep(7000); // it looks every two seconds
  assert.equal(times('sheets_written'), 1);
  clocks[2].jump(5 * HOUR);
  await nodes[2].stop();
  await nodes[2].start(clocks[2].environment);
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

clockTest('of two nodes that differ by an hour each knows of the guesses at the other', async () => {
  const says = (word) => () => nodes[2].logText().match(/clocks_(differ|agree)/g)?.at(-1) === word;
  await comes(says('clocks_agree'), 'it does not notice that its clock is right again'); // it is told of a change only
  clocks[2].jump(HOUR);
  await comes(says('clocks_differ'), 'it does not notice that its clock differs');
  const [here, there] = [nodes[0], nodes[2]].map((n) => n.bare('counsellor'));
  const guess = (at) => at.send('POST', '/v1/tokens', { user: 'nobody.here', passphrase: 'not the right one' });
  for (let counted = 0; counted < 12; counted++) { // the next wait is of several minutes
    const answer = await guess(here);
    if (answer.status === 401) continue;
    clocks.forEach((c) => c.jump(Number(answer.headers['retry-after'])));
    // each goes by what the other said last: until it has said more nothing has passed, and who jumps once more has jumped too far
    await comes(async () => (await guess(here)).status === 401, 'the wait does not end');
  }
  await comes(async () => (await guess(there)).status === 429, 'the other node lets everybody guess'); // it has heard of the last one
  for (const at of [there, here, there, here]) assert.equal((await guess(at)).status, 429);
});
