// SPDX-License-Identifier: Apache-2.0
// A registry whose records are in the cluster's database, served by a node on each host; its clients each have a node they
// prefer and go to the next when that one is gone, as a console behind HAProxy does.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Client, root } from '../../api/lib/registry.mjs';
import { Tireless } from '../../torture/lib/tireless.mjs';
import { until } from './bed.mjs';
import { filled } from './host.mjs';
import { run } from './network.mjs';

const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const PORT = 8443;
const unit = readFileSync(join(root, 'systemd/menedek.service'), 'utf8');
const RESTART_MS = 1000 * Number(unit.match(/^RestartSec=(\d+)$/m)[1]);
// unless the unit says otherwise systemd gives up after five starts in ten seconds
const IS_PATIENT = /^StartLimitIntervalSec=0$/m.test(unit);

/** Whoever gets no answer asks the next node the next time; what became of the question nobody knows. */
class Roamer extends Client {
  constructor(registry, home, options) {
    const { ca, hosts } = registry;
    super({ ca, port: PORT, host: hosts[home].address, timeout: 8000 }, options);
    this.home = home;
    this.hosts = hosts;
  }

  async send(...args) {
    try { return await super.send(...args); } catch (e) {
      this.home = (this.home + 1) % this.hosts.length;
      this.registry.host = this.hosts[this.home].address;
      throw e;
    }
  }
}

/** Real HAProxy with docs/cluster/haproxy.cfg, on the network's host "client". */
export class Balancer {
  constructor(cluster) {
    this.address = cluster.network.address('client');
    const file = join(cluster.dir, 'haproxy.cfg');
    const servers = cluster.hosts.map((h) => `    server ${h.name} ${h.address}:${PORT}`).join('\n');
    writeFileSync(file, filled('haproxy.cfg', { ADDRESS: this.address, NODES: servers }));
    const log = openSync(join(cluster.dir, 'haproxy.log'), 'a');
    const { pid } = cluster.network.spawn('client', ['setpriv', '--pdeathsig=KILL', 'haproxy', '-db', '-f', file], { stdio: ['ignore', log, log] });
    /** Whose process it is by now, and its root directory. */
    this.owner = () => run('ps', '-o', 'user=', '-p', String(pid)).trim();
    this.root = () => readlinkSync(`/proc/${pid}/root`);
    this.listens = () => run(...cluster.network.inside('client', 'ss', '-Hltn')).includes(`${this.address}:${PORT}`);
  }
}

export class Nodes extends Tireless {
  #clients = 0;
  #running = new Map();
  #starts = new Map();

  /** Move a sample registry into ${cluster}'s database and lay its keys on each host. */
  constructor(cluster) {
    super();
    this.cluster = cluster;
    this.hosts = cluster.hosts;
    process.on('exit', () => rmSync(this.work, { recursive: true, force: true }));
    this.offices = this.#enrolOffices();
    const dir = (at) => join(at, 'database');
    const conninfo = (at) => `host=${cluster.hosts.map((h) => h.address).join(',')} port=5432 dbname=menedek user=menedek sslmode=verify-full `
      + `sslrootcert=${dir(at)}/ca.crt sslcert=${dir(at)}/menedek.crt sslkey=${dir(at)}/menedek.key`;
    mkdirSync(dir(this.dir), { mode: 0o700 });
    cpSync(join(cluster.keys, 'menedek/ca.crt'), join(dir(this.dir), 'ca.crt'));
    for (const end of ['crt', 'key']) cpSync(join(cluster.dir, `menedek.${end}`), join(dir(this.dir), `menedek.${end}`));
    this.moved = this.run('migrate', '--engine', 'postgresql', '--database', conninfo(this.dir)).trim();
  }

  /** The sample's people who answer for all houses, each on a device of her own; their names. */
  #enrolOffices() {
    const offices = readFileSync(join(root, 'data/sample-people.csv'), 'utf8').split('\n').filter((l) => l.startsWith('ugyelet.')).map((l) => l.split(','));
    for (const [name, org] of offices) this.run('device', 'add', '--quiet', '--force', '--org', org, '--name', name, '--out', this.device(name));
    return offices.map(([name]) => name);
  }

  /** A node on each host, with the keys it began with; those made later they give each other through the database. */
  async serveAll() {
    for (const h of this.hosts) {
      this.#lay(h, this.dir);
      h.afterStart = () => { this.serve(h).catch(() => {}); };
      h.afterWipe = () => this.#layAnew(h);
    }
    await Promise.all(this.hosts.map((h) => this.serve(h)));
    return this;
  }

  /** The directory of ${host}'s node, from that at ${source}. */
  #lay(host, source, filter = () => true) {
    const at = this.place(host);
    cpSync(source, at, { recursive: true, filter: (path) => filter(relative(source, path)) });
    const file = join(at, 'store/postgresql');
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(source, at));
  }

  /** As docs/cluster has an empty host set up: from one whose node serves, without what is that node's own; if the lost one kept the
   *  keys another does from now on. */
  async #layAnew(host) {
    const at = this.place(host), other = this.hosts.find((h) => h !== host && this.#running.has(h.name));
    const isKeeper = existsSync(join(at, 'store/keeper'));
    rmSync(at, { recursive: true });
    this.#lay(host, this.place(other), (path) => !/^(devices$|store\/[^p]|control\.sock$)/.test(path)); // tar leaves out sockets
    if (existsSync(join(at, 'store/data.mdb'))) throw new Error(`the node on ${host.name} has a copy: it would not begin with nothing`);
    if (!isKeeper) return;
    await this.kill(other, 'SIGTERM');
    const kept = this.at(other, 'keep-keys');
    if (kept.status !== 0) throw new Error(`keep-keys on ${other.name}: ${kept.stderr}`);
    await this.serve(other);
  }

  place(host) { return join(this.cluster.dir, 'nodes', host.name); }

  nodeLog(host) { return readFileSync(join(this.cluster.dir, 'nodes', `${host.name}.log`), 'utf8'); }

  /** Does systemd start the node on ${host} once more? */
  #mayStart(host) {
    return IS_PATIENT || (this.#starts.get(host.name) ?? []).filter((at) => at > performance.now() - 10_000).length < 5;
  }

  /** Serve on ${host}; resolves when it listens.  It waits for its database as long as it takes. */
  async serve(host, bin = program) {
    if (this.#running.has(host.name)) return;
    const log = openSync(join(this.cluster.dir, 'nodes', `${host.name}.log`), 'a');
    const child = this.cluster.network.spawn(host.name, ['setpriv', '--pdeathsig=KILL', bin, 'serve', '--dir', this.place(host), '--listen',
      `${host.address}:${PORT}`], { stdio: ['ignore', 'pipe', log], env: { PATH: process.env.PATH } });
    this.#running.set(host.name, child);
    this.#starts.set(host.name, [...(this.#starts.get(host.name) ?? []), performance.now()]);
    let said = '';
    child.stdout.on('data', (d) => { said += d; });
    child.ended = new Promise((done) => child.on('exit', (code) => {
      if (this.#running.get(host.name) === child) this.#running.delete(host.name);
      // as its unit does (Restart=on-failure)
      if (code) setTimeout(() => { if (host.isAttached && this.#mayStart(host)) this.serve(host).catch(() => {}); }, RESTART_MS).unref();
      done(code);
    }));
    await until(`the node on ${host.name} listens`, () => said.includes('listening on'), 60)
      .catch((e) => { throw new Error(`${e.message}\n${this.nodeLog(host).slice(-2000)}`); });
  }

  /** A command on ${host}, in its own network: { status, stdout, stderr }. */
  at(host, ...args) {
    const [name, ...rest] = this.cluster.network.inside(host.name, program, ...args, '--dir', this.place(host), '--keys', join(this.place(host), 'keys'));
    return spawnSync(name, rest, { encoding: 'utf8', timeout: 120000 });
  }

  pidOf(host) { return this.#running.get(host.name)?.pid; }

  /** kill -9 of the node on ${host}; or an operator's SIGTERM.  It stays down until serve(). */
  async kill(host, signal = 'SIGKILL') {
    const child = this.#running.get(host.name);
    child.kill(signal);
    return child.ended;
  }

  /** A client that comes through HAProxy. */
  through(balancer, role) { return new Client({ ca: this.ca, port: PORT, host: balancer.address, timeout: 8000 }, { device: this.device(role) }); }

  /** A client with the device of ${role}; each next one prefers the next node. */
  bare(role, options = {}) { return new Roamer(this, this.#clients++ % this.hosts.length, { device: this.device(role), ...options }); }
}
