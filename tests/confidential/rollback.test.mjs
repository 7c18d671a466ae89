// SPDX-License-Identifier: Apache-2.0
// Somebody puts an older store back: it does not serve until two people said, each for themselves, that what is lost is lost.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isCopy } from '../api/lib/postgres.mjs';
import { Registry } from '../api/lib/registry.mjs';
import { acceptRollback, program } from '../api/lib/rollback.mjs';
import { openEpisode } from '../api/lib/scenes.mjs';
import { onTerminal } from '../api/lib/terminal.mjs';

// over PostgreSQL an old copy is brought up to date
describe('an older store', { skip: isCopy }, () => {
  let r, kept, old, options;
  const who = (role) => Object.values(r.credentials(role));
  const putBack = () => {
    rmSync(join(r.dir, 'store'), { recursive: true });
    cpSync(old, join(r.dir, 'store'), { recursive: true });
  };
  const serveAndSign = async () => {
    await r.start({}, options);
    await openEpisode(await r.as('counsellor'));
    await r.stop();
  };

  before(async () => {
    r = new Registry();
    kept = join(r.work, 'kept');
    old = join(r.work, 'old-store');
    options = ['--checkpoints', kept, '--checkpoint-every', '1,1'];
    cpSync(join(r.dir, 'store'), old, { recursive: true });
    await serveAndSign();
  });
  after(() => rmSync(r.work, { recursive: true, force: true }));

  test('the one that knows its past serves, and there is nothing to accept', async () => {
    await serveAndSign();
    const said = acceptRollback(r, kept);
    assert.equal(said.status, 0);
    assert.match(said.stderr, /Nothing to accept/);
  });

  test('does not serve, and signs nothing', async () => {
    putBack();
    const before = readFileSync(kept, 'utf8');
    await assert.rejects(r.start({}, options), /older than what was signed/);
    assert.equal(readFileSync(kept, 'utf8'), before);
  });

  test('a checkpoint of ours among the files accepts nothing', async () => {
    const line = readFileSync(kept, 'utf8').trimEnd().split('\n').at(-1);
    writeFileSync(join(r.dir, 'rollback.accepted'), `${line}\n`);
    await assert.rejects(r.start({}, options), /older than what was signed/);
  });

  const refusals = {
    'one person twice': [['admin', 'admin'], /two different people/],
    'a wrong passphrase': [['admin', ['admin', 'wrong wrong wrong']], /different people/],
    'the second one\'s wrong passphrase': [['admin', ['auditor', 'wrong wrong wrong']], /passphrase is wrong/],
    'somebody who is neither administrator nor auditor': [['admin', 'counsellor'], /administrators or auditors/],
    'two without an administrator': [['auditor', 'counsellor'], /has to be an administrator/],
    'somebody unknown': [['admin', ['nobody', 'wrong wrong wrong']], /not registered/],
    'one alone': [['admin'], /two people are needed/],
  };
  for (const [name, [people, reason]] of Object.entries(refusals)) {
    test(`refused: ${name}`, async () => {
      const said = acceptRollback(r, kept, people.map((p) => (typeof p === 'string' ? who(p) : [p[0] === 'admin' ? who('admin')[0] : p[0] === 'auditor' ? who('auditor')[0] : p[0], p[1]])));
      assert.notEqual(said.status, 0);
      assert.match(said.stderr, reason);
      await assert.rejects(r.start({}, options), /older than what was signed/);
    });
  }

  test('asked at a terminal: no passphrase is shown, and whoever breaks off leaves it as it was and accepts nothing', async () => {
    const [[first, firstPass], [second, secondPass]] = [who('admin'), who('auditor')];
    const { screen, until, type } = onTerminal([program, 'accept-rollback', '--checkpoints', kept, '--dir', r.dir], join(r.work, 'screen'));
    await until(/Name of person 1: $/);
    type(`${first}\r`);
    await until(/Passphrase of person 1: $/);
    type(`${firstPass}\r`);
    await until(/Name of person 2: $/);
    type(`${second}\r`);
    await until(/Passphrase of person 2: $/);
    type(`${secondPass.slice(0, 6)}\x03`);
    await until(/status=[1-9]\d*\s+same/);
    assert.match(screen(), /two people are needed/);
    assert.ok(!screen().includes(firstPass) && !screen().includes(secondPass.slice(0, 6)));
    await assert.rejects(r.start({}, options), /older than what was signed/);
  });

  test('ended from outside while it asks: the terminal shows again what is typed, though the store is open', async () => {
    const { screen, until, type } = onTerminal(['sh', '-c', 'echo "pid=$$"; exec "$@"', 'sh', program, 'accept-rollback', '--checkpoints', kept, '--dir', r.dir], join(r.work, 'ended'));
    await until(/Name of person 1: $/);
    const { pid } = /pid=(?<pid>\d+)/.exec(screen()).groups;
    type(`${who('admin')[0]}\r`);
    await until(/Passphrase of person 1: $/);
    process.kill(Number(pid), 'SIGTERM');
    await until(/status=[1-9]\d*\s+same/);
  });

  test('serves when an administrator and an auditor accept it, and both are on record', async () => {
    const said = acceptRollback(r, kept, [who('admin'), who('auditor')]);
    assert.equal(said.status, 0, said.stderr);
    assert.match(said.stderr, /what lies between is lost/);
    assert.match(said.stderr, /revoke again .*device revoke/);
    await r.start({}, options);
    const auditor = await r.as('auditor');
    const { data } = (await auditor.get('/v1/audit?limit=100')).json;
    const entry = data.find((e) => e.action === 'cli_accept_rollback');
    assert.match(entry.reason, /^checkpoint \d+ [0-9a-f]{12}$/);
    for (const person of [entry.actor, entry.subject]) assert.match(person, /^[0-9a-z]{26}$/);
    assert.notEqual(entry.actor, entry.subject);
    assert.equal((await auditor.get('/v1/audit/state')).json.finding, 'rolled_back', 'the auditor is told still');
    await r.stop();
  });

  test('what was accepted once is not accepted for the next time', async () => {
    await serveAndSign();
    putBack();
    await assert.rejects(r.start({}, options), /older than what was signed/);
  });
});
