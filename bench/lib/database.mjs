// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL of the bench's own, alone or with a standby that every commit waits for; and the CPU that trees of processes
// have used.  It is not docs/cluster's: a Unix socket without TLS, more shared buffers, compressed WAL, alike for all who are
// measured over it; only who counts its bytes comes over TCP.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keptPort } from '../../tests/api/lib/registry.mjs';

const PG = '/usr/lib/postgresql/15/bin';
const STANDBY = 5433;
const SETTINGS = ['shared_buffers=512MB', 'max_connections=200', 'wal_compression=on', 'max_wal_size=4GB', 'wal_log_hints=on',
  'wal_keep_size=512MB'];

/** Whom the server runs as: it refuses to be root. */
function owner() {
  if (process.getuid() !== 0) return {};
  const [uid, gid] = ['-u', '-g'].map((f) => Number(execFileSync('id', [f, 'postgres'])));
  return { uid, gid };
}

async function until(what, condition, tries = 600) {
  for (let i = 0; i < tries; i++) {
    if (condition()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${what}: not within ${tries / 10} s`);
}

// whatever becomes of the bench, no server stays behind
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGQUIT'); });

export class Postgres {
  constructor(work) {
    this.dir = join(work, 'pg');
    this.as = owner();
    this.servers = [];
  }

  async start({ standby = false } = {}) {
    this.port = await keptPort();
    mkdirSync(this.dir);
    chmodSync(join(this.dir, '..'), 0o711);
    if (this.as.uid) chownSync(this.dir, this.as.uid, this.as.gid);
    this.#run('initdb', '-k', '-D', join(this.dir, 'primary'), '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C');
    await this.#serve('primary', this.port, '127.0.0.1');
    if (standby) await this.#follow();
    return this;
  }

  async #follow() {
    this.#run('pg_basebackup', '-d', `host=${this.dir} port=${this.port} user=postgres application_name=second`, '-D', join(this.dir, 'standby'), '-R', '-X', 'stream', '-c', 'fast');
    await this.#serve('standby', STANDBY, '');
    this.sql("alter system set synchronous_standby_names = 'ANY 1 (second)'");
    this.sql('select pg_reload_conf()');
    await until('the standby is synchronous', () => this.sql("select sync_state from pg_stat_replication") === 'quorum');
  }

  async #serve(name, port, listen) {
    const args = ['-c', `listen_addresses=${listen}`, '-D', join(this.dir, name), '-k', this.dir, '-p', String(port), ...SETTINGS.flatMap((s) => ['-c', s])];
    const child = spawn(join(PG, 'postgres'), args, { stdio: 'ignore', cwd: '/', ...this.as });
    running.add(child.on('exit', () => running.delete(child)));
    this.servers.push(child);
    await until(`PostgreSQL's ${name} answers`, () => {
      try { return this.#run('pg_isready', '-q', '-h', this.dir, '-p', String(port)) !== null; } catch { return false; }
    });
  }

  #run(program, ...args) { return execFileSync(join(PG, program), args, { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8', cwd: '/', ...this.as }); }

  /** Rows as psql -At prints them. */
  sql(text) {
    return execFileSync('psql', ['-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-h', this.dir, '-p', String(this.port), '-U', 'postgres', '-d', 'postgres', '-c', text],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 26 }).trim();
  }

  /** A schema of its own, as libpq reads it. */
  schema(name) {
    this.sql(`create schema ${name}`);
    return `host=${this.dir} port=${this.port} user=postgres dbname=postgres options='-c search_path=${name}'`;
  }

  get settings() { return { host: this.dir, port: String(this.port), user: 'postgres', database: 'postgres' }; }

  get pids() { return this.servers.map((s) => s.pid).join(','); }

  async stop() {
    for (const child of this.servers.toReversed()) {
      const ended = new Promise((done) => child.on('exit', done));
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGQUIT'), 20000);
      if (child.exitCode === null && child.signalCode === null) await ended;
      clearTimeout(timer);
    }
  }
}

const TICKS = 100; // of a second, as every Linux shows them

/** Seconds of CPU that the processes ${pids} and all below them have used, those that ended included. */
export function cpuOf(pids) {
  const all = new Map();
  for (const name of readdirSync('/proc').filter((n) => /^\d+$/.test(n))) {
    let text;
    try { text = readFileSync(`/proc/${name}/stat`, 'utf8'); } catch { continue; }
    const field = text.slice(text.lastIndexOf(')') + 2).split(' ');
    all.set(name, { parent: field[1], ticks: [11, 12, 13, 14].reduce((sum, i) => sum + Number(field[i]), 0) });
  }
  const meant = new Set(pids.split(','));
  const isMeant = (pid) => meant.has(pid) || (all.has(pid) && pid !== '1' && isMeant(all.get(pid).parent));
  return [...all].reduce((sum, [pid, p]) => sum + (isMeant(pid) ? p.ticks : 0), 0) / TICKS;
}
