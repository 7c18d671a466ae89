// SPDX-License-Identifier: Apache-2.0
// What is done to a cluster.  Each injury gives { hurt: host, proof: sentence that it happened }, and mend() ends it; whatever
// cannot prove that it happened throws.
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './network.mjs';
import { sleep, until } from './bed.mjs';

function proven(is, sentence) {
  if (!is) throw new Error(`the fault did not happen: ${sentence}`);
  return sentence;
}

const gone = (pid) => { try { process.kill(pid, 0); return false; } catch { return true; } };

/** The frames that a cut swallowed prove it; somebody always speaks. */
async function cutProven(cluster, host) {
  await until(`frames of ${host.name} are swallowed`, () => cluster.network.swallowed() > 0, 30);
  return `${cluster.network.swallowed()} frames of ${host.name} swallowed at once`;
}

async function killPostgres(cluster, host) {
  const pid = host.killPostgres();
  await until('PostgreSQL is gone', () => gone(pid), 30);
  return { hurt: host, proof: `PostgreSQL ${pid} of ${host.name} killed` };
}

async function killPatroni(cluster, host) {
  const postmaster = host.postmaster;
  const pid = await host.kill('patroni');
  return { hurt: host, proof: proven(gone(pid) && postmaster && !gone(postmaster), `Patroni ${pid} of ${host.name} killed, its PostgreSQL ${postmaster} goes on`),
    mend: () => host.startPatroni() };
}

async function killBoth(cluster, host) {
  const patroni = await host.kill('patroni');
  const pid = host.killPostgres();
  await until('PostgreSQL is gone', () => gone(pid), 30);
  return { hurt: host, proof: `Patroni ${patroni} and PostgreSQL ${pid} of ${host.name} killed`, mend: () => host.startPatroni() };
}

async function powerOff(cluster, host) {
  const killed = host.powerOff();
  await until('PostgreSQL is gone', () => !host.postmaster, 30);
  return { hurt: host, proof: proven(killed > 3, `${host.name} silent and ${killed} processes killed`),
    mend() {
      cluster.network.heal();
      host.start();
    } };
}

const cut = (how, say) => async (cluster, host) => {
  cluster.network.cut(host.name, how);
  return { hurt: host, proof: `${say}: ${await cutProven(cluster, host)}`, mend: () => cluster.network.heal() };
};

async function loss(cluster, host) {
  cluster.network.lose(host.name, 30);
  return { hurt: host, proof: `30 % lost: ${await cutProven(cluster, host)}`, mend: () => cluster.network.heal() };
}

async function killEtcd(cluster, host) {
  const pid = await host.kill('etcd');
  return { hurt: host, proof: proven(gone(pid), `etcd ${pid} of ${host.name} killed`), mend: () => host.startEtcd() };
}

/** A machine with nothing on it takes the place of a lost one: a new etcd member, a copy from the leader. */
async function replace(cluster, host) {
  const killed = host.powerOff();
  const other = cluster.hosts.find((h) => h !== host);
  const identity = () => other.ask('select 1') && cluster.hosts.find((h) => h !== host && h.leads);
  return { hurt: host, proof: proven(killed > 3, `${host.name} silent, ${killed} processes killed, its disk wiped`),
    async mend() {
      await until('another leads', identity);
      await host.wipe();
      const line = cluster.etcdctl(other, 'member', 'list').split('\n').find((l) => l.includes(`, ${host.name}, `));
      cluster.etcdctl(other, 'member', 'remove', line.split(',')[0]);
      await until('etcd takes a new member', () => {
        try { return cluster.etcdctl(other, 'member', 'add', host.name, `--peer-urls=https://${host.address}:2380`); } catch { return null; }
      }, 20);
      cluster.network.heal();
      host.start();
    } };
}

/** Not one block is left on the disk of ${host}'s database (a file system of its own: Host.ownDisk). */
async function fullDisk(cluster, host) {
  const filler = join(host.disk, 'filler');
  const fd = openSync(filler, 'w');
  const pour = (size) => { try { for (;;) writeSync(fd, Buffer.alloc(size, 1)); } catch (e) { if (e.code !== 'ENOSPC') throw e; } };
  for (const size of [1 << 20, 4096, 512]) pour(size);
  closeSync(fd);
  return { hurt: host, proof: proven(/100%/.test(run('df', '--output=pcent', host.disk)), `${statSync(filler).size >> 20} MiB poured into the disk of ${host.name}: full`),
    mend: () => rmSync(filler) };
}

/** Each fsync of ${host}'s PostgreSQL takes half a second. */
async function slowDisk(cluster, host) {
  host.slow(500);
  await until('slow requests', () => host.slowed() > 0, 20);
  return { hurt: host, proof: `each fsync on ${host.name} takes 0.5 s`, mend: () => host.slow(0) };
}

/** No standby hears the leader while its clients still do, for as long as ${alone} takes; then it dies.  Who acknowledges alone
 *  loses what it said. */
async function deserted(cluster, host, alone = () => sleep(1500)) {
  cluster.network.cut(host.name, { others: cluster.names.filter((n) => n !== host.name) });
  const proof = await cutProven(cluster, host);
  await alone();
  const killed = host.powerOff();
  return { hurt: host, proof: proven(killed > 3, `${proof}, then ${killed} processes killed`),
    mend() {
      cluster.network.heal();
      host.start();
    } };
}

const standby = (cluster, leader, random) => {
  const sync = Object.entries(cluster.followers(leader)).find(([, s]) => s !== 'async' && s !== 'potential');
  return cluster.hosts.find((h) => h.name === sync?.[0]) ?? random.pick(cluster.hosts.filter((h) => h !== leader));
};
const theLeader = (cluster, leader) => leader;
const anyone = (cluster, leader, random) => random.pick(cluster.hosts);

/** name: who is hurt, how; back: how long writes may be away (s); watch: how long after it is looked (s); lasts: the service may be
 *  away for as long as it is not mended; quick: in the short form. */
export const INJURIES = [
  { name: "the leader's host loses its power", who: theLeader, how: powerOff, back: 10, quick: true },
  { name: "a standby's PostgreSQL is killed", who: standby, how: killPostgres, back: 2, quick: true },
  { name: "the leader's PostgreSQL is killed", who: theLeader, how: killPostgres, back: 10, quick: true },
  { name: "the leader's Patroni is killed", who: theLeader, how: killPatroni, back: 10, watch: 10 },
  { name: "the leader's Patroni and PostgreSQL are killed", who: theLeader, how: killBoth, back: 10 },
  { name: "a standby's Patroni and PostgreSQL are killed", who: standby, how: killBoth, back: 2 },
  { name: "a standby's host loses its power", who: standby, how: powerOff, back: 6 },
  { name: 'an etcd member is killed', who: anyone, how: killEtcd, back: 2, watch: 5 },
  { name: "the leader's host is cut off", who: theLeader, how: cut({}, 'cut off'), back: 12 },
  { name: "the leader's host speaks and hears nothing", who: theLeader, how: cut({ speaks: true }, 'deaf'), back: 20 },
  { name: "the leader's host hears and is not heard", who: theLeader, how: cut({ hears: true }, 'mute'), back: 20 },
  { name: "a standby's host is cut off", who: standby, how: cut({}, 'cut off'), back: 8 },
  { name: "30 % of the leader's packets are lost", who: theLeader, how: loss, back: 60, watch: 20, lasts: true },
  { name: "the leader's disk is slow", who: theLeader, how: slowDisk, back: 15, watch: 15 },
  { name: "the leader's disk is full", who: theLeader, how: fullDisk, back: 30 },
  { name: 'a host is replaced by an empty one', who: theLeader, how: replace, back: 10 },
];

/** The one that an acknowledgement without a standby does not survive: what the mutant must lose by. */
export const DESERTED = { name: 'the leader loses its standbys, then its power', who: theLeader, how: deserted, back: 15 };
