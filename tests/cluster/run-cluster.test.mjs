// SPDX-License-Identifier: Apache-2.0
// `make run-cluster` as whoever tries it out: it starts, each line that it prints works when it is pasted, and Ctrl-C leaves
// nothing behind.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { until } from './lib/bed.mjs';
import { noNetwork, run } from './lib/network.mjs';

const skip = noNetwork();

test('three hosts on one machine: the lines that it prints work, and Ctrl-C ends all of it', { skip, timeout: 240000 }, async (t) => {
  const cluster = spawn(process.execPath, [new URL('run-cluster.mjs', import.meta.url).pathname], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', said = '', code = null;
  cluster.stdout.on('data', (text) => { out += text; });
  cluster.stderr.on('data', (text) => { said += text; });
  cluster.on('exit', (c) => { code = c ?? 'a signal'; });
  const own = () => run('ip', 'netns', 'list').split('\n').filter((l) => l.startsWith(`menedek-${cluster.pid}-`));
  try {
    await until('it says how to reach them', () => { assert.equal(code, null, said); return /Everything lies in \S+ and goes/.test(out); }, 150);
    const paste = (...lines) => spawnSync('bash', ['-c', lines.join('\n')], { encoding: 'utf8', timeout: 30000 });
    const after = (title) => out.split(`${title}\n`)[1].split('\n');
    const [token, through, direct] = after('Sign in through HAProxy, or at a node of your choice, in another terminal:');
    const [me, same] = paste(token, through, 'echo', direct).stdout.split('\n').map((l) => JSON.parse(l));
    assert.equal(me.name, 'okit.anna');
    assert.deepEqual(same, me);
    const [list] = after('Who leads:'), [down, up] = after("Pull a host's cable, and put it back:");
    assert.match(paste(list).stdout, /\| Leader +\|/);
    assert.notEqual(paste(down, direct.replace('curl ', 'curl -m 3 ')).status, 0, 'its cable was pulled');
    assert.equal(paste(up).status, 0);
    await until('it is reached again', () => paste(token, direct).stdout.includes('okit.anna'), 60);
    t.diagnostic(`${own().length} namespaces`);
  } finally {
    cluster.kill('SIGINT');
    await until('it ends', () => code !== null, 60).catch(() => cluster.kill('SIGKILL'));
  }
  assert.equal(code, 0, said);
  assert.deepEqual(own(), []);
  assert.ok(!existsSync(out.match(/Everything lies in (\S+) and/)[1]), 'its directory is left');
});
