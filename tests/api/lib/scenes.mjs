// SPDX-License-Identifier: Apache-2.0
// Scenes that several tests begin with: an open episode, a held room, a reservation in any state.
import assert from 'node:assert/strict';

export const MOTHER_OF_TWO = {
  case_type: 'partner_violence', women: 1, men: 0,
  children: [{ sex: 'female', band: '3-9' }, { sex: 'male', band: '0-2' }],
};

export async function openEpisode(desk, household = MOTHER_OF_TWO) {
  const answer = await desk.post('/v1/episodes', { channel: 'phone', household });
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
}

export async function search(desk, episode) {
  const answer = await desk.post(`/v1/episodes/${episode.id}/searches`);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

export const holdBody = (episode, candidate) => ({
  episode: episode.id, candidate: candidate.candidate, consent: true, need: 'no_safe_place_tonight',
  contact_channel: 'client_calls_house',
});

/** Hold a room of the house called ${name} (or of the best), for a new request unless one is given. */
export async function hold(desk, { household, name, episode: open } = {}) {
  const episode = open ?? await openEpisode(desk, household);
  const { candidates } = await search(desk, episode);
  const candidate = name ? candidates.find((c) => c.code_name === name) : candidates[0];
  assert.ok(candidate, `no candidate ${name ?? ''}`);
  const answer = await desk.post('/v1/reservations', holdBody(episode, candidate));
  assert.equal(answer.status, 201, answer.text);
  return { episode, candidate, reservation: answer.json };
}

const STEPS = {
  held: [],
  requested: [['desk', 'request']],
  confirmed: [['desk', 'request'], ['house', 'confirm']],
  in_stay: [['desk', 'request'], ['house', 'confirm'], ['house', 'arrive']],
  left: [['desk', 'request'], ['house', 'confirm'], ['house', 'arrive'], ['house', 'leave', { reason: 'own_housing' }]],
  declined_by_house: [['desk', 'request'], ['house', 'decline', { reason: 'no_staff_now' }]],
  declined_by_client: [['desk', 'client-decline', { reason: 'too_far' }]],
  cancelled: [['desk', 'cancel', { reason: 'contact_lost' }]],
  no_show: [['desk', 'request'], ['house', 'confirm'], ['house', 'no-show']],
};

/** A reservation at Nyugat 1 (the sample's house with staff) in ${state}. */
export async function reservationIn(registry, state) {
  const desk = await registry.as('counsellor');
  const house = await registry.as('shelter_staff');
  const scene = await hold(desk, { name: 'Nyugat 1', household: { case_type: 'partner_violence', women: 1, men: 0 } });
  for (const [who, step, body] of STEPS[state]) {
    const answer = await (who === 'desk' ? desk : house).post(`/v1/reservations/${scene.reservation.id}/${step}`, body);
    assert.equal(answer.status, 200, `${step}: ${answer.text}`);
    scene.reservation = answer.json;
  }
  return scene;
}

/** End a reservation, whatever its state, so that its room is free for the next scene. */
export async function settle(registry, { reservation, episode }) {
  const desk = await registry.as('counsellor');
  const house = await registry.as('shelter_staff');
  await desk.post(`/v1/reservations/${reservation.id}/cancel`, { reason: 'entered_by_mistake' });
  await house.post(`/v1/reservations/${reservation.id}/leave`, { reason: 'not_said' });
  await desk.post(`/v1/episodes/${episode.id}/close`, { outcome: 'other_help' });
}

/** The whole trail as ${auditor} sees it, newest first. */
export async function trail(auditor) {
  const entries = [];
  let next = '';
  do {
    const answer = await auditor.get(`/v1/audit?limit=100${next && `&cursor=${next}`}`);
    assert.equal(answer.status, 200, answer.text);
    entries.push(...answer.json.data);
    next = answer.json.next_cursor;
  } while (next);
  return entries;
}

export async function ownHouse(staff) { return (await staff.get('/v1/me')).json.shelters[0]; }
