// SPDX-License-Identifier: Apache-2.0
// What several nodes are measured by: how long until all know of a change, until a token that was withdrawn is good nowhere,
// and whether what clients at different nodes were told of one room has an order that explains it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { holdBody, openEpisode, ownHouse, search } from '../../api/lib/scenes.mjs';
import { explain } from '../../torture/lib/linear.mjs';
import { sleep, until } from './bed.mjs';

const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const DESKS = ['okit.anna', 'okit.dora', 'okit.eszter'];

/** A client of ${role} at node ${home}, in the name of whoever has ${token}. */
function at(registry, role, home, token) {
  const client = registry.bare(role);
  client.home = home;
  client.registry.host = registry.hosts[home].address;
  if (token) client.token = token;
  return client;
}

/** Ms from now until ${look} is true, asked without a pause but the network's. */
async function since(look, seconds = 30) {
  const from = performance.now();
  while (!await look()) {
    if (performance.now() - from > seconds * 1000) throw new Error(`not within ${seconds} s`);
    await sleep(2);
  }
  return performance.now() - from;
}

const person = (registry, home, name) => at(registry, 'counsellor', home).signIn(name, registry.passphrase(name));

/** A house's own look at its rooms: a reading that is not recorded, so that looking does not hurry what is looked for. */
async function rooms(staff, house) { return (await staff.get(`/v1/shelters/${house}/availability`)).json.units; }

/** Ms from the answer at one node until each of the others gives what was written, for ${count} changes at nodes in turn. */
export async function visibility(registry, count) {
  const { user, passphrase } = registry.credentials('shelter_staff');
  const first = await at(registry, 'shelter_staff', 0).signIn(user, passphrase);
  const house = await ownHouse(first);
  const [room] = await rooms(first, house);
  const staff = registry.hosts.map((_, i) => at(registry, 'shelter_staff', i, first.token));
  for (const s of staff) await until('a token is good at every node', async () => (await s.get('/v1/me')).status === 200, 30);
  const took = [];
  for (let i = 0; i < count; i++) {
    const writer = staff[i % staff.length], state = i % 2 ? room.state : 'out_of_use';
    const answer = await writer.patch(`/v1/shelters/${house}/availability`, { units: [{ unit: room.id, state }] });
    assert.equal(answer.status, 200, answer.text);
    took.push(...await Promise.all(staff.filter((s) => s !== writer)
      .map((s) => since(async () => (await rooms(s, house)).find((u) => u.id === room.id).state === state))));
  }
  return took.sort((a, b) => a - b);
}

/** Ms from the answer to signing out at one node until the token is refused at all others, ${count} times. */
export async function revocation(registry, count) {
  const took = [];
  for (let i = 0; i < count; i++) {
    const home = i % registry.hosts.length;
    const here = await person(registry, home, DESKS[i % DESKS.length]);
    const there = registry.hosts.map((_, k) => k).filter((k) => k !== home).map((k) => at(registry, 'counsellor', k, here.token));
    for (const c of there) await until('a token is good at every node', async () => (await c.get('/v1/me')).status === 200, 30);
    assert.equal((await here.send('DELETE', '/v1/tokens/current')).status, 204);
    took.push(...await Promise.all(there.map((c) => since(async () => (await c.get('/v1/me')).status === 401))));
  }
  return took.sort((a, b) => a - b);
}

export const quantile = (sorted, q) => sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)];

/** Of ${clients} desks spread over the nodes each holds and releases one and the same room, and the house looks at it. */
export class OneRoom {
  history = [];
  holds = 0;

  constructor(registry, clients) { Object.assign(this, { registry, count: clients }); }

  async prepare() {
    const { registry } = this;
    const { user, passphrase } = registry.credentials('shelter_staff');
    const staff = await at(registry, 'shelter_staff', 0).signIn(user, passphrase);
    this.house = await ownHouse(staff);
    this.before = (await staff.get(`/v1/shelters/${this.house}/availability`)).json.units;
    const room = this.before.find((u) => u.adult_beds > 0);
    this.room = room.id;
    await this.#publish(staff, (u) => (u.id === room.id ? 'free' : 'occupied'));
    this.lookers = registry.hosts.map((_, i) => at(registry, 'shelter_staff', i, staff.token));
    const tokens = [];
    for (const [i, name] of DESKS.entries()) tokens.push((await person(registry, i, name)).token);
    this.clients = [];
    for (let i = 0; i < this.count; i++) {
      const desk = at(registry, 'counsellor', i % registry.hosts.length, tokens[i % tokens.length]);
      await until('a token is good at every node', async () => (await desk.get('/v1/me')).status === 200, 30);
      const episode = await openEpisode(desk, ALONE);
      const candidate = await until('the room is found', async () => (await search(desk, episode)).candidates.find((c) => c.code_name === 'Nyugat 1'), 30);
      this.clients.push({ desk, body: holdBody(episode, candidate) });
    }
    return this;
  }

  /** The node that is asked may hear of the last release a moment later; a hold that nobody was told of would stay. */
  async #publish(staff, state) {
    const units = this.before.map((u) => ({ unit: u.id, state: state(u) }));
    let answer;
    for (const end = performance.now() + 5000; ; await sleep(50)) {
      answer = await staff.patch(`/v1/shelters/${this.house}/availability`, { units });
      if (answer.status !== 409 || performance.now() > end) break;
    }
    assert.equal(answer.status, 200, answer.text);
  }

  /** With one key until there is an answer: it takes effect once, somewhere between the first call and the answer. */
  async #ask(client, method, path, body) {
    const headers = method === 'POST' ? { 'Idempotency-Key': randomUUID() } : {};
    const from = performance.now();
    for (let tries = 0; tries < 300; tries++) {
      const answer = await client.send(method, path, body, headers).catch(() => null);
      if (answer && ![503, 429].includes(answer.status)) return { answer, from, to: performance.now() };
      await sleep(100);
    }
    throw new Error(`${path}: no answer`);
  }

  async #look(client) {
    const seen = await this.#ask(client, 'GET', `/v1/shelters/${this.house}/availability`);
    const { state } = seen.answer.json.units.find((u) => u.id === this.room);
    this.history.push({ kind: state === 'free' ? 'free' : 'taken', from: seen.from, to: seen.to, reads: true });
  }

  async #holdAndRelease({ desk, body }) {
    const held = await this.#ask(desk, 'POST', '/v1/reservations', body);
    const { answer, from, to } = held;
    if (answer.status === 409 && answer.json.code === 'no_place_left') {
      this.history.push({ kind: 'refused', from, to, reads: true });
      await sleep(30);
      return;
    }
    assert.equal(answer.status, 201, answer.text);
    this.history.push({ kind: 'hold', from, to, id: answer.json.id });
    this.holds++;
    const released = await this.#ask(desk, 'POST', `/v1/reservations/${answer.json.id}/cancel`, { reason: 'entered_by_mistake' });
    assert.equal(released.answer.status, 200, released.answer.text);
    this.history.push({ kind: 'release', from: released.from, to: released.to, id: answer.json.id });
  }

  /** Until the room was held ${holds} times; ${meanwhile}() is called when half of it is done, and the work outlasts it. */
  async run(holds, meanwhile) {
    let wrong = null, isHurt = false;
    const goesOn = () => (this.holds < holds || !isHurt) && !wrong;
    const guarded = (work) => work().catch((e) => { wrong ??= e; });
    await Promise.all([
      ...this.clients.map((c) => guarded(async () => { while (goesOn()) await this.#holdAndRelease(c); })),
      ...this.lookers.map((c) => guarded(async () => { while (goesOn()) { await this.#look(c); await sleep(100); } })),
      guarded(async () => {
        while (this.holds < holds / 2 && !wrong) await sleep(5);
        if (!wrong) await meanwhile();
        isHurt = true;
      }),
    ]);
    if (wrong) throw wrong;
    await this.#publish(this.lookers[0], (u) => u.state);
    return this.history;
  }
}

/** As linear.mjs explains it, if what was only read may be up to ${stale} ms old. */
export const explained = (history, stale) => explain(history.map((o) => (o.reads ? { ...o, from: o.from - stale } : o)));
