// SPDX-License-Identifier: Apache-2.0
// ENGINE=postgresql: the registries of a test file live in a PostgreSQL of their own, a schema for each.
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const script = resolve(import.meta.dirname, '../../postgres.sh');
let server = null;

/** Why a test of this machine's own store has nothing to show here, or false. */
export const isCopy = process.env.ENGINE === 'postgresql' && 'what lies on this machine is a copy';

/** The server's connection string; started once, ended with this process. */
function conninfo() {
  if (process.env.MENEDEK_TEST_POSTGRES) return process.env.MENEDEK_TEST_POSTGRES;
  if (!server) {
    const dir = mkdtempSync(join(tmpdir(), 'menedek-pg-'));
    process.on('exit', () => execFileSync(script, ['stop', dir], { stdio: 'ignore' }));
    server = execFileSync(script, ['start', dir], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
  }
  return server;
}

/** Run SQL beside the registries; rows as psql -At prints them. */
export function sql(text, where = conninfo()) {
  return execFileSync('psql', ['-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', where, '-c', text],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

/** Where the server has its socket, and its files in data. */
export const serverDir = () => conninfo().match(/host=(\S+)/)[1];

/** Break the server off, as a crash would; and start it again. */
export const breakOff = () => execFileSync(script, ['crash', serverDir()]);
export const startAgain = () => execFileSync(script, ['again', serverDir()]);

/** Both, ${pause} ms apart. */
export async function crash(pause) {
  breakOff();
  await new Promise((done) => setTimeout(done, pause));
  startAgain();
}

let made = 0;

/** A schema of its own: the connection string that leads to it. */
export function makeDatabase() {
  const name = `m${process.pid}_${made++}`;
  sql(`CREATE SCHEMA ${name}`);
  return `${conninfo()} options='-c search_path=${name}'`;
}
