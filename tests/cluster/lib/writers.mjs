// SPDX-License-Identifier: Apache-2.0
// A small probe of the database itself: writers that keep each acknowledged key, and a reader that looks for all of them
// afterwards.  It shares no code with the service: psql asks, this file counts.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { sleep, until } from './bed.mjs';

const DEAF_MS = 3000; // longer without an answer: the socket is dropped, the outcome is unknown

class Writer {
  constructor(probe, name, random) {
    Object.assign(this, { probe, name, random, next: 0 });
  }

  /** One connection until it breaks: a line in, its key back out. */
  async #connection() {
    const { probe } = this;
    const hosts = [...probe.cluster.hosts].sort(() => this.random(3) - 1);
    const command = ['psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', probe.cluster.conninfo(hosts)];
    const options = { stdio: ['pipe', 'pipe', 'pipe'], env: { PATH: process.env.PATH, HOME: '/' } };
    const psql = probe.host ? probe.cluster.network.spawn(probe.host, command, options) : spawn(command[0], command.slice(1), options);
    let said = '';
    psql.stderr.on('data', (d) => { said += d; });
    psql.stdin.on('error', () => {});
    const ended = new Promise((done) => psql.on('exit', () => done(null)));
    const lines = createInterface({ input: psql.stdout })[Symbol.asyncIterator]();
    try {
      while (!probe.isOver) {
        const key = `${this.name}-${this.next++}`;
        psql.stdin.write(`insert into probe values ('${key}') returning k;\n`);
        const line = await Promise.race([lines.next(), ended, sleep(DEAF_MS).then(() => null)]);
        // a warning is no acknowledgement: PostgreSQL says so when it no longer waits for its standby
        if (line?.value !== key || said) return probe.unsure(key, said);
        probe.acknowledge(key);
        await sleep(probe.pause);
      }
    } finally {
      psql.kill('SIGKILL');
      await ended;
    }
  }

  async run() {
    while (!this.probe.isOver) {
      await this.#connection();
      await sleep(20);
    }
  }
}

export class Probe {
  /** ${writers} at once, in the namespace ${host} if one is named; ${name} keeps the keys of probes apart. */
  constructor(cluster, { random, writers = 8, host = null, name = 'p', pause = 10 }) {
    Object.assign(this, { cluster, host, pause, isOver: false, acknowledged: [], times: [], unknown: 0, refusals: new Map() });
    this.writers = Array.from({ length: writers }, (_, i) => new Writer(this, `${name}${i}`, random));
  }

  static async prepare(cluster) {
    await until('the table', () => cluster.leader()?.ask('create table if not exists probe (k text primary key); grant all on probe to menedek; select 1', 'menedek'));
  }

  acknowledge(key) {
    this.acknowledged.push(key);
    this.times.push(performance.now());
  }

  unsure(key, said) {
    this.unknown++;
    const why = said.split('\n').filter(Boolean).at(-1) ?? 'no answer';
    this.refusals.set(why, (this.refusals.get(why) ?? 0) + 1);
  }

  begin() {
    this.running = Promise.all(this.writers.map((w) => w.run()));
    return this;
  }

  /** The load below which a fault proves nothing. */
  async floor(count, seconds = 30) {
    await until(`${count} acknowledged writes`, () => this.acknowledged.length >= count, seconds);
  }

  /** How many were acknowledged since ${at}. */
  since(at) { return this.times.filter((t) => t > at).length; }

  async end() {
    this.isOver = true;
    await this.running;
  }

  /** The longest silence between two acknowledgements from ${from} on, in ms. */
  silence(from) {
    let longest = 0;
    let last = from;
    for (const t of this.times) {
      if (t <= from) continue;
      longest = Math.max(longest, t - last);
      last = t;
    }
    return Math.round(longest);
  }

  /** The acknowledged keys that ${host} does not have.  One that gives no answer has not lost them. */
  lost(host) {
    let said = null;
    for (let tries = 0; said === null && tries < 6; tries++) said = host.ask('select k from probe', 'menedek');
    if (said === null) throw new Error(`${host.name} does not say what it has: no verdict`);
    const there = new Set(said.split('\n'));
    return this.acknowledged.filter((k) => !there.has(k));
  }
}
