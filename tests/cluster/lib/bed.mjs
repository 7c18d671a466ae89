// SPDX-License-Identifier: Apache-2.0
// Three hosts with real PostgreSQL, Patroni and etcd on this machine, and what a test asks of them together.
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Host } from './host.mjs';
import { Network, run } from './network.mjs';

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** ${look}() until it is truthy, which is returned; after ${seconds} an error that says what was awaited. */
export async function until(what, look, seconds = 60) {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(100);
  }
}

export class Cluster {
  names = ['host1', 'host2', 'host3'];

  /** ${more} are further hosts of the network, for clients; disks: each database has a file system of its own; isWatched:
   *  docs/cluster/watch.py runs beside each Patroni. */
  constructor({ more = ['client'], disks = false, isWatched = true } = {}) {
    Object.assign(this, { disks, isWatched });
    this.dir = mkdtempSync(join(tmpdir(), 'menedek-cluster-'));
    chmodSync(this.dir, 0o755);
    process.on('exit', () => this.end());
    this.network = new Network([...this.names, ...more]);
    if (disks) {
      this.shim = join(this.dir, 'slow_disk.so');
      run(process.env.CC ?? 'cc', '-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', '-o', this.shim, join(import.meta.dirname, '../slow_disk.c'), '-ldl');
    }
    this.keys = join(this.dir, 'keys');
    run('sh', join(import.meta.dirname, '../../../docs/cluster/keys.sh'), this.keys, ...this.names.map((n) => `${n}=${this.network.address(n)}`));
    for (const end of ['crt', 'key']) cpSync(join(this.keys, `menedek/menedek.${end}`), join(this.dir, `menedek.${end}`));
    this.hosts = this.names.map((name) => new Host(this, name));
  }

  /** Start all hosts; with leader, two streaming standbys and the registry's database they are a cluster. */
  async start() {
    for (const h of this.hosts) h.start();
    const leader = await until('a leader', () => this.leader());
    await until('the role menedek', () => leader.ask("select 1 from pg_roles where rolname = 'replicator'"));
    run('setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', 'psql', '-XqAt', '-h', join(leader.dir, 'sockets'), '-U', 'postgres',
      '-v', 'ON_ERROR_STOP=1', '-f', join(import.meta.dirname, '../../../docs/cluster/roles.sql'));
    await this.whole();
    return this;
  }

  leader() { return this.hosts.find((h) => h.leads) ?? null; }

  standbys() {
    const leader = this.leader();
    return this.hosts.filter((h) => h !== leader);
  }

  /** The leader's standbys as it sees them: { host2: 'sync', ... }, streaming ones only. */
  followers(leader = this.leader()) {
    const text = leader?.ask("select application_name || ' ' || sync_state from pg_stat_replication where state = 'streaming'") ?? '';
    return Object.fromEntries(text.split('\n').filter(Boolean).map((l) => l.split(' ')));
  }

  /** Patroni's REST interface on ${host}, asked with the host's own certificate; throws when it does not answer. */
  text(host, path, ...more) {
    const { keys, name, address } = host;
    const command = this.network.inside(name, 'curl', '-sS', '--fail', '-m', '5', '--cacert', `${keys}/steering-ca.crt`, '--cert', `${keys}/steering.crt`,
      '--key', `${keys}/steering.key`, ...more, `https://${address}:8008${path}`);
    return run(...command);
  }

  /** The same as JSON; null when it does not answer. */
  rest(host, path, ...more) {
    try { return JSON.parse(this.text(host, path, ...more)); } catch { return null; }
  }

  /** The host that PostgreSQL and Patroni both call the leader, with two that follow, one of them Patroni's own choice to
   *  take over: before that is written down a second blow may not come.  Or null; ${seen} gets why. */
  #isWhole(seen) {
    const leaders = this.hosts.filter((h) => h.leads);
    seen.leaders = leaders.map((h) => h.name);
    if (leaders.length !== 1) return null;
    seen.followers = this.followers(leaders[0]);
    if (!Object.values(seen.followers).includes('sync') || Object.keys(seen.followers).length !== 2) return null;
    seen.roles = Object.fromEntries((this.rest(leaders[0], '/cluster')?.members ?? []).map((m) => [m.name, m.role]));
    const [heir] = Object.keys(seen.followers).filter((name) => seen.roles[name] === 'sync_standby' && seen.followers[name] === 'sync');
    return heir && seen.roles[leaders[0].name] === 'leader' ? leaders[0] : null;
  }

  /** Wait until the cluster is as it should be; gives the leader. */
  async whole(seconds = 90) {
    const seen = {};
    try { return await until('one leader, two followers', () => this.#isWhole(seen), seconds); } catch (e) {
      throw new Error(`${e.message}; seen ${JSON.stringify(seen)}\n${this.story()}`, { cause: e });
    }
  }

  /** What libpq needs to reach whoever leads; ${hosts} in the order they are tried. */
  conninfo(hosts = this.hosts) {
    const file = join(this.dir, 'menedek');
    return `host=${hosts.map((h) => h.address).join(',')} port=5432 dbname=menedek user=menedek sslmode=verify-full sslrootcert=${this.keys}/menedek/ca.crt `
      + `sslcert=${file}.crt sslkey=${file}.key target_session_attrs=read-write connect_timeout=2 tcp_user_timeout=2000 keepalives_idle=1 `
      + 'keepalives_interval=1 keepalives_count=2';
  }

  /** etcdctl, asking the etcd of ${host}. */
  etcdctl(host, ...args) {
    const keys = host.keys;
    return run(...this.network.inside(host.name, 'timeout', '15', 'etcdctl', `--endpoints=https://${host.address}:2379`, `--cacert=${keys}/steering-ca.crt`,
      `--cert=${keys}/steering.crt`, `--key=${keys}/steering.key`, ...args));
  }

  /** What each host's Patroni said last, for who reads why a test failed. */
  story(lines = 12) {
    const dull = /Lock owner|no action|\] (FATAL|STATEMENT|HINT|DETAIL)|could not receive data|accepting connections|waiting for WAL|\] LOG: {2}checkpoint/;
    return this.hosts.map((h) => `--- ${h.name}, programs ${[...h.programs.keys()].join(' ')}, PostgreSQL ${h.postmaster}\n${
      h.logText('patroni').split('\n').filter((l) => l && !dull.test(l)).slice(-lines).map((l) => l.slice(0, 220)).join('\n')}`).join('\n');
  }

  /** Patroni's configuration for all hosts, changed. */
  reconfigure(patch) { return this.rest(this.leader(), '/config', '-XPATCH', '-d', JSON.stringify(patch)); }

  /** May be called twice. */
  end() {
    this.network?.end();
    for (const h of this.hosts ?? []) h.detach();
    if (!process.env.KEEP) rmSync(this.dir, { recursive: true, force: true });
  }
}
