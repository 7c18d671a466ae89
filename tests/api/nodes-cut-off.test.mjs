// SPDX-License-Identifier: Apache-2.0
// A node whose line to the database is dead, while the others' lives: past the bound it answers nothing from what it last
// knew, says so to whoever asks whether it is ready, and comes back by itself with what the others did meanwhile.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Line } from './lib/line.mjs';
import { SLOWER, comes, took } from './lib/patience.mjs';
import { Registry, sleep } from './lib/registry.mjs';
import { hold, openEpisode, ownHouse, settle } from './lib/scenes.mjs';

const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const BOUND = 10000; // STALE_MS: nothing is answered from what is older
const HEALTH = ['--health', '127.0.0.1:0'];

let nodes, far, line; // far: the node at the end of the line

before(async () => {
  const first = new Registry().share();
  nodes = [first, new Registry(first), new Registry(first)];
  [, , far] = nodes;
  line = await Line.of(far);
  for (const n of nodes) await n.start({}, HEALTH);
});
after(async () => {
  line.mend();
  for (const n of nodes) await n.close();
  line.close();
});

const says = async (node) => {
  const answer = await fetch(`http://127.0.0.1:${node.healthPort}/readyz`);
  return `${answer.status} ${(await answer.text()).trim()}`;
};
const search = (desk, episode) => desk.post(`/v1/episodes/${episode.id}/searches`);
const names = (answer) => answer.json.candidates.map((c) => c.code_name);

/** All rooms of a house with staff but one are taken. */
async function leaveOneRoom() {
  const staff = await nodes[0].as('shelter_staff'), path = `/v1/shelters/${await ownHouse(staff)}/availability`;
  const { units } = (await staff.get(path)).json, free = units.find((u) => u.adult_beds > 0);
  const answer = await staff.patch(path, { units: units.map((u) => ({ unit: u.id, state: u.id === free.id ? 'free' : 'occupied' })) });
  assert.equal(answer.status, 200, answer.text);
}

test('a node whose line to the database is dead answers nothing past the bound, and comes back by itself', async () => {
  await leaveOneRoom();
  const there = await far.as('counsellor'), here = await nodes[0].as('counsellor');
  const episode = await openEpisode(there, ALONE);
  await comes(async () => names(await search(there, episode)).includes('Nyugat 1'), 'it does not offer the room');
  assert.equal(await says(far), '200 ready');

  await sleep(1000); // what it still had to write down is: a change that is refused says store, and sooner
  line.cut();
  const asks = () => there.get(`/v1/episodes/${episode.id}`).then((a) => a.status);
  let status;
  const until = await took(() => comes(async () => (status = await asks()) === 503, () => `it answers ${status}`, 1.5 * BOUND * SLOWER));
  assert.match(await says(far), /^503 (behind|store)$/);
  assert.ok(until > BOUND / 2, `it was behind after ${until} ms: a failover takes longer`);
  const refusals = [await search(there, episode), await there.get(`/v1/episodes/${episode.id}`), await there.get('/v1/reservations')];
  for (const answer of refusals) {
    assert.equal(answer.status, 503, answer.text);
    assert.ok(Number(answer.headers['retry-after']) > 0, 'nobody says when to try again');
    assert.ok(!/Nyugat|candidates/.test(answer.text), answer.text);
  }
  for (const node of nodes.slice(0, 2)) {
    assert.equal(await says(node), '200 ready');
    assert.equal((await search(await node.as('counsellor'), await openEpisode(await node.as('counsellor'), ALONE))).status, 200);
  }
  const scene = await hold(here, { name: 'Nyugat 1', household: ALONE }); // the room that the other offered last
  assert.match(await says(far), /^503 (behind|store)$/);

  line.mend();
  await comes(async () => await says(far) === '200 ready', 'it does not come back');
  assert.equal((await there.get(`/v1/reservations/${scene.reservation.id}`)).status, 200, 'it came back without what the others did');
  const answer = await search(there, episode);
  assert.equal(answer.status, 200, answer.text);
  assert.ok(!names(answer).includes('Nyugat 1'), 'it offers a room that was given away meanwhile');
  await settle(nodes[0], scene);
});
