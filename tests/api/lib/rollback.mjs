// SPDX-License-Identifier: Apache-2.0
// Two people decide that what is lost is lost.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './registry.mjs';

export const program = process.env.MENEDEK ?? join(root, 'build/release/menedek');

/** Run accept-rollback on ${r}, which is not served, by ${people} as [name, passphrase]: the first administrators. */
const both = (r) => ['admin', 'admin_second'].map((role) => Object.values(r.credentials(role)));

function accept(r, people, env, ...command) {
  const input = people.map(([name, passphrase]) => `${name}\n${passphrase}\n`).join('');
  return spawnSync(program, [...command, '--dir', r.dir], { encoding: 'utf8', input, timeout: 60000, env: { ...process.env, ...env } });
}

export const acceptRollback = (r, kept, people = both(r)) => accept(r, people, {}, 'accept-rollback', '--checkpoints', kept);

/** The same for a database that was restored on purpose. */
export const acceptDatabase = (r, people = both(r), env = {}) => accept(r, people, env, 'accept-database');
