// SPDX-License-Identifier: Apache-2.0
// The scene over PostgreSQL with a synchronous standby: the same registry moved there, served by as many nodes as are asked for.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from '../../tests/api/lib/registry.mjs';
import { load } from './measure.mjs';
import { cpuOf } from './database.mjs';
import { Scene } from './scene.mjs';

export class Cluster extends Scene {
  constructor(database, nodes, more = {}) {
    super(more);
    this.database = database;
    this.registry.database = database.schema(more.schema ?? `nodes${nodes}`);
    this.registry.run('migrate', '--engine', 'postgresql', '--database', this.registry.database);
    this.nodes = [this.registry];
    // a node's directory is a copy of one that was never served
    for (let i = 1; i < nodes; i++) {
      this.nodes.push(new Registry(this.registry));
      writeFileSync(join(this.nodes[i].dir, 'breadth.csv'), readFileSync(join(this.registry.dir, 'breadth.csv')));
    }
  }

  async start() {
    await super.start();
    for (const n of this.nodes.slice(1)) await n.start({}, ['--health', '127.0.0.1:0', '--config', this.settings]);
    return this;
  }

  /**
   * ${script} at the first ${count} nodes at once, the clients shared out; rates are summed, CPU is divided by all answers:
   * server_us of everything, of it nodes_us and database_us (primary and standby).
   */
  async spread(count, script, more = {}) {
    const nodes = this.nodes.slice(0, count), pids = nodes.map((n) => n.pid).join(',');
    const connections = Math.floor(this.connections / count);
    const cpu = () => [cpuOf(pids), cpuOf(this.database.pids)];
    const before = cpu();
    const parts = await Promise.all(nodes.map((n, i) => load(this, { port: n.port, pids: `${pids},${this.database.pids}`, name: `${count} nodes` },
      { table: this.table(`spread-${i}`, this.desks.filter((_, d) => d % count === i), (w) => [w.episode, w.candidate]), script, connections, ...more })));
    const after = cpu();
    return combine(parts, after.map((x, i) => x - before[i]));
  }

  async close() {
    for (const n of this.nodes.slice(1)) await n.close();
    await super.close();
  }
}

/** One node over a database of its own, and three over another, at the same servers. */
export class Pair {
  constructor(alone, three) { Object.assign(this, { alone, three }); }

  async close() {
    try { await this.alone.close(); } finally { await this.three.close(); }
  }
}

/** Loads that ran at the same time as one; ${used}: CPU of nodes and database over all of it, which tells the shares only. */
function combine(parts, used) {
  const sum = (field) => parts.reduce((all, p) => all + p[field], 0);
  const cores = sum('server_cores') / parts.length, per_s = sum('per_s'), each = (cores / per_s) * 1e6;
  return { per_s, good_per_s: sum('good_per_s'), server_us: each, nodes_us: (each * used[0]) / (used[0] + used[1]),
    database_us: (each * used[1]) / (used[0] + used[1]), p50_us: Math.max(...parts.map((p) => p.p50_us)), p99_us: Math.max(...parts.map((p) => p.p99_us)),
    status: parts.map((p) => p.status).join(' ') };
}

/** Bytes of the registry in ${schema}: pairs, and the changes that are thrown away after an hour. */
export function sizesOf(database, schema) {
  const of = (table) => Number(database.sql(`select pg_total_relation_size('${schema}.${table}')`));
  return { pairs: of('menedek_kv'), changes: of('menedek_changes'), rows: Number(database.sql(`select count(*) from ${schema}.menedek_kv`)) };
}
