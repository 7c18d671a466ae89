// SPDX-License-Identifier: Apache-2.0
// Mixed real traffic over mTLS, every acknowledgement kept; after a fault the same book says what must be true.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { sleep } from '../../api/lib/registry.mjs';
import { MOTHER_OF_TWO, holdBody } from '../../api/lib/scenes.mjs';
import { generator } from './random.mjs';

const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const DESKS = [['okit.anna', 'counsellor'], ['okit.dora', 'counsellor'], ['okit.eszter', 'counsellor']];
const LIVE = ['held', 'requested', 'confirmed', 'in_stay'];

// what a worker may do with a reservation in a state: [who, step, the state after it, body]
const STEPS = {
  held: [['desk', 'request', 'requested'], ['desk', 'request', 'requested'], ['desk', 'renew', 'held'],
    ['desk', 'cancel', 'cancelled', { reason: 'contact_lost' }], ['desk', 'client-decline', 'declined_by_client', { reason: 'too_far' }]],
  requested: [['house', 'confirm', 'confirmed'], ['house', 'confirm', 'confirmed'], ['house', 'decline', 'declined_by_house', { reason: 'no_staff_now' }],
    ['desk', 'cancel', 'cancelled', { reason: 'contact_lost' }]],
  confirmed: [['house', 'arrive', 'in_stay'], ['house', 'no-show', 'no_show'], ['desk', 'cancel', 'cancelled', { reason: 'contact_lost' }]],
  in_stay: [['house', 'leave', 'left', { reason: 'own_housing' }]],
};
const TOKEN_MS = 8 * 60_000;
const OWN_HOUSE = 'Nyugat 1'; // the house whose staff the workers play

/** Read as who has time: a reader that is told to slow down does. */
export async function patient(ask) {
  for (let tries = 0; ; tries++) {
    const answer = await ask();
    if (answer.status !== 429 || tries === 20) return answer;
    await sleep(Number(answer.headers['retry-after'] ?? 1) * 1000);
  }
}

export class Traffic {
  /** ${workers} people at work at once, three desks and one house; what they do follows from ${seed} and the answers. */
  constructor(registry, { seed, workers = 12, slow = 0, tokens = new Map() }) {
    Object.assign(this, { registry, workers, slow, tokens, people: new Map() });
    this.random = generator(seed);
    this.acknowledged = []; // { who, method, path, body, key, status, text, action }
    this.unknown = []; // as above, without an answer
    this.reservations = new Map(); // id -> { state, may: Set of states, own: is it Nyugat 1's }
    this.episodes = new Set();
    this.refused = 0; // said 503: nothing was changed
    this.unheard = 0; // got no answer and had been done, as a repeat said
    this.statuses = {};
    this.since = Math.floor(Date.now() / 1000) * 1000 - 1000; // the trail's times are whole seconds
    this.isOver = false;
  }

  async signIn() {
    const { registry } = this;
    const house = registry.credentials('shelter_staff').user, auditor = registry.credentials('auditor').user;
    [this.house, this.auditor, ...this.desks] = await Promise.all([[house, 'shelter_staff'], [auditor, 'auditor'], ...DESKS]
      .map(([name, role]) => this.#person(name, role)));
    return this;
  }

  /** Whoever is signed in still is, also after a restart: signing in costs half a second. */
  async #person(name, role) {
    const client = this.registry.bare(role, { sockets: 8 });
    this.people.set(client, { name, role });
    await this.#stay(client);
    return client;
  }

  /** A token lives for a quarter of an hour: a new one in good time, on a connection of its own, so that nobody is without. */
  async #stay(client) {
    const person = this.people.get(client), known = this.tokens.get(person.name);
    if (known && performance.now() - known.at < TOKEN_MS) client.token = known.token;
    else {
      person.coming ??= this.registry.bare(person.role).signIn(person.name, this.registry.passphrase(person.name));
      const { token } = await person.coming.finally(() => { person.coming = null; });
      this.tokens.set(person.name, { token, at: performance.now() });
      client.token = token;
    }
  }

  get changes() { return this.acknowledged.length; }

  /** A change; its answer, or null when nobody knows. */
  async #change(client, action, path, body) {
    const key = randomUUID();
    const entry = { client, action, path, body, key, at: performance.now() };
    this.unknown.push(entry);
    let answer = null;
    try { answer = await client.send('POST', path, body, { 'Idempotency-Key': key }); } catch (e) {
      if (e instanceof assert.AssertionError) throw e;
    }
    entry.took = performance.now() - entry.at;
    this.statuses[answer?.status ?? 'none'] = (this.statuses[answer?.status ?? 'none'] ?? 0) + 1;
    if (answer === null) return null;
    if (answer.status === 503) {
      assert.ok(answer.headers['retry-after'], `503 without Retry-After: ${answer.text}`);
      if (answer.json.code === 'outcome_unknown') return null;
      this.refused++;
    } else assert.ok(answer.status < 500, `${path}: ${answer.status} ${answer.text}`);
    this.unknown.splice(this.unknown.indexOf(entry), 1);
    if (answer.status < 300) this.acknowledged.push({ ...entry, status: answer.status, text: answer.text, json: answer.json });
    return answer;
  }

  async #journey(desk) {
    const { random } = this;
    const opened = await this.#change(desk, 'episodes_create', '/v1/episodes',
      { channel: 'phone', household: random.oneIn(2) ? ALONE : MOTHER_OF_TWO });
    if (opened?.status !== 201) return;
    this.episodes.add(opened.json.id);
    const found = await desk.send('POST', `/v1/episodes/${opened.json.id}/searches`, undefined, { 'Idempotency-Key': randomUUID() }).catch(() => null);
    if (found?.status !== 200) return;
    const free = found.json.candidates.filter((c) => c.places > 0);
    const candidate = free.find((c) => c.code_name === OWN_HOUSE && !random.oneIn(3)) ?? (free.length ? random.pick(free) : null);
    if (!candidate) return;
    const held = await this.#change(desk, 'reservations_create', '/v1/reservations', holdBody(opened.json, candidate));
    if (held?.status !== 201) return;
    const r = { id: held.json.id, state: held.json.state, may: new Set([held.json.state]), own: candidate.code_name === OWN_HOUSE };
    this.reservations.set(r.id, r);
    while (!this.isOver && STEPS[r.state]) {
      const [who, step, to, body] = random.pick(STEPS[r.state]);
      if (who === 'house' && !r.own) {
        if (random.oneIn(3)) return; // it stays as it is, for the reader
        continue;
      }
      r.may.add(to);
      const answer = await this.#change(who === 'desk' ? desk : this.house, `reservations_${step.replace('-', '_')}`, `/v1/reservations/${r.id}/${step}`, body);
      if (answer === null) return; // either of r.may
      if (answer.status < 300) {
        assert.equal(answer.json.state, to, `${step} answered another state`);
        r.state = to;
      }
      r.may = new Set([r.state]);
      if (answer.status === 503) return;
    }
  }

  async #work(i) {
    while (!this.isOver) {
      const desk = this.desks[i % this.desks.length];
      await Promise.all([desk, this.house].map((c) => this.#stay(c))).catch(() => {}); // who cannot now tries again
      await this.#journey(desk);
      if (this.random.oneIn(8)) await this.#change(this.house, 'availability_confirm', `/v1/shelters/${this.shelter}/confirmations`);
      if (this.slow) await sleep(this.slow);
      if (this.statuses.none > 50 && this.isOver) return;
    }
  }

  /** Start; end() ends it. */
  async begin() {
    this.shelter ??= (await this.house.get('/v1/me')).json.shelters[0];
    this.isOver = false;
    this.running = Promise.all(Array.from({ length: this.workers }, (_, i) => this.#work(i)));
    this.running.catch(() => { this.isOver = true; });
    return this;
  }

  /** Until ${count} changes were acknowledged in all; the floor of load below which a fault proves nothing. */
  async floor(count, within = 120_000) {
    const end = performance.now() + within;
    while (this.changes < count) {
      if (performance.now() > end || this.isOver) throw new Error(`only ${this.changes} of ${count} changes were acknowledged before the fault: no verdict`);
      await sleep(5);
    }
  }

  async end() {
    this.isOver = true;
    await this.running;
  }

  // ---- the verdict: own eyes, over the API only ----

  /** What is wrong with ${found} (a reservation's state as read now), or nothing. */
  async #lostReservations() {
    const lost = [];
    for (const r of this.reservations.values()) {
      const now = await patient(() => this.desks[0].get(`/v1/reservations/${r.id}`));
      if (now.status !== 200) lost.push(`${r.id}: ${now.status}`);
      else if (!r.may.has(now.json.state)) lost.push(`${r.id}: is ${now.json.state}, was acknowledged as ${r.state}`);
      else { r.state = now.json.state; r.may = new Set([r.state]); }
    }
    return lost;
  }

  async #lostEpisodes() {
    const lost = [];
    for (const id of this.episodes) {
      const now = await patient(() => this.desks[0].get(`/v1/episodes/${id}`));
      if (now.status !== 200) lost.push(`${id}: ${now.status}`);
    }
    return lost;
  }

  /** Who is asked what stands in the houses' rooms: where the registry has people for all of them, these. */
  async #lookers() {
    const offices = this.registry.offices ?? [];
    this.lookers ??= offices.length ? await Promise.all(offices.map((name) => this.#person(name, name))) : [this.house];
    await Promise.all(this.lookers.map((c) => this.#stay(c)));
    return this.lookers;
  }

  /** The live reservations of each room of the houses of ${client}: `house/room` -> ids. */
  async #rooms(client) {
    const rooms = new Map();
    let cursor = '';
    do {
      const page = (await patient(() => client.get(`/v1/reservations?limit=100${cursor}`))).json;
      for (const r of page.data.filter((x) => LIVE.includes(x.state)))
        for (const name of r.unit_names) rooms.set(`${r.shelter}/${name}`, [...(rooms.get(`${r.shelter}/${name}`) ?? []), r.id]);
      cursor = page.next_cursor ? `&cursor=${page.next_cursor}` : '';
    } while (cursor);
    return rooms;
  }

  /** Rooms that two live reservations name, or that stand free under one. */
  async #doubles() {
    const doubles = [], housed = new Set();
    for (const client of await this.#lookers()) {
      const rooms = await this.#rooms(client);
      for (const shelter of (await patient(() => client.get('/v1/me'))).json.shelters) {
        const { units } = (await patient(() => client.get(`/v1/shelters/${shelter}/availability`))).json;
        for (const u of units.filter((x) => !x.shared)) {
          const who = rooms.get(`${shelter}/${u.name}`) ?? [], name = `${u.name} of ${shelter}`;
          if (who.length > 1) doubles.push(`${name}: ${who.join(' and ')}`);
          if (who.length > 0 && u.free_places > 0) doubles.push(`${name} is free and has ${who[0]}`);
          if (who.length === 0 && u.state === 'held') doubles.push(`${name} is held by nobody`);
        }
      }
      for (const room of rooms.keys()) housed.add(room.split('/')[0]);
    }
    this.housed = housed.size; // in how many houses there was anything to be found
    return doubles;
  }

  /** Repeat changes with their first keys: who had an answer gets the same one, the others get one now. */
  async repeat(most = 40) {
    const wrong = [];
    for (const a of this.acknowledged.slice(-most)) {
      const again = await patient(() => a.client.send('POST', a.path, a.body, { 'Idempotency-Key': a.key }));
      if (a.action === 'availability_confirm') continue; // its keys are not kept: saying it twice is saying it
      if (again.status !== a.status || again.text !== a.text) wrong.push(`${a.path}: ${a.status} then ${again.status} ${again.text.slice(0, 200)}`);
    }
    for (const a of this.unknown.splice(0)) {
      const again = await patient(() => a.client.send('POST', a.path, a.body, { 'Idempotency-Key': a.key }));
      if (again.status >= 500) wrong.push(`${a.path}: ${again.status} ${again.text.slice(0, 200)}`);
      if (again.status < 300 && again.headers['idempotency-replayed']) this.unheard++;
      const twice = await patient(() => a.client.send('POST', a.path, a.body, { 'Idempotency-Key': a.key }));
      if (again.status < 300 && a.action !== 'availability_confirm' && twice.text !== again.text) wrong.push(`${a.path}: a repeat answers otherwise`);
      if (again.status < 300) this.acknowledged.push({ ...a, status: again.status, text: again.text, json: again.json });
      if (again.status === 201 && a.action === 'episodes_create') this.episodes.add(again.json.id);
      const id = again.status < 300 && a.action.startsWith('reservations_') ? again.json.id : null;
      if (id) this.reservations.set(id, { own: false, ...this.reservations.get(id), id, state: again.json.state, may: new Set([again.json.state]) });
    }
    return wrong;
  }

  /** What ${look} finds, and finds again until ${lag} ms are over: nothing is at work any more, so what is wrong stays wrong,
   *  and what another node had not heard of yet when it was asked first does not. */
  async #remaining(lag, look) {
    const end = performance.now() + lag;
    for (;;) {
      const found = await look();
      if (found.length === 0 || performance.now() > end) return found;
      await sleep(100);
    }
  }

  /** The registry is served again: { lost, doubles, changed } as lists of sentences; empty ones are good.  ${lag}: how many ms
   *  what one node acknowledged may take to the others. */
  async verdict({ most = 40, lag = 0 } = {}) {
    const lost = await this.#remaining(lag, async () => [...await this.#lostEpisodes(), ...await this.#lostReservations()]);
    const changed = lost.length ? [] : await this.repeat(most);
    const doubles = await this.#remaining(lag, () => this.#doubles());
    return { lost, doubles, changed };
  }

  /** A mutant of the book: the reader must miss what was never there.  Throws if it does not. */
  async provesAwake() {
    const [real] = this.reservations.values();
    const { may } = real;
    real.may = new Set(['no such state']);
    const lost = await this.#lostReservations();
    real.may = may;
    assert.equal(lost.length, 1, 'the reader sees nothing: no verdict');
    this.acknowledged.push({ action: 'reservations_dreamt' });
    const unrecorded = await this.unrecorded();
    this.acknowledged.pop();
    assert.equal(unrecorded.length, 1, 'the reader of the trail sees nothing: no verdict');
  }

  /** How often each action stands in the audit trail as done since this traffic began, as the auditor reads it, page by page from
   *  the newest on: what others did before could hide what is missing. */
  async #trail() {
    const seen = new Map();
    let cursor = '';
    do {
      const page = await patient(() => this.auditor.get(`/v1/audit?limit=100${cursor}`));
      assert.equal(page.status, 200, page.text);
      const young = page.json.data.filter((e) => Date.parse(e.at) >= this.since);
      for (const e of young) if (e.outcome === 'ok') seen.set(e.action, (seen.get(e.action) ?? 0) + 1);
      cursor = page.json.next_cursor && (young.length || !page.json.data.length) ? `&cursor=${page.json.next_cursor}` : '';
    } while (cursor);
    return seen;
  }

  /** Each acknowledged action: [action, how often in the trail, how often acknowledged]. */
  async #compared() {
    const seen = await this.#trail();
    const wanted = new Map();
    for (const a of this.acknowledged) wanted.set(a.action, (wanted.get(a.action) ?? 0) + 1);
    return [...wanted].map(([action, n]) => [action, seen.get(action) ?? 0, n]);
  }

  /** What the audit trail lacks of what was acknowledged. */
  async unrecorded() { return (await this.#compared()).filter(([, seen, n]) => seen < n).map(([action, seen, n]) => `${action}: ${seen} of ${n}`); }

  /** What it has more of, if nobody else works; confirmations have no key and may be done twice. */
  async surplus() {
    return (await this.#compared()).filter(([action, seen, n]) => seen > n && action !== 'availability_confirm')
      .map(([action, seen, n]) => `${action}: ${seen} for ${n}`);
  }
}

/** Offline: the registry's own check and the trail's, in words; throws what they find. */
export function checkOffline(registry) {
  const check = JSON.parse(registry.run('check', '--json'));
  assert.equal(check.findings, 0, JSON.stringify(check));
  assert.equal(check.audit_verified, true, JSON.stringify(check));
  return check;
}
