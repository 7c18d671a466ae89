// SPDX-License-Identifier: Apache-2.0
// One host of the cluster: etcd, Patroni and its PostgreSQL, configured by the files of docs/cluster, each ended by its pid.
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from './network.mjs';

const templates = resolve(import.meta.dirname, '../../../docs/cluster');
const service = { PGSERVICEFILE: join(templates, 'pg_service.conf'), PGSERVICE: 'replication' }; // as lock.conf
const as = (user) => ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--pdeathsig=KILL'];

/** A file of docs/cluster with its @WORDS@ filled in; none may stay open. */
export function filled(name, words) {
  const text = readFileSync(join(templates, name), 'utf8').replaceAll(/@([A-Z_]+)@/g, (_, word) => {
    if (words[word] === undefined) throw new Error(`${name}: nothing for @${word}@`);
    return words[word];
  });
  return text;
}

export class Host {
  /** ${cluster} gives network, members and authorities; ${dir} becomes all that this host has. */
  constructor(cluster, name) {
    Object.assign(this, { cluster, name, network: cluster.network, dir: join(cluster.dir, name) });
    this.address = this.network.address(name);
    this.keys = join(this.dir, 'keys');
    this.programs = new Map();
    this.isAttached = true;
    this.environment = {};
    this.state = 'new';
    this.#furnish();
  }

  /** A file system of its own for the database, so that it can be full. */
  #ownDisk() {
    this.disk = join(this.dir, 'disk');
    const image = join(this.dir, 'disk.img');
    writeFileSync(image, '');
    truncateSync(image, 2 ** 30);
    mkdirSync(this.disk);
    run('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=1', image);
    run('mount', '-o', 'loop', image, this.disk);
  }

  /** Each fsync of its PostgreSQL takes ${ms} longer (slow_disk.c); slowed() counts them. */
  slow(ms) {
    const words = Buffer.alloc(8);
    words.writeUInt32LE(ms);
    const fd = openSync(join(this.dir, 'slowness'), 'r+');
    writeSync(fd, words);
    closeSync(fd);
  }

  slowed() {
    const words = Buffer.alloc(8);
    const fd = openSync(join(this.dir, 'slowness'), 'r');
    readSync(fd, words, 0, 8, 0);
    closeSync(fd);
    return words.readUInt32LE(4);
  }

  /** Its programs are gone: let go of its disk. */
  detach() {
    this.isAttached = false;
    if (this.disk) spawnSync('umount', ['-l', this.disk]);
    this.disk = null;
  }

  #furnish() {
    const { keys, cluster } = this;
    mkdirSync(keys, { recursive: true });
    for (const part of ['etcd', 'patroni']) cpSync(join(cluster.keys, this.name, part), keys, { recursive: true });
    if (cluster.disks) this.#ownDisk();
    writeFileSync(join(this.dir, 'slowness'), Buffer.alloc(8));
    if (cluster.shim) this.environment = { LD_PRELOAD: cluster.shim, SLOW_DISK: join(this.dir, 'slowness') };
    for (const part of ['etcd', 'sockets']) mkdirSync(join(this.dir, part), { recursive: true });
    run('chown', '-R', 'postgres:postgres', this.dir);
    run('chmod', '-R', 'go-rwx', keys);
    chmodSync(join(this.dir, 'etcd'), 0o700);
    this.configure();
  }

  /** Write its configuration anew, with ${change} applied to Patroni's text. */
  configure(change = (text) => text) {
    const { cluster } = this;
    const words = { NAME: this.name, ADDRESS: this.address, KEYS: this.keys, STATE: this.state, NETWORK: this.network.network,
      ETCD_DATA: join(this.dir, 'etcd'), PG_DATA: join(this.disk ?? this.dir, 'data'), SOCKETS: join(this.dir, 'sockets'),
      MEMBERS: cluster.names.map((n) => `${n}=https://${this.network.address(n)}:2380`).join(','),
      ETCD_HOSTS: [this.name, ...cluster.names.filter((n) => n !== this.name)].map((n) => `'${this.network.address(n)}:2379'`).join(', '), TEMPLATES: templates };
    writeFileSync(join(this.dir, 'etcd.yml'), filled('etcd.yml', words));
    writeFileSync(join(this.dir, 'patroni.yml'), change(filled('patroni.yml', words)));
  }

  #start(what, command) {
    const log = openSync(join(this.dir, `${what}.log`), 'a');
    const child = this.network.spawn(this.name, [...as('postgres'), ...command], { stdio: ['ignore', log, log], cwd: this.dir,
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8', HOME: this.dir, ...(what === 'patroni' ? service : {}), ...this.environment } });
    child.ended = new Promise((done) => child.on('exit', (code) => {
      const isOurs = this.programs.get(what) === child;
      if (isOurs) this.programs.delete(what);
      // who gave up is started again, as docs/cluster/restart.conf has systemd do; who was killed waits for the test
      if (isOurs && code) setTimeout(() => { if (!this.programs.has(what) && this.isAttached) this.#start(what, command); }, 1000).unref();
      done();
    }));
    this.programs.set(what, child);
  }

  startEtcd() { this.#start('etcd', ['etcd', '--config-file', join(this.dir, 'etcd.yml')]); }

  startPatroni() { this.#start('patroni', ['/usr/bin/python3', '-I', join(templates, 'lock.py'), join(this.dir, 'patroni.yml')]); }

  /** As its unit does; not started where it is left out on purpose. */
  startWatch() { this.#start('watch', ['/usr/bin/python3', '-I', join(templates, 'watch.py'), join(this.dir, 'patroni.yml')]); }

  start() {
    if (!this.programs.has('etcd')) this.startEtcd();
    if (!this.programs.has('patroni')) this.startPatroni();
    if (this.cluster.isWatched && !this.programs.has('watch')) this.startWatch();
    this.afterStart?.();
  }

  /** kill -9 of 'etcd' or 'patroni'; its pid. */
  async kill(what) {
    const child = this.programs.get(what);
    child.kill('SIGKILL');
    await child.ended;
    return child.pid;
  }

  /** The postmaster's pid, or 0. */
  get postmaster() {
    const file = join(this.disk ?? this.dir, 'data/postmaster.pid');
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0;
    return pid && existsSync(`/proc/${pid}`) ? pid : 0;
  }

  /** kill -9 of PostgreSQL with all its processes; the postmaster's pid. */
  killPostgres() {
    const pid = this.postmaster;
    if (!pid) throw new Error(`${this.name}: no PostgreSQL to kill`);
    const children = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }).stdout.split('\n').map(Number).filter(Boolean);
    for (const p of [pid, ...children]) try { process.kill(p, 'SIGKILL'); } catch { /* it was quicker */ }
    return pid;
  }

  /** A machine that loses its power: silent first, then dead; no connection is closed. */
  powerOff() {
    this.network.cut(this.name);
    return this.network.killAll(this.name);
  }

  /** All it had is gone, its node's directory, too: whoever laid that lays another. */
  async wipe() {
    this.detach();
    this.isAttached = true;
    rmSync(this.dir, { recursive: true });
    this.state = 'existing';
    this.#furnish();
    await this.afterWipe?.();
  }

  /** Ask its PostgreSQL, as the host's own superuser; null when it does not answer. */
  ask(sql, database = 'postgres') {
    const r = spawnSync('timeout', ['5', ...as('postgres'), 'psql', '-XqAt', '-h', join(this.dir, 'sockets'), '-U', 'postgres', '-d', database, '-c', sql],
      { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: '/', PGCONNECT_TIMEOUT: '2' }, cwd: '/', maxBuffer: 1 << 28 });
    return r.status === 0 ? r.stdout.trim() : null;
  }

  get leads() { return this.ask('select pg_is_in_recovery()') === 'f'; }

  logText(what) {
    const file = join(this.dir, `${what}.log`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }
}
