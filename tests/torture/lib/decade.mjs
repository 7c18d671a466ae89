// SPDX-License-Identifier: Apache-2.0
// Years of a country's calls for help on one registry, whose clock goes from day to day.  The book says what was acknowledged,
// who lives in which room and how each call ended; it shares no code with the service, and the verdict is taken from it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, randomUUID, sign, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DAY } from '../../api/lib/clockwork.mjs';
import { root, sleep } from '../../api/lib/registry.mjs';
import { MOTHER_OF_TWO, holdBody } from '../../api/lib/scenes.mjs';
import { LoopDisk } from './disks.mjs';
import { Leap } from './leap.mjs';
import { Tireless } from './tireless.mjs';

const DISK_MIB = 1024; // a file with holes: what is not written takes no room
const REFUSALS = 20; // under a full disk, until there is room again
const MORE_CALLS = 2000; // at most, while the disk is full
const REMEMBERED = 10; // a case of so many is asked for when it should be gone
const KEPT_DAYS = 3; // of a case that is over, since it was opened
const ISSUER = 'https://login.example.hu/realms/okit', AUDIENCE = 'menedek-test';
const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const ENDS = ['other_help', 'contact_lost', 'client_declined'];
const DESK = { device: 'desk', org: 'OKIT (minta)', names: ['okit.anna', 'okit.dora', 'okit.eszter'] };
const HOUSES = [
  { device: 'west', org: 'Biztos Part Alapítvány (minta)', names: ['ugyelet.part1'] },
  { device: 'north', org: 'Nyírkert Önkormányzata (minta)', names: ['ugyelet.nyirkert1'] },
  { device: 'south', org: 'Fűzvár Önkormányzata (minta)', names: ['ugyelet.fuzvar1'] },
  { device: 'middle', org: 'Hársliget Önkormányzata (minta)', names: ['ugyelet.harsliget1'] },
];
const OFFICE = { device: 'office', org: 'Szociális ellenőrzés (minta)', names: ['ellenor', 'statisztika'] };
const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const b64 = (x) => Buffer.from(JSON.stringify(x)).toString('base64url');

export class Decade {
  #key = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  /** ${stayDays}: as long as anybody stays.  ${hasDisk}: the registry lies on a disk of its own, which may lose its power or fill up;
   *  ${database}: in that PostgreSQL. */
  constructor(random, { stayDays, hasDisk = false, database = null }) {
    Object.assign(this, { random, stayDays, hasDisk, database, people: new Map(), offset: 0, restarting: null });
    this.met = {}; // fault -> how often it was proved to have happened
    // the book
    this.calls = 0;
    this.placed = 0;
    this.refusals = 0; // repeated until there was an answer
    this.unheard = 0; // of them, said 503
    this.ended = new Map(); // year -> outcome -> how many
    this.stays = new Map(); // reservation -> { house, rooms, until, client }
    this.rooms = new Map(); // `house/room` of one household each -> reservation
    this.doubles = [];
    this.over = []; // some of the cases that are over: { id, at: the day it was opened }
  }

  /** The service on a registry of its own, at noon of the day after tomorrow, with people and devices for a year. */
  async start() {
    const r = new Tireless();
    this.registry = r;
    mkdirSync(join(r.work, 'conf'));
    const set = join(r.work, 'conf/jwks.json');
    writeFileSync(set, JSON.stringify({ keys: [{ ...createPublicKey(this.#key.privateKey).export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }] }));
    if (this.hasDisk) this.disk = new LoopDisk(r, 'ext4', DISK_MIB);
    if (this.database) r.run('migrate', '--engine', 'postgresql', '--database', this.database);
    const conf = r.file('conf/menedek.conf', 'rate-burst = 1000000\nrate-per-second = 100000\n');
    this.options = ['--config', conf, '--jwks', set, '--issuer', ISSUER, '--audience', AUDIENCE];
    this.clock = new Leap(r);
    this.today = Math.ceil(Date.now() / 1000 / DAY + 1) * DAY + DAY / 2;
    this.#set(this.today);
    const ring = join(r.dir, 'keyring/ring'), made = statSync(ring).size;
    await this.newYear();
    while (statSync(ring).size === made) await sleep(100); // the first day's key: without one of another day nothing is purged
    for (const h of HOUSES) await this.#knowHouses(this.people.get(h.names[0]));
    return this;
  }

  #set(unix) {
    this.offset = Math.round(unix - Date.now() / 1000);
    this.clock.set(this.offset);
  }

  get now() { return Date.now() / 1000 + this.offset; }
  get year() { return new Date(this.today * 1000).getUTCFullYear(); }

  /** ${days} later, noon. */
  pass(days) {
    this.today += days * DAY;
    this.#set(this.today);
    for (const p of this.people.values()) p.token = null;
  }

  #purges() { return this.registry.logText().split('note purged ').length; }

  /** Quiet nights, until a purge that began after the last day's work is through: days here take less time than it does. */
  async nights(within = 120) {
    for (let night = 0; night < 2; night++) { // the first may have begun before
      const done = this.#purges(), end = performance.now() + within * 1000;
      this.pass(1);
      while (this.#purges() === done) {
        assert.ok(performance.now() < end, `no purge was through in ${within} s`);
        await sleep(100);
      }
    }
  }

  /** End of the service as at an upgrade, new certificates (they live for 397 days), and on. */
  async newYear() {
    const r = this.registry;
    if (this.people.size) await r.stop();
    for (const place of [DESK, OFFICE, ...HOUSES]) {
      const device = join(r.certs, place.device);
      execFileSync(program, ['device', 'add', '--quiet', '--force', '--dir', r.dir, '--org', place.org, '--name', `${place.device} ${this.year} ${this.offset}`, '--out', device],
        { env: { ...process.env, ...this.clock.environment }, stdio: ['ignore', 'ignore', 'pipe'] });
      place.print = Buffer.from(new X509Certificate(readFileSync(`${device}.crt`)).fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
      for (const name of place.names) this.people.set(name, this.#person(name, place));
    }
    await r.start(this.clock.environment, this.options);
  }

  #person(name, place) {
    const client = this.registry.bare(place.device, { sockets: 64 });
    client.agent.options.rejectUnauthorized = false; // the clock of this program stays where it is, the service's certificate may not
    return { name, place, client, token: null };
  }

  #token(p) {
    const now = Math.floor(this.now);
    const text = `${b64({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })}.${b64({ iss: ISSUER, aud: AUDIENCE, sub: p.name, jti: randomUUID(),
      iat: now, nbf: now, exp: now + 840, cnf: { 'x5t#S256': p.place.print } })}`;
    return `${text}.${sign('sha256', Buffer.from(text), { key: this.#key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }

  /** Ask until there is an answer, under one key: whatever is killed meanwhile, it takes effect once. */
  async ask(p, method, path, body) {
    const headers = method === 'POST' ? { 'Idempotency-Key': randomUUID() } : {};
    for (let tries = 0; tries < 600; tries++) {
      p.token ??= this.#token(p);
      p.client.token = p.token;
      const answer = await p.client.send(method, path, body, headers).catch((e) => { if (e instanceof assert.AssertionError) throw e; return null; });
      if (answer && ![401, 429, 503].includes(answer.status)) return answer;
      if (answer?.status === 503) this.unheard++;
      if (answer?.status === 401) p.token = null; // the day took longer than a token lives
      this.refusals++;
      assert.ok(answer?.status !== 401 || tries < 100, answer?.text);
      this.last = answer?.text;
      await (this.restarting ?? sleep(50));
    }
    throw new Error(`${method} ${path}: no answer: ${this.last}`);
  }

  async #must(status, p, method, path, body) {
    const answer = await this.ask(p, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    return answer.json;
  }

  async #knowHouses(p) {
    this.houses ??= new Map(); // code name -> { id, staff, shared: names of the rooms that several households share }
    for (const id of (await this.#must(200, p, 'GET', '/v1/me')).shelters) {
      const { code_name: name } = await this.#must(200, p, 'GET', `/v1/shelters/${id}`);
      const { units } = await this.#must(200, p, 'GET', `/v1/shelters/${id}/availability`);
      await this.#must(200, p, 'PATCH', `/v1/shelters/${id}/availability`, { units: units.map((u) => ({ unit: u.id, state: 'free' })) });
      this.houses.set(name, { id, staff: p.name, shared: new Set(units.filter((u) => u.shared).map((u) => u.name)) });
    }
  }

  // ---- what people do ----

  #staff(house) { return this.people.get(house.staff); }

  #desk() { return this.people.get(this.random.pick(DESK.names)); }

  #note(outcome) {
    const year = this.ended.get(this.year) ?? {};
    year[outcome] = (year[outcome] ?? 0) + 1;
    this.ended.set(this.year, year);
  }

  /** A call that needs a word and no place. */
  async call(doesSearch) {
    const p = this.#desk();
    const episode = await this.#must(201, p, 'POST', '/v1/episodes', { channel: 'phone', household: ALONE });
    if (doesSearch) await this.#must(200, p, 'POST', `/v1/episodes/${episode.id}/searches`);
    await this.#end(p, episode, this.random.pick(ENDS));
  }

  async #end(p, episode, outcome) {
    await this.#must(200, p, 'POST', `/v1/episodes/${episode.id}/close`, { outcome });
    if (this.calls++ % REMEMBERED === 0) this.over.push({ id: episode.id, at: this.today });
    this.#note(outcome);
  }

  /** A call that ends in a house.  False: its candidates were in houses of others, or taken meanwhile. */
  async placement() {
    const p = this.#desk();
    const episode = await this.#must(201, p, 'POST', '/v1/episodes', { channel: 'phone', household: this.random.oneIn(2) ? ALONE : MOTHER_OF_TWO });
    const { candidates } = await this.#must(200, p, 'POST', `/v1/episodes/${episode.id}/searches`);
    const mine = candidates.filter((c) => c.places > 0 && this.houses.has(c.code_name));
    const held = mine.length ? await this.ask(p, 'POST', '/v1/reservations', holdBody(episode, this.random.pick(mine))) : null;
    if (held?.status !== 201) {
      assert.ok(held === null || held.json.code === 'no_place_left', held?.text);
      await this.#end(p, episode, 'no_place');
      return false;
    }
    const { id, code_name: name } = held.json, house = this.#staff(this.houses.get(name));
    await this.#must(200, p, 'POST', `/v1/reservations/${id}/request`);
    const { unit_names: rooms } = await this.#must(200, house, 'POST', `/v1/reservations/${id}/confirm`);
    this.#moveIn(id, name, rooms);
    await this.#must(200, house, 'POST', `/v1/reservations/${id}/arrive`);
    await this.#end(p, episode, 'placed');
    this.placed++;
    return true;
  }

  #moveIn(id, house, rooms) {
    const until = this.today + (1 + this.random(this.stayDays)) * DAY;
    this.stays.set(id, { house, rooms, until });
    for (const room of rooms.filter((n) => !this.houses.get(house).shared.has(n))) {
      const at = `${house}/${room}`;
      const before = this.rooms.get(at);
      if (before && !this.stays.get(before)?.isLeaving) this.doubles.push(`${at}: ${before} and ${id}`);
      this.rooms.set(at, id);
    }
  }

  /** Who leaves today: a job each. */
  leavings() {
    const due = [...this.stays].filter(([, s]) => s.until <= this.today);
    return due.map(([id, s]) => async () => {
      s.isLeaving = true; // the room may be another's before we hear that it is free
      await this.#must(200, this.#staff(this.houses.get(s.house)), 'POST', `/v1/reservations/${id}/leave`, { reason: 'own_housing' });
      this.stays.delete(id);
      for (const room of s.rooms) if (this.rooms.get(`${s.house}/${room}`) === id) this.rooms.delete(`${s.house}/${room}`);
    });
  }

  /** The houses say that they stand as they were said to; some each time, all in ten times.  A job each. */
  confirmations(step) {
    return [...this.houses.values()].filter((_, i) => i % 10 === step % 10)
      .map((h) => () => this.#must(200, this.#staff(h), 'POST', `/v1/shelters/${h.id}/confirmations`));
  }

  // ---- what befalls the service ----

  #wasMet(fault) { this.met[fault] = (this.met[fault] ?? 0) + 1; }

  /** Whoever asks meanwhile waits until ${mend} is through and the service is served again. */
  #down(mend = () => {}) {
    this.restarting = (async () => {
      this.registry.kill9();
      await this.registry.ended;
      this.registry.port = 1; // nobody answers meanwhile
      mend();
      await this.registry.start(this.clock.environment, this.options);
      this.restarting = null;
    })();
    return this.restarting;
  }

  /** kill -9 amid the work, and its supervisor. */
  async kill() {
    await this.#down();
    this.#wasMet('kill -9');
  }

  /** The disk loses its power under the service: what it did not have at this moment it never will. */
  async cutPower() {
    this.disk.cutPower();
    const p = this.#desk();
    p.token ??= this.#token(p);
    const last = await p.client.send('POST', '/v1/episodes', { channel: 'phone', household: ALONE }, { 'Idempotency-Key': randomUUID(), Authorization: `Bearer ${p.token}` }).catch(() => null);
    assert.notEqual(last?.status, 201, 'a change was acknowledged after the power was cut: the fault did not happen');
    await this.#down(() => this.disk.restorePower());
    this.#wasMet('power cut');
  }

  /** Not one block is left, until so many were refused; then there is room again and it goes on by itself.  A store that has
   * freed pages needs no room for a while, so more people call now. */
  async fillDisk() {
    const end = this.unheard + REFUSALS;
    let left = MORE_CALLS;
    this.disk.fill();
    const callers = Promise.all(Array.from({ length: 8 }, async () => { while (this.unheard < end && left-- > 0) await this.call(false); }));
    while (this.unheard < end && left > 0) await sleep(20);
    if (this.unheard >= end) this.#wasMet('full disk');
    this.disk.empty();
    await callers;
  }

  // ---- the verdict ----

  /** What the houses' own lists say against the book; empty is good. */
  async wrongStays(stays = this.stays) {
    const wrong = [], seen = new Set();
    for (const { device } of HOUSES) {
      const p = [...this.people.values()].find((x) => x.place.device === device);
      let cursor = '';
      do {
        const page = await this.#must(200, p, 'GET', `/v1/reservations?limit=100${cursor}`);
        for (const x of page.data.filter((d) => d.state === 'in_stay')) {
          seen.add(x.id);
          if (!stays.has(x.id)) wrong.push(`${x.id} lives there and left long ago, or never came`);
          else if (String(x.unit_names) !== String(stays.get(x.id).rooms)) wrong.push(`${x.id} lives in another room`);
        }
        cursor = page.next_cursor ? `&cursor=${page.next_cursor}` : '';
      } while (cursor);
    }
    for (const id of stays.keys()) if (!seen.has(id)) wrong.push(`${id} lives nowhere`);
    return wrong;
  }

  /** Rooms of one household that stand free under somebody, or are taken by nobody. */
  async wrongRooms(rooms = this.rooms) {
    const wrong = [];
    for (const [name, house] of this.houses) {
      const { units } = await this.#must(200, this.#staff(house), 'GET', `/v1/shelters/${house.id}/availability`);
      for (const u of units.filter((x) => !x.shared))
        if ((u.state !== 'free') !== rooms.has(`${name}/${u.name}`)) wrong.push(`${name}/${u.name}: ${u.state}`);
    }
    return wrong;
  }

  /** What somebody can still be told of ${ids}. */
  async remaining(ids) {
    const told = [];
    for (const id of ids) {
      const { status, text } = await this.ask(this.#desk(), 'GET', `/v1/episodes/${id}`);
      assert.ok(status === 404 || status === 200, text);
      if (status === 200) told.push(id);
    }
    return told;
  }

  /** Cases whose time was over before the last quiet night; they are asked for once. */
  due() {
    const isDue = ({ at }) => at + (KEPT_DAYS + 1) * DAY < this.today;
    const ids = this.over.filter(isDue).map(({ id }) => id);
    this.over = this.over.filter((x) => !isDue(x));
    return ids;
  }

  /** A case that is not over. */
  async openCase() { return (await this.#must(201, this.#desk(), 'POST', '/v1/episodes', { channel: 'phone', household: ALONE })).id; }

  /** The statistics of ${year}, which is over, against the book: { outcome: [told, counted] } where they differ. */
  async wrongStatistics(year, counted = this.ended.get(year) ?? {}) {
    const { rows } = await this.#must(200, this.people.get('statisztika'), 'GET', `/v1/statistics?table=outcomes&period=${year}`);
    const told = {}, withheld = new Set(), wrong = {};
    for (const c of rows.filter((x) => x.column === 'phone'))
      if (c.withheld) withheld.add(c.key); else told[c.key] = c.value;
    for (const key of new Set([...Object.keys(counted), ...Object.keys(told)]))
      if (!withheld.has(key) && (told[key] ?? 0) !== (counted[key] ?? 0)) wrong[key] = [told[key] ?? 0, counted[key] ?? 0];
    return { wrong, compared: Object.keys(told).length, keys: Object.keys(told) };
  }

  /** End of all. */
  async discard() {
    if (this.disk) return this.disk.discard();
    await this.registry.kill9().catch(() => {});
    return rmSync(this.registry.work, { recursive: true, force: true });
  }

  storeBytes() { return statSync(join(this.registry.dir, 'store/data.mdb')).blocks * 512; }

  memoryKiB() { return Number(readFileSync(`/proc/${this.registry.pid}/status`, 'utf8').match(/RssAnon:\s*(\d+)/)[1]); }
}
