// SPDX-License-Identifier: Apache-2.0
// The cluster that docs/cluster describes, hurt under writes: what was acknowledged is there afterwards, and it writes again
// by itself.  The probe is psql; the service is not needed for this.  The mutant answers before a standby has it, and loses.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LONG, SEED, generator, rounds } from '../torture/lib/random.mjs';
import { Cluster, sleep, until } from './lib/bed.mjs';
import { DESERTED, INJURIES } from './lib/injuries.mjs';
import { noNetwork, run } from './lib/network.mjs';
import { Probe } from './lib/writers.mjs';
import { within } from '../api/lib/patience.mjs';

const skip = noNetwork();
const SLACK = LONG ? 1 : 2; // the short form runs on busy machines: what it asserts is that it comes back
const random = generator(SEED);
let cluster, probes = 0, broken = null;

before(async () => {
  if (skip) return;
  cluster = await new Cluster({ disks: true }).start();
  await Probe.prepare(cluster);
}, { timeout: 120000 });
after(() => cluster?.end());

/** One injury under writes; { probe, leader, silence (ms), proof }, with a whole cluster at the end. */
async function hurt(injury) {
  if (broken) throw new Error(`the cluster did not heal: ${broken}`);
  const leader = await cluster.whole();
  const probe = new Probe(cluster, { random, name: `p${probes++}w` }).begin();
  let mend = null;
  try {
    await probe.floor(150);
    const at = performance.now();
    const { proof, mend: end } = await injury.how(cluster, injury.who(cluster, leader, random));
    mend = end;
    await sleep((injury.watch ?? 3) * 1000);
    if (injury.lasts) await mend();
    await until('writes are acknowledged again', () => probe.since(performance.now() - 2000) > 5, 90);
    const silence = probe.silence(at);
    mend = null;
    if (!injury.lasts) await end?.();
    return { probe, proof, silence, now: await cluster.whole() };
  } catch (e) {
    broken = injury.name;
    await mend?.();
    throw new Error(`${e.message}\n${cluster.story()}`, { cause: e });
  } finally {
    cluster.network.heal();
    await probe.end();
  }
}

const say = (t, injury, r, lost) => t.diagnostic(`${injury.name}: ${r.proof}; writes away ${r.silence} ms; ${r.probe.acknowledged.length} acknowledged, `
  + `${r.probe.unknown} unknown, lost ${lost.length}`);

for (let round = 1; round <= rounds(1, 10); round++) for (const injury of INJURIES.filter((i) => LONG || i.quick)) {
  test(`${injury.name}: nothing acknowledged is lost (${round}, TORTURE_SEED=${SEED})`, { skip, timeout: 400000 }, async (t) => {
    await within(injury.back * 1000 * SLACK, async () => {
      const r = await hurt(injury);
      const lost = r.probe.lost(r.now);
      say(t, injury, r, lost);
      assert.deepEqual(lost, []);
      for (const h of cluster.hosts) await until(`${h.name} has all of it`, () => r.probe.lost(h).length === 0, 30);
      return r.silence;
    }, 'writes went on');
  });
}

/** Where etcd keeps Patroni's ${key}, and when it was last written. */
function written(host, key) {
  const [kv] = JSON.parse(cluster.etcdctl(host, 'get', '-w', 'json', `/service/menedek/${key}`)).kvs;
  return { revision: kv.mod_revision, text: Buffer.from(kv.value, 'base64').toString() };
}

/** ${leader} loses its power in the middle of a change of which it has written 16 MiB that no standby has; whoever leads then. */
async function dieAhead(leader) {
  const [other] = cluster.standbys();
  leader.programs.get('patroni').kill('SIGSTOP'); // who says each second how far it is
  const status = JSON.parse(written(other, 'status').text);
  cluster.etcdctl(other, 'put', '/service/menedek/status', JSON.stringify({ ...status, optime: status.optime + 2 ** 24 }));
  const { revision } = written(other, 'status');
  try {
    leader.powerOff();
    const next = await until('another leads', () => cluster.hosts.find((h) => h !== leader && h.leads), 60);
    return { next, isAhead: written(next, 'leader').revision > revision };
  } finally {
    cluster.network.heal();
    leader.start();
  }
}

test('a leader that dies in the middle of a large change, far ahead of all others, is followed by another', { skip, timeout: 400000 }, async (t) => {
  let leader, now;
  // the lease lasts five seconds, and a machine may stand still for longer
  for (let tries = 0; tries < 3 && !now?.isAhead; tries++) now = await dieAhead(leader = await cluster.whole());
  assert.ok(now.isAhead, 'another led before it was told how far the last one was');
  t.diagnostic(`${now.next.name} follows ${leader.name}`);
  await cluster.whole();
});

/** ${first}, the standby that ${leader} waits for, loses its PostgreSQL; what the watch said of it. */
async function loseAwaited(leader, first) {
  const from = await until('what time it is', () => leader.ask('select now()'));
  await until('the watch has looked who it is', () => leader.ask(`select 1 from pg_stat_activity
    where application_name = 'menedek-watch' and state = 'idle' and query_start > '${from}'`) === '1');
  const said = leader.logText('watch').length;
  const news = () => leader.logText('watch').slice(said);
  cluster.hosts.find((h) => h.name === first).killPostgres();
  await until('the watch says so', () => news().includes(`synchronous standby ${first} is gone`));
  return news();
}

test('the standby that is waited for dies: Patroni is woken for it, names another, and its settings are not written', { skip, timeout: 200000 }, async (t) => {
  let leader, first, before, news = '';
  const awaited = () => Object.entries(cluster.followers(leader)).find(([, s]) => s === 'sync')?.[0];
  // the watch gives Patroni two seconds, and a machine may stand still for longer
  for (let tries = 0; tries < 3 && !/Patroni woken in \d+ ms/.test(news); tries++) {
    leader = await cluster.whole();
    first = awaited();
    before = written(leader, 'config');
    news = await loseAwaited(leader, first);
  }
  assert.match(news, /Patroni woken in \d+ ms/);
  await until('another is waited for', () => { const now = awaited(); return now && now !== first; }, 20);
  await until('it is written down who may take over', () => JSON.parse(written(leader, 'sync').text).sync_standby === awaited(), 20);
  assert.deepEqual(written(leader, 'config'), before);
  t.diagnostic(news.trim());
  await cluster.whole();
});

test('rules for Patroni speak of numbers that it gives, and one standby calls itself synchronous', { skip, timeout: 120000 }, async () => {
  const leader = await cluster.whole();
  const numbers = cluster.hosts.map((h) => cluster.text(h, '/metrics'));
  const names = new Set(readFileSync(new URL('../../docs/cluster/patroni-alerts.yaml', import.meta.url), 'utf8').match(/\bpatroni_[a-z_]+/g));
  assert.ok(names.size >= 7, [...names].join());
  for (const name of names) for (const text of numbers) assert.match(text, new RegExp(`^${name}\\{`, 'm'));
  const sum = (name) => numbers.reduce((n, text) => n + Number(text.match(new RegExp(`^${name}\\{.*\\} (\\d+)`, 'm'))[1]), 0);
  assert.equal(sum('patroni_primary'), 1);
  await until('one synchronous standby', () => cluster.hosts.filter((h) => / 1$/m.test(cluster.text(h, '/metrics').match(/^patroni_sync_standby.*$/m)[0])).length === 1, 20);
  assert.ok(leader.leads);
  // Prometheus, which has no certificate: it reads, and changes nothing
  const bare = (path, ...more) => run(...cluster.network.inside(leader.name, 'curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', '-m', '5',
    '--cacert', `${leader.keys}/steering-ca.crt`, ...more, `https://${leader.address}:8008${path}`));
  assert.equal(bare('/metrics'), '200');
  assert.equal(bare('/config', '-XPATCH', '-d', '{"pause":true}'), '403');
});

test('a host that could not hear for a while does not take the lock from who leads by now, or may; as Debian has it, Patroni does', { skip, timeout: 240000 }, async () => {
  const { name, dir } = await cluster.whole();
  const probe = new URL('lib/lock_probe.py', import.meta.url).pathname, lock = new URL('../../docs/cluster/lock.py', import.meta.url).pathname;
  const ask = (way) => JSON.parse(run(...cluster.network.inside(name, 'timeout', '100', '/usr/bin/python3', probe, way, join(dir, 'patroni.yml'))));
  assert.deepEqual(ask(lock), { 'another leads': [false, 'new'], 'another led, and is gone': [false, null], 'nobody led meanwhile': [true, 'old'],
    'another was made synchronous': [false, null], 'nobody was made synchronous': [true, 'old'], 'another led, and it was seen': [false, null],
    'others led, and it runs': [false, null], 'others led, and people paused': [true, 'old'], 'others led, and nobody is synchronous': [true, 'old'],
    'others led, and people name a standby': [true, 'old'], 'it led last': [true, 'old'], 'it led last, alone': [true, 'old'],
    'it was waited for last': [true, 'old'], 'nobody led': [true, 'old'],
    'it gave up, and another may lead': ['handed', null, true], 'it gave up, and nobody else is there': ['promoted', 'old', false],
    'it gave up, and the other starts': ['promoted', 'old', false], 'it gave up, and the other may not lead': ['promoted', 'old', false],
    'it gave up, and people paused': ['promoted', 'old', false], 'no standby streams': [['new'], null],
    'no standby streams, and any would do': [[], null], 'it streams, and any would do': [[], null],
    'no standby streams, and two are waited for': [[], null], 'no standby streams, and another led': [[], null],
    'it gave up, and commits wait for nobody': ['promoted', 'old', false], 'another streams that may not be waited for': [[], ['*']],
    'another standby streams': [[], ['third']] });
  const plain = ask('plain');
  for (const what of ['another leads', 'another was made synchronous', 'another led, and it was seen', 'others led, and it runs']) assert.deepEqual(plain[what], [true, 'old'], `${what}: there is nothing to mend any more`);
  assert.deepEqual([plain['it gave up, and another may lead'], plain['no standby streams']], [['promoted', 'old', false], [[], ['*']]], 'there is nothing to mend any more');
});

test('a Patroni that is started beside a PostgreSQL which leads leaves it the standby that commits wait for', { skip, timeout: 300000 }, async () => {
  const seen = new Set();
  let leader, leads = false;
  // it comes back within the lease of five seconds, and a machine may stand still for longer
  for (let tries = 0; tries < 3 && !leads; tries++) {
    leader = await cluster.whole();
    await leader.kill('patroni');
    const from = leader.logText('patroni').length;
    leader.startPatroni();
    for (const end = performance.now() + 8000; performance.now() < end; await sleep(50)) seen.add(leader.ask('show synchronous_standby_names'));
    leads = leader.logText('patroni').slice(from).includes('the leader with the lock');
  }
  assert.ok(leads, 'another led each time');
  seen.delete(null); // no answer
  assert.ok(seen.size > 0 && [...seen].every((name) => cluster.names.includes(name)), [...seen].join());
});

test('a leader that neither standby hears, and that is lost then, is followed by the one that it waited for', { skip, timeout: 300000 }, async (t) => {
  const leader = await cluster.whole();
  const probe = new Probe(cluster, { random, name: `p${probes++}w` }).begin();
  try {
    await probe.floor(150);
    const [heir] = Object.entries(cluster.followers(leader)).find(([, state]) => state === 'sync');
    const streams = (name) => leader.ask(`select count(*) from pg_stat_replication where application_name = '${name}'`);
    for (const name of [cluster.standbys().find((h) => h.name !== heir).name, heir]) { // the other way round it would name the other
      cluster.network.cutPort(leader.name, 5432, [name]);
      await until(`${name} streams no longer`, () => streams(name) === '0', 30);
    }
    const from = leader.logText('patroni').length;
    await until('Patroni has looked', () => /No standby(s available| streams)/.test(leader.logText('patroni').slice(from)), 30);
    const killed = leader.powerOff(), at = performance.now();
    const next = await until('another leads', () => cluster.hosts.find((h) => h !== leader && h.leads), 30);
    assert.ok(killed > 3, 'nothing died');
    assert.equal(next.name, heir);
    await until('writes are acknowledged again', () => probe.since(at) > 20, 60);
    cluster.network.heal();
    leader.start();
    const now = await cluster.whole();
    await probe.end();
    assert.deepEqual(probe.lost(now), []);
    t.diagnostic(`${leader.name} heard by none and lost, ${heir} follows; ${probe.acknowledged.length} acknowledged, lost 0`);
  } finally {
    cluster.network.heal();
    leader.start();
    await probe.end();
  }
});

const lock = (host) => cluster.etcdctl(host, 'get', '--print-value-only', '/service/menedek/leader').trim();

/** ${leader} stands still and its PostgreSQL goes on; another leads, acknowledges and dies; ${leader} goes on before the third. */
async function overtake(leader, probe) {
  await leader.kill('patroni');
  const next = await until('another leads', () => cluster.hosts.find((h) => h !== leader && h.leads), 60);
  const third = cluster.hosts.find((h) => h !== leader && h !== next);
  await until('it is written down who may take over', () => {
    const sync = JSON.parse(written(third, 'sync').text);
    return sync.leader === next.name && sync.sync_standby === third.name;
  }, 60);
  const from = performance.now();
  await until('it acknowledges', () => probe.since(from) > 20, 60);
  third.programs.get('patroni').kill('SIGSTOP');
  try {
    const killed = next.powerOff();
    await until('nobody has the lock', () => lock(third) === '', 60);
    assert.ok(leader.leads && killed > 3, `${leader.name} does not run as it led`);
    leader.startPatroni();
    await until('it has looked', () => lock(third) === leader.name || !leader.leads, 60);
    return { next, third, taken: lock(third) };
  } finally {
    third.programs.get('patroni').kill('SIGCONT');
  }
}

test('a leader that stood still while another led does not take the lock when that one dies, and nothing acknowledged is lost', { skip, timeout: 300000 }, async (t) => {
  const leader = await cluster.whole();
  const probe = new Probe(cluster, { random, name: `p${probes++}w` }).begin();
  try {
    await probe.floor(150);
    const { next, third, taken } = await overtake(leader, probe);
    assert.equal(taken, '', `${taken} took the lock`);
    await until('the third leads', () => third.leads, 60);
    const from = performance.now();
    await until('writes are acknowledged again', () => probe.since(from) > 20, 60);
    cluster.network.heal();
    next.start();
    const now = await cluster.whole();
    await probe.end();
    assert.deepEqual(probe.lost(now), []);
    t.diagnostic(`${leader.name} stood still, ${next.name} led and died, ${third.name} led; ${probe.acknowledged.length} acknowledged`);
  } finally {
    cluster.network.heal();
    for (const h of cluster.hosts) h.start();
    await probe.end();
  }
});

test('a leader whose disk is full has the synchronous standby lead, though its PostgreSQL lives; while people have paused Patroni, they decide', { skip, timeout: 300000 }, async (t) => {
  const leader = await cluster.whole(), said = leader.logText('watch').length;
  const [heir] = Object.entries(cluster.followers(leader)).find(([, state]) => state === 'sync');
  const news = () => leader.logText('watch').slice(said);
  const pause = (value) => cluster.rest(leader, '/config', '-XPATCH', '-d', JSON.stringify({ pause: value }));
  const probe = new Probe(cluster, { random, name: `p${probes++}w` });
  pause(true);
  await until('Patroni is paused', () => cluster.rest(leader, '/patroni')?.pause, 20);
  const { proof, mend } = await INJURIES.find((i) => /disk is full/.test(i.name)).how(cluster, leader);
  try {
    await sleep(4000);
    assert.ok(leader.leads && !news().includes('the disk is full'), `while people have paused it: ${news()}`);
    pause(null);
    await until('another leads', () => cluster.hosts.find((h) => h.name === heir)?.leads && !leader.leads, 40);
    await until('the watch says so', () => new RegExp(`the disk is full.* ${heir} `).test(news()), 20);
    await probe.begin().floor(50);
  } finally {
    await mend();
    pause(null);
    await probe.end();
  }
  const now = await cluster.whole();
  assert.deepEqual(probe.lost(now), []);
  t.diagnostic(`${proof}; ${heir} leads, once nobody has paused Patroni`);
});

const leadsEtcd = (host) => {
  const [{ Status: s }] = JSON.parse(cluster.etcdctl(host, 'endpoint', 'status', '-w', 'json'));
  return s.leader === s.header.member_id;
};

test('etcd is not led from the host that leads PostgreSQL: both would be lost at once', { skip, timeout: 120000 }, async (t) => {
  const leader = await cluster.whole();
  const said = leader.logText('watch').length;
  const now = await until('somebody leads etcd', () => cluster.hosts.find(leadsEtcd), 30);
  const [id] = cluster.etcdctl(leader, 'member', 'list').split('\n').find((l) => l.includes(`, ${leader.name}, `)).split(',');
  if (now !== leader) cluster.etcdctl(now, 'move-leader', id);
  await until('another host leads etcd', () => { const h = cluster.hosts.find(leadsEtcd); return h && h !== leader; }, 40);
  await until('the watch says so', () => /etcd is led by .* from now on/.test(leader.logText('watch').slice(said)), 30);
  t.diagnostic(`led by ${cluster.hosts.find(leadsEtcd).name}; PostgreSQL by ${leader.name}`);
});

/** The etcd of ${host} stands still and goes on, each second once; gives what ends that. */
function limp(host) {
  const etcd = host.programs.get('etcd');
  const rest = setInterval(() => {
    etcd.kill('SIGCONT');
    setTimeout(() => etcd.kill('SIGSTOP'), 30);
  }, 1000);
  return async () => {
    clearInterval(rest);
    await sleep(50); // longer than one that is under way
    etcd.kill('SIGCONT');
  };
}

test('etcd is given to the host that answers well, and not to one that only does at last', { skip, timeout: 200000 }, async (t) => {
  const leader = await cluster.whole();
  const [slow, well] = cluster.standbys(); // in the order in which the watch asks
  const [id] = cluster.etcdctl(leader, 'member', 'list').split('\n').find((l) => l.includes(`, ${leader.name}, `)).split(',');
  const end = limp(slow);
  let given = null;
  try {
    // it may be met just while it goes
    for (let tries = 0; tries < 2 && given !== well.address; tries++) {
      const now = await until('somebody leads etcd', () => [well, leader].find(leadsEtcd), 30), said = leader.logText('watch').length;
      if (now !== leader) cluster.etcdctl(now, 'move-leader', id);
      given = await until('the watch says so', () => leader.logText('watch').slice(said).match(/etcd is led by ([0-9.]+):\d+ from now on/)?.[1], 40);
    }
  } finally {
    await end();
  }
  assert.equal(given, well.address);
  t.diagnostic(`led by ${well.name}; ${slow.name} answers after a second`);
});

/** Who leads etcd, and in which term, by the word of ${host}'s. */
function etcdTerm(host) {
  const [{ Status: { leader, raftTerm } }] = JSON.parse(cluster.etcdctl(host, 'endpoint', 'status', '-w', 'json'));
  return `${leader} in term ${raftTerm}`;
}

test('a host that comes back out of a silence unseats nobody in etcd', { skip, timeout: 200000 }, async (t) => {
  let before, now;
  // a machine that stands still for half a second has etcd elect anew, rightly
  for (let tries = 0; tries < 3 && (tries === 0 || now !== before); tries++) {
    const leader = await cluster.whole();
    const first = await until('another host leads etcd', () => { const h = cluster.hosts.find(leadsEtcd); return h !== leader && h; }, 40);
    const silent = cluster.hosts.find((h) => h !== leader && h !== first);
    before = etcdTerm(first);
    cluster.network.cut(silent.name);
    await sleep(4000); // it stands for election eight times
    cluster.network.heal();
    await until('it follows again', () => /^[1-9]/.test(etcdTerm(silent)), 30);
    await sleep(1000);
    now = etcdTerm(first);
  }
  assert.equal(now, before);
  t.diagnostic(now);
});

test(`${DESERTED.name}: nothing acknowledged is lost (TORTURE_SEED=${SEED})`, { skip, timeout: 300000 }, async (t) => {
  const r = await hurt(DESERTED);
  const lost = r.probe.lost(r.now);
  say(t, DESERTED, r, lost);
  assert.deepEqual(lost, []);
});

test('two of three are down: no write is acknowledged, and all comes back by itself', { skip: skip || (!LONG && 'in the long form; nodes.test.mjs has it in both'), timeout: 300000 }, async (t) => {
  const leader = await cluster.whole();
  const probe = new Probe(cluster, { random, name: `p${probes++}w` }).begin();
  try {
    await probe.floor(150);
    const down = cluster.standbys();
    const killed = down.map((h) => h.powerOff());
    assert.ok(killed.every((n) => n > 3), 'nothing died');
    await sleep(1000); // what was on its way
    const then = performance.now();
    await sleep(8000);
    assert.equal(probe.since(then), 0, 'one of three acknowledged a write');
    assert.ok(probe.unknown > 0, 'nobody asked');
    cluster.network.heal();
    for (const h of down) h.start();
    const up = performance.now();
    await until('writes are acknowledged again', () => probe.since(performance.now() - 1000) > 10, 120);
    t.diagnostic(`two of three down: 0 acknowledged in 8 s; back ${Math.round(performance.now() - up)} ms after their start, led by ${leader.name} before`);
    const now = await cluster.whole();
    await probe.end();
    assert.deepEqual(probe.lost(now), []);
  } finally {
    cluster.network.heal();
    await probe.end();
  }
});

test(`a cluster that answers before a standby has it is found out (mutant, TORTURE_SEED=${SEED})`, { skip, timeout: 300000 }, async (t) => {
  await cluster.whole();
  assert.ok(cluster.reconfigure({ synchronous_mode: false, synchronous_mode_strict: false }), 'Patroni takes no other configuration');
  await until('no standby is waited for', () => cluster.leader()?.ask('show synchronous_standby_names') === '', 20);
  const leader = cluster.leader();
  const probe = new Probe(cluster, { random, name: `p${probes++}w` }).begin();
  await probe.floor(150);
  await DESERTED.how(cluster, leader, () => {
    const cut = performance.now();
    return until('it acknowledges alone', () => probe.since(cut) > 20, 10); // before Patroni takes its place
  });
  await probe.end();
  const next = await until('another leads', () => cluster.hosts.find((h) => h !== leader && h.leads), 60);
  const lost = probe.lost(next);
  assert.ok(lost.length > 0, 'the mutant lost nothing: the tests above prove nothing');
  t.diagnostic(`the mutant lost ${lost.length} of ${probe.acknowledged.length}`);
});
