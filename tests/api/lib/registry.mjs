// SPDX-License-Identifier: Apache-2.0
// A registry with the sample network, served by the real program, and clients that come with a device certificate and a
// token.  One registry for each test file; everything it starts is ended by pid.
import { execFileSync, spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { checkExchange } from './contract.mjs';
import { comes } from './patience.mjs';
import { makeDatabase } from './postgres.mjs';

export const root = resolve(import.meta.dirname, '../../..');
const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const maker = resolve(root, 'build/release/menedek'); // makes registries: the sanitizers' variants are for serving

export const ROLES = ['counsellor', 'shift_lead', 'shelter_staff', 'shelter_manager', 'family_support', 'admin',
  'auditor', 'statistician'];

/** ENGINE=postgresql NODES=3: so many nodes serve each registry, and each next client is at the next one. */
const NODES = Number(process.env.NODES ?? 1);
export const SEVERAL = NODES > 1;
export const KNOWN_MS = 250; // for a node to note in its memory what it has taken over; it is done long before

/** A person on a device: answers are { status, headers, text, json }. */
export class Client {
  constructor(registry, { device, sockets = 4 }) {
    this.registry = registry;
    this.home = registry.home?.();
    this.device = device;
    this.token = null;
    this.isAstray = false; // true: it asks for what no route has, on purpose
    this.isHasty = false; // true: it does not wait until all nodes know what it did
    this.agent = new https.Agent({
      keepAlive: true,
      maxSockets: sockets,
      ca: registry.ca,
      cert: readFileSync(`${device}.crt`),
      key: readFileSync(`${device}.key`),
      minVersion: 'TLSv1.3',
    });
  }

  /** Send; ${body} is an object or ready text.  headers may override any, null leaves one out. */
  send(method, path, body, headers = {}) {
    const text = body === undefined ? null : typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body);
    const all = {
      ...(text === null ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
      ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}),
      ...headers,
    };
    for (const name of Object.keys(all)) if (all[name] === null) delete all[name];
    return new Promise((done, fail) => {
      const req = https.request({ agent: this.agent, host: this.registry.host ?? '127.0.0.1', servername: 'localhost',
        port: this.registry.portOf?.(this.home) ?? this.registry.port, method, path, headers: all, timeout: this.registry.timeout ?? 30000 }, (res) => {
        const parts = [];
        res.on('data', (d) => parts.push(d));
        res.on('error', fail);
        res.on('end', () => {
          const answer = this.#answer(method, path, res, Buffer.concat(parts).toString());
          // the next request may be at another node
          if (method !== 'GET' && this.registry.hasPeers && !this.isHasty) this.registry.known(this.home).then(() => done(answer), fail);
          else done(answer);
        });
      });
      req.on('timeout', () => req.destroy(new Error(`${method} ${path}: no answer in time`)));
      req.on('error', fail);
      req.end(text ?? undefined);
    });
  }

  #answer(method, path, res, text) {
    const type = res.headers['content-type'] ?? '';
    const json = /json/.test(type) && text !== '' ? JSON.parse(text) : null;
    const answer = { status: res.statusCode, headers: res.headers, text, json };
    const operation = checkExchange(method, path, answer, this.isAstray);
    if (operation && process.env.EXERCISED) appendFileSync(process.env.EXERCISED, `${operation}\n`);
    return answer;
  }

  get(path, headers) { return this.send('GET', path, undefined, headers); }

  /** POST with a fresh Idempotency-Key. */
  post(path, body, headers) { return this.send('POST', path, body, { 'Idempotency-Key': randomUUID(), ...headers }); }

  put(path, body, headers) { return this.send('PUT', path, body, headers); }

  patch(path, body, headers) { return this.send('PATCH', path, body, headers); }

  delete(path) { return this.send('DELETE', path); }

  async signIn(user, passphrase) {
    this.token = null;
    const answer = await this.send('POST', '/v1/tokens', { user, passphrase });
    if (answer.status !== 201) throw new Error(`${user} cannot sign in: ${answer.status} ${answer.text}`);
    this.token = answer.json.access_token;
    return this;
  }

  /** Sign in with a passphrase that somebody else made, and take one of one's own. */
  async signInFirst(user, first, own = 'kilenc kék kancsó vár') {
    await this.signIn(user, first);
    const answer = await this.put('/v1/me/passphrase', { old_passphrase: first, new_passphrase: own });
    if (answer.status !== 204) throw new Error(`${user} cannot change her passphrase: ${answer.status} ${answer.text}`);
    return this;
  }

  end() { this.agent.destroy(); }
}

const TEMPLATE_MS = 10 * 60_000; // the sample's statements are "fresh" for hours

/**
 * The directory of a sample registry that nobody has served, made every few minutes and copied by whoever needs one: making
 * one takes seconds, and half a hundred test files want one each.  What is given here is never changed: who makes a newer
 * one turns the link to it, so that whoever copies meanwhile does not get half of each.
 */
function template() {
  const link = join(root, 'build/sample-registry');
  const madeAt = (place) => statSync(place, { throwIfNoEntry: false })?.mtimeMs ?? 0; // another file may just have removed it
  const age = (place) => Date.now() - madeAt(place);
  const isYoung = (place) => age(place) < TEMPLATE_MS && madeAt(place) > statSync(maker).mtimeMs;
  const there = existsSync(link) ? realpathSync(link) : null;
  if (there && isYoung(there)) return there;
  const made = mkdtempSync(join(root, 'build/sample-'));
  execFileSync(join(root, 'tools/sample.sh'), [maker, join(made, 'data'), join(made, 'certs')], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (there === link) rmSync(link, { recursive: true, force: true }); // of an older form
  symlinkSync(made, `${made}.link`);
  renameSync(`${made}.link`, link);
  for (const name of readdirSync(join(root, 'build')))
    if (/^sample-[A-Za-z0-9]{6}$/.test(name)) removeOld(join(root, 'build', name));
  return made;
}

/** Another test file may be about to do the same: whose renaming succeeds removes it. */
function removeOld(place) {
  const made = statSync(place, { throwIfNoEntry: false })?.mtimeMs;
  if (made === undefined || Date.now() - made <= 2 * TEMPLATE_MS) return;
  try { renameSync(place, `${place}.old`); } catch (e) {
    if (e.code === 'ENOENT') return;
    throw e;
  }
  rmSync(`${place}.old`, { recursive: true, force: true });
}

// whatever befalls a test, no service stays behind
const running = new Set();
process.on('exit', () => { for (const server of running) server.kill('SIGKILL'); });

export class Registry {
  #server = null;
  #clients = new Map();
  #peers = [];
  #homes = 0;

  get hasPeers() { return this.#peers.length > 0; }

  /** The number of a client, and which port it speaks to. */
  home() { return this.#homes++; }

  portOf(home) {
    const all = [this, ...this.#peers];
    return all[home % all.length].port;
  }

  /** Until all nodes have the entries of the trail that the one of ${home} has: each change is one. */
  async known(home) {
    const all = [this, ...this.#peers];
    const entries = async ({ healthPort }) => {
      const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
      return Number(text.match(/^menedek_audit_entries_total (\d+)$/m)[1]);
    };
    const written = await entries(all[home % all.length]);
    for (const node of all) await comes(async () => await entries(node) >= written, 'a node does not hear of a change');
    await sleep(KNOWN_MS);
  }

  /** Until all nodes have what any of them has. */
  async allKnown() {
    for (let home = 0; this.hasPeers && home < NODES; home++) await this.known(home);
  }

  /** A new registry; or a copy of ${from}, which must not have been served yet. */
  constructor(from) {
    this.work = mkdtempSync(join(tmpdir(), 'menedek-test-'));
    this.dir = join(this.work, 'data');
    this.certs = join(this.work, 'certs');
    this.log = join(this.work, 'server.log');
    const source = from?.work ?? template();
    for (const part of ['data', 'certs']) cpSync(join(source, part), join(this.work, part), { recursive: true });
    this.ca = readFileSync(join(this.certs, 'ca.crt'));
    if (process.env.ENGINE === 'postgresql' && !from) this.share();
    // one test opens more requests in a minute than a counsellor in a night; tests of breadth set their own limits
    if (!from) writeFileSync(join(this.dir, 'breadth.csv'), `class,hour,night,day,night_from,night_to,delay,delay_max\nrequest,60000,60000,60000,22,6,0,0\n`);
  }

  /** Move it into a PostgreSQL; before start.  Copies of it are then nodes of one service. */
  share() {
    if (this.database) return this;
    this.database = makeDatabase();
    this.run('migrate', '--engine', 'postgresql', '--database', this.database);
    return this;
  }

  /** What the vault may tell in an hour; before start.  Names: desk, own, own_house. */
  limits(rows) {
    const text = ['name,per_hour', ...Object.entries(rows).map(([name, value]) => `${name},${value}`)].join('\n');
    writeFileSync(join(this.dir, 'vault', 'limits.csv'), `${text}\n`);
    return this;
  }

  /** Run the program offline on this registry; the server must not be running. */
  run(...args) { return execFileSync(maker, [...args, '--dir', this.dir], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }); }

  /** Serve, on ${port} or a free one; ${more} are further options.  Sets port, and health's port if it was asked for. */
  async start(env = {}, more = [], port = 0) {
    if (NODES > 1 && this.database && !this.hasPeers && !this.isPeer)
      this.#peers = Array.from({ length: NODES - 1 }, () => Object.assign(new Registry(this), { isPeer: true }));
    const asked = (this.hasPeers || this.isPeer) && !more.includes('--health') ? [...more, '--health', '127.0.0.1:0'] : more; // for known
    const log = openSync(this.log, 'a');
    const options = process.env.TSAN_OPTIONS ?? 'exitcode=66';
    this.#server = spawn(program, ['serve', '--dir', this.dir, '--listen', `127.0.0.1:${port}`, ...asked],
      { stdio: ['ignore', 'pipe', log], env: { ...process.env, TSAN_OPTIONS: options, ...env } });
    const server = this.#server;
    running.add(server);
    this.ended = new Promise((done) => server.on('exit', (code, signal) => {
      running.delete(server);
      done({ code, signal });
    }));
    this.port = await new Promise((done, fail) => {
      let said = '';
      this.#server.stdout.on('data', (d) => {
        said += d;
        const found = said.match(/listening on https:\/\/[^:]+:(\d+)/);
        this.healthPort = Number(said.match(/health on http:\/\/127\.0\.0\.1:(\d+)/)?.[1] ?? 0);
        if (found && (this.healthPort || !asked.includes('--health'))) done(Number(found[1]));
      });
      this.ended.then(({ code, signal }) => fail(new Error(`the service ended: ${code ?? signal}\n${this.logText()}`)));
    });
    for (const peer of this.#peers) await peer.start(env, more);
    return this;
  }

  logText() { return readFileSync(this.log, 'utf8'); }

  get pid() { return this.#server.pid; }

  async kill9() {
    for (const c of this.#clients.values()) c.end();
    this.#clients.clear();
    await Promise.all(this.#peers.map((p) => p.kill9()));
    this.#server.kill('SIGKILL');
    return this.ended;
  }

  /** End it as an operator would; it must end well (sanitizers report by the exit status). */
  async stop() {
    for (const c of this.#clients.values()) c.end();
    this.#clients.clear();
    for (const peer of this.#peers) await peer.stop();
    this.#server.kill('SIGTERM');
    const timer = setTimeout(() => this.#server.kill('SIGKILL'), 20000);
    const { code, signal } = await this.ended;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`the service ended with ${code ?? signal}\n${this.logText().slice(-4000)}`);
    if (this.logText().includes('call_refused')) throw new Error(`its confinement hindered the service\n${this.logText().slice(-4000)}`);
  }

  async close() {
    try { await this.stop(); } finally {
      for (const { work } of [this, ...this.#peers]) rmSync(work, { recursive: true, force: true });
    }
  }

  credentials(role) { return JSON.parse(readFileSync(join(this.certs, `${role}.json`))); }

  passphrase(person) {
    const line = readFileSync(join(this.certs, 'passphrases.txt'), 'utf8').split('\n').find((l) => l.startsWith(`${person} `));
    return line.slice(person.length + 1);
  }

  device(role) { return join(this.certs, role); }

  /** The signed-in person of a role, made once. */
  async as(role) {
    if (!this.#clients.has(role)) {
      const { user, passphrase } = this.credentials(role);
      this.#clients.set(role, await new Client(this, { device: this.device(role) }).signIn(user, passphrase));
    }
    return this.#clients.get(role);
  }

  /** A second administrator, on another device, agrees to what waits; gives the grant. */
  async agree(grant) {
    const answer = await (await this.as('admin_second')).post(`/v1/grants/${grant}/approve`);
    if (answer.status !== 200) throw new Error(`nobody agrees: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  /** A further person, on the device of ${role}. */
  async person(name, role, options = {}) {
    const client = new Client(this, { device: this.device(role), ...options });
    this.#clients.set(`${name}#${this.#clients.size}`, client);
    return client.signIn(name, this.passphrase(name));
  }

  /** A client with the device of ${role} and no token. */
  bare(role, options = {}) {
    const client = new Client(this, { device: this.device(role), ...options });
    this.#clients.set(`bare#${this.#clients.size}`, client);
    return client;
  }

  /** Write a file in the working directory; returns its path. */
  file(name, text) {
    const path = join(this.work, name);
    writeFileSync(path, text);
    return path;
  }

  openssl(...args) { return execFileSync('openssl', args, { cwd: this.work, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }); }
}

/** A free port of those that the kernel gives to nobody who asks for any: it stays free until somebody names it. */
export async function keptPort() {
  const lowest = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t')[0]);
  for (;;) {
    const port = randomInt(Math.min(10000, lowest - 1), lowest);
    const probe = net.createServer();
    const isFree = await new Promise((done) => probe.once('error', () => done(false)).listen(port, '127.0.0.1', () => probe.close(() => done(true))));
    if (isFree) return port;
  }
}

export const key = () => ({ 'Idempotency-Key': randomUUID() });
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
