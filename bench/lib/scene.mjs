// SPDX-License-Identifier: Apache-2.0
// A served registry with enough desks, houses, devices and signed-in people for the load generator: the tests' registry,
// the houses that data.mjs invents, and tables of clients in the form that bench/script.h describes.
import { createHash, createPrivateKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { residentOf } from '../rows/upkeep.mjs';
import { Registry, root, sleep } from '../../tests/api/lib/registry.mjs';
import { csvRows, writeHouses } from './data.mjs';

const DESK = 'OKIT (minta)';
const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };

// people of a bench do in a second what others do in a night; holding them up is measured by tests, not here
const BREADTH = ['search', 'candidate', 'request', 'refused', 'take_over', 'own_location', 'disclosure']
  .map((name) => `${name},65535,65535,65535,22,6,0,0`);

// what one device may ask at once: 32 of them use the 2,000 of every day up within two seconds, and no row is about that
const BURST = 60_000;

export class Scene {
  /** ${houses}: 0 is the sample network, else so many more with about ten places each; ${desks} and ${staff}: clients. */
  constructor({ houses = 0, desks = 64, staff = 32, people = 4, seconds = 2 } = {}) {
    this.seconds = seconds;
    this.connections = Math.min(32, desks);
    this.registry = new Registry();
    this.work = this.registry.work;
    writeFileSync(join(this.registry.dir, 'breadth.csv'),
      `class,hour,night,day,night_from,night_to,delay,delay_max\n${BREADTH.join('\n')}\n`);
    mkdirSync(join(this.work, 'conf')); // a directory of its own: the service reads it again
    this.settings = this.registry.file('conf/menedek.conf', `rate-burst = ${BURST}\n`);
    this.houses = houses;
    this.more = houses === 0 ? { seconds: 0, places: 0 } : writeHouses(this.registry, this.work, houses);
    this.#enrol(desks, staff, people);
  }

  #enrol(desks, staff, people) {
    const rows = ['name,organisation,roles,shelters'];
    const houses = csvRows(readFileSync(join(root, 'data/sample-shelters.csv'), 'utf8')).slice(1, staff + 1);
    this.desks = [];
    this.staff = [];
    for (let i = 0; i < people; i++) rows.push(`bench.desk${i},${DESK},counsellor,`);
    houses.forEach((h, i) => rows.push(`bench.house${i},${h[1]},shelter_staff,${h[0]}`));
    const file = this.registry.file('bench-people.csv', `${rows.join('\n')}\n`);
    const passes = join(this.work, 'bench-passphrases.txt');
    this.registry.run('import', '--sample', '--quiet', '--passphrases', passes, `people=${file}`);
    this.passes = Object.fromEntries(readFileSync(passes, 'utf8').trim().split('\n')
      .map((l) => [l.slice(0, l.indexOf(' ')), l.slice(l.indexOf(' ') + 1)]));
    for (let i = 0; i < desks; i++) this.desks.push(this.#device(`desk${i}`, DESK, `bench.desk${i % people}`));
    houses.forEach((h, i) => this.staff.push(this.#device(`house${i}`, h[1], `bench.house${i}`)));
  }

  #device(name, org, person) {
    const out = join(this.work, name);
    this.registry.run('device', 'add', '--quiet', '--force', '--org', org, '--name', name, '--out', out);
    return { certificate: out, person };
  }

  async start(env = {}) {
    const began = performance.now();
    await this.registry.start(env, ['--health', '127.0.0.1:0', '--config', this.settings]);
    this.ready_ms = performance.now() - began;
    this.pids = String(this.registry.pid);
    this.port = this.registry.port;
    for (const one of [...this.desks, ...this.staff]) one.port = this.port; // another one after each start
    this.ca = join(this.registry.certs, 'ca.crt');
    return this;
  }

  async stop() {
    for (const one of [...this.desks, ...this.staff]) {
      one.agent?.destroy();
      one.agent = null;
    }
    await this.registry.stop();
  }

  /** Everybody at work: signed in, desks with a call and a candidate, staff with a room; with their tables of clients. */
  async prepare() {
    await this.signIn(this.desks);
    await this.signIn(this.staff);
    await this.openEpisodes();
    await this.openHouses();
    this.deskTable = this.table('desks', this.desks, (w) => [w.episode, w.candidate]);
    this.staffTable = this.table('staff', this.staff, (w) => [w.house, w.units.at(-1).id]);
    this.prepared_at = Date.now();
    return this;
  }

  /** Tokens and candidates live a quarter of an hour. */
  async refresh() { if (Date.now() - this.prepared_at > 5 * 60_000) await this.prepare(); }

  /** A table of desks whose candidate is one and the same house: the one that the most have seen under one name. */
  contest() {
    const seen = new Map();
    for (const one of this.desks) {
      for (const c of one.found.candidates.filter((x) => x.answer !== 'waitlist')) {
        seen.set(c.code_name, [...(seen.get(c.code_name) ?? []), { ...one, candidate: c.candidate }]);
      }
    }
    const most = [...seen.values()].sort((a, b) => b.length - a.length)[0] ?? [];
    return { desks: most.length, table: this.table('contest', most, (w) => [w.episode, w.candidate]) };
  }

  /** How often LMDB has committed: the greater number of its two meta pages. */
  commits() {
    const pages = Buffer.alloc(8192), fd = openSync(join(this.registry.dir, 'store/data.mdb'));
    readSync(fd, pages, 0, 8192, 0);
    closeSync(fd);
    return Math.max(...[144, 4096 + 144].map((at) => Number(pages.readBigUInt64LE(at))));
  }

  rss() { return residentOf(this.registry.pid); }

  async metrics() {
    const text = await (await fetch(`http://127.0.0.1:${this.registry.healthPort}/metrics`)).text();
    return Object.fromEntries(text.split('\n').filter((l) => l !== '' && !l.startsWith('#')).map((l) => [l.slice(0, l.lastIndexOf(' ')), Number(l.slice(l.lastIndexOf(' ') + 1))]));
  }

  /** Sign them in, as a token lives 15 minutes. */
  async signIn(who) {
    for (const one of who) {
      one.port = this.port;
      one.token = null;
      one.token = (await this.must(one, 201, 'POST', '/v1/tokens', { user: one.person, passphrase: this.passes[one.person] })).access_token;
    }
    return who;
  }

  /** A call for help and a search for each desk: .episode, .candidate; neighbours take different houses where they can. */
  async openEpisodes(who = this.desks, household = ALONE) {
    const taken = new Map();
    for (const one of who) {
      const episode = await this.must(one, 201, 'POST', '/v1/episodes', { channel: 'phone', household });
      const found = await this.must(one, 200, 'POST', `/v1/episodes/${episode.id}/searches`);
      const fits = found.candidates.filter((c) => c.answer !== 'waitlist');
      const name = (c) => c.code_name ?? c.candidate;
      const often = (c) => taken.get(name(c)) ?? 0, first = Math.floor(Math.random() * fits.length);
      const least = fits.reduce((a, b) => (often(b) < often(a) ? b : a), fits[first]);
      taken.set(name(least), (taken.get(name(least)) ?? 0) + 1);
      Object.assign(one, { episode: episode.id, candidate: least.candidate, found });
    }
    return who;
  }

  /** Its house, its first room and what staff may say of it. */
  async openHouses(who = this.staff) {
    for (const one of who) {
      one.house = (await this.must(one, 200, 'GET', '/v1/me')).shelters[0];
      one.units = (await this.must(one, 200, 'GET', `/v1/shelters/${one.house}/availability`)).units;
    }
    return who;
  }

  /** One request as ${one}, over a connection that is kept. */
  ask(one, method, path, body) {
    one.agent ??= new https.Agent({ keepAlive: true, maxSockets: 1, ca: this.registry.ca, cert: readFileSync(`${one.certificate}.crt`),
      key: readFileSync(`${one.certificate}.key`), minVersion: 'TLSv1.3' });
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'Content-Length': Buffer.byteLength(text), ...(text === '' ? {} : { 'Content-Type': 'application/json' }),
      ...(one.token ? { Authorization: `Bearer ${one.token}` } : {}), ...(method === 'POST' ? { 'Idempotency-Key': `scene-${Math.random()}` } : {}) };
    return new Promise((done, fail) => {
      const req = https.request({ agent: one.agent, host: '127.0.0.1', servername: 'localhost', port: one.port, method, path, headers, timeout: 30000 }, (res) => {
        const parts = [];
        res.on('data', (d) => parts.push(d));
        res.on('error', fail);
        res.on('end', () => done({ status: res.statusCode, after: Number(res.headers['retry-after'] ?? 1), text: Buffer.concat(parts).toString() }));
      });
      req.on('timeout', () => req.destroy(new Error(`${method} ${path}: no answer in 30 s`)));
      req.on('error', fail);
      req.end(text);
    });
  }

  /** A device that has just been measured may have asked too often: it comes again when it was told to. */
  async must(one, status, method, path, body) {
    let answer = await this.ask(one, method, path, body);
    for (let tries = 0; answer.status === 429 && tries < 5; tries++) {
      await sleep(Math.min(answer.after, 60) * 1000);
      answer = await this.ask(one, method, path, body);
    }
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text);
  }

  /** The same devices as clients of a peer on ${port}: a token each from the bench's own issuer; .key is for the peer. */
  peerClients(who, port) {
    if (!this.issuer) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      this.issuer = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
      this.tokenKey = publicKey.export({ type: 'spki', format: 'pem' });
    }
    const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
    return who.map(({ certificate, person }) => {
      const cnf = new X509Certificate(readFileSync(`${certificate}.crt`)).fingerprint256;
      const now = Math.floor(Date.now() / 1000);
      const head = `${part({ alg: 'ES256', typ: 'JWT' })}.${part({ iss: 'bench', aud: 'menedek', sub: person, cnf, iat: now, exp: now + 36000,
        jti: createHash('sha256').update(certificate).digest('hex') })}`;
      const signature = sign('sha256', Buffer.from(head), { key: this.issuer, dsaEncoding: 'ieee-p1363' });
      return { certificate, person, port, token: `${head}.${signature.toString('base64url')}` };
    });
  }

  /** Write a table of clients; ${columns} of each, after the token. */
  table(name, who, columns = () => []) {
    return this.registry.file(`${name}.tsv`, who.map((w) => `${[w.certificate, w.token, ...columns(w)].join('\t')}\n`).join(''));
  }

  script(name, ...lines) {
    return this.registry.file(`${name}.script`, `+Authorization: Bearer $1\n${lines.join('\n')}\n`);
  }

  async close() {
    for (const one of [...this.desks, ...this.staff]) one.agent?.destroy();
    await this.registry.close();
  }
}
