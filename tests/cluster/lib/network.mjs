// SPDX-License-Identifier: Apache-2.0
// Hosts as network namespaces behind one bridge, which stands in a namespace of its own so that no rule of this machine
// meets it.  All that is cut or lost is cut and lost on the bridge: a host sees silence, as in life.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
export const run = (...command) => execFileSync(command[0], command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

const PREFIX = 'menedek-';
/** What is no host of it, this process too, as the bridge calls it. */
export const OUTSIDE = 'out';
const living = new Set();
process.on('exit', () => { for (const network of living) network.end(); });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

// not "ip netns exec", nor "ip -n": they mount anew, and cannot where the root is no mount of its own
const within = (namespace) => ['nsenter', `--net=/run/netns/${namespace}`];
const namespaces = () => run('ip', 'netns', 'list').split('\n').map((l) => l.split(' ')[0]).filter((n) => n.startsWith(PREFIX));

/** Every process of a namespace, ended at once; gives how many. */
function killAll(namespace) {
  let killed = 0;
  for (const pid of spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean)) {
    try { process.kill(Number(pid), 'SIGKILL'); killed++; } catch { /* it was quicker */ }
  }
  return killed;
}

function remove(namespace) {
  killAll(namespace);
  spawnSync('ip', ['netns', 'del', namespace]);
}

/** What a run left that was ended with SIGKILL. */
function sweep() {
  for (const name of namespaces()) if (!existsSync(`/proc/${name.split('-')[1]}`)) remove(name);
}

/** A 10.x network that no route of this machine knows. */
function freeNetwork() {
  const taken = run('ip', '-4', 'route');
  for (let i = 0; i < 4096; i++) {
    const n = (process.pid * 7 + i) % 16384;
    const base = `10.${64 + (n >> 8)}.${n & 255}`;
    if (!taken.includes(`${base}.`)) return base;
  }
  throw new Error('no free 10.x network');
}

export class Network {
  /** Namespaces for ${hosts} names, each with an address; the machine itself is reached as "out". */
  constructor(hosts) {
    sweep();
    this.hub = `${PREFIX}${process.pid}-hub`;
    this.base = freeNetwork();
    this.hosts = hosts;
    living.add(this);
    const hub = (...command) => run(...within(this.hub), 'ip', ...command);
    run('ip', 'netns', 'add', this.hub);
    hub('link', 'add', 'bridge', 'type', 'bridge');
    hub('link', 'set', 'bridge', 'up');
    hosts.forEach((name, i) => {
      run('ip', 'netns', 'add', this.namespace(name));
      hub('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.namespace(name));
      const own = (...command) => run(...within(this.namespace(name)), 'ip', ...command);
      own('addr', 'add', `${this.address(name)}/24`, 'dev', 'eth0');
      own('link', 'set', 'eth0', 'up');
      own('link', 'set', 'lo', 'up');
    });
    this.port = `mdk${process.pid}`;
    run('ip', 'link', 'add', this.port, 'type', 'veth', 'peer', 'name', OUTSIDE, 'netns', this.hub);
    run('ip', 'addr', 'add', `${this.base}.254/24`, 'dev', this.port);
    run('ip', 'link', 'set', this.port, 'up');
    for (const name of [...hosts, OUTSIDE]) {
      hub('link', 'set', name, 'master', 'bridge');
      hub('link', 'set', name, 'up');
    }
    this.#nft('add table bridge faults; add chain bridge faults cut { type filter hook forward priority 0; }');
  }

  namespace(host) { return `${PREFIX}${process.pid}-${host}`; }

  address(host) { return `${this.base}.${this.hosts.indexOf(host) + 1}`; }

  get network() { return `${this.base}.0/24`; }

  /** As arguments for spawn. */
  inside(host, ...command) { return [...within(this.namespace(host)), ...command]; }

  /** The same where the hosts' cables end. */
  onHub(...command) { return [...within(this.hub), ...command]; }

  spawn(host, command, options) {
    const [program, ...args] = this.inside(host, ...command);
    return spawn(program, args, options);
  }

  #nft(rules) { return run(...within(this.hub), 'nft', rules); }

  /** ${host} and all others hear nothing of each other; only from or to ${others} if they are named. */
  cut(host, { hears = false, speaks = false, others = null } = {}) {
    const which = (what) => (others ? `${what} { ${others.map((o) => `"${o}"`).join(', ')} }` : '');
    if (!speaks) this.#nft(`add rule bridge faults cut iifname "${host}" ${which('oifname')} counter drop`);
    if (!hears) this.#nft(`add rule bridge faults cut oifname "${host}" ${which('iifname')} counter drop`);
  }

  /** ${others} no longer reach ${port} of ${host}, nor it them from there. */
  cutPort(host, port, others) {
    const them = `{ ${others.map((o) => `"${o}"`).join(', ')} }`;
    this.#nft(`add rule bridge faults cut oifname "${host}" iifname ${them} tcp dport ${port} counter drop`);
    this.#nft(`add rule bridge faults cut iifname "${host}" oifname ${them} tcp sport ${port} counter drop`);
  }

  /** ${percent} of the frames from and to ${host} are lost. */
  lose(host, percent) {
    for (const side of ['iifname', 'oifname']) this.#nft(`add rule bridge faults cut ${side} "${host}" numgen random mod 100 < ${percent} counter drop`);
  }

  /** How many frames the faults have swallowed since the last heal. */
  swallowed() {
    return [...this.#nft('list chain bridge faults cut').matchAll(/packets (\d+)/g)].reduce((sum, m) => sum + Number(m[1]), 0);
  }

  heal() { this.#nft('flush chain bridge faults cut'); }

  /** SIGKILL for everything on ${host}. */
  killAll(host) { return killAll(this.namespace(host)); }

  /** May be called twice. */
  end() {
    living.delete(this);
    for (const name of namespaces().filter((n) => n.startsWith(`${PREFIX}${process.pid}-`))) remove(name);
    spawnSync('ip', ['link', 'del', this.port]);
  }
}

/** Why there can be no such network here, or false. */
export function noNetwork() {
  if (process.getuid() !== 0) return 'SKIPPED: network namespaces are made by root only; run it as root';
  const name = `${PREFIX}${process.pid}-try`;
  try {
    for (const program of ['patroni', 'etcd', 'etcdctl', 'nft', 'haproxy', 'setpriv']) run('which', program);
    run('ip', 'netns', 'add', name);
    run(...within(name), 'nft', 'add table bridge faults; add chain bridge faults cut { type filter hook forward priority 0; }; '
      + 'add rule bridge faults cut numgen random mod 100 < 30 counter drop');
    run(...within(name), 'ip', 'link', 'add', 'try0', 'type', 'veth', 'peer', 'name', 'try1');
    return false;
  } catch (e) {
    return `SKIPPED: no namespaces, nftables, PostgreSQL, Patroni or etcd here: ${e.message.split('\n')[0]}`;
  } finally {
    spawnSync('ip', ['netns', 'del', name]);
  }
}
