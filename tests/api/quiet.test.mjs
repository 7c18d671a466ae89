// SPDX-License-Identifier: Apache-2.0
// A passphrase that is typed at a terminal is not shown, and whoever breaks off finds the terminal as it was.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Registry, root, sleep } from './lib/registry.mjs';
import { Remote } from './lib/remote.mjs';
import { onTerminal } from './lib/terminal.mjs';

const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const PASS = 'kilenc piros alma a fán';
const CONTROL_C = '\x03';

let r, sheet, number = 0;
const asks = {}; // a command, its question, what answers it
const start = (words) => onTerminal(words, join(r.work, `screen-${number += 1}`));

before(async () => {
  r = new Registry();
  const made = spawnSync(program, ['sheet', 'key', '--dir', r.dir, '--org', 'OKIT (minta)', '--name', 'okit', '--passphrase-stdin'], { input: `${PASS}\n`, encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  await r.start({}, ['--sheets', join(r.work, 'sheets')]);
  sheet = join(r.work, 'sheets/okit.sheet');
  for (let i = 0; i < 3600 && !existsSync(sheet); i++) await sleep(50);
  const remote = new Remote(r, 'shelter_staff', { more: { 'passphrase-file': null } });
  asks['sheet open'] = [[program, 'sheet', 'open', sheet, '--out', join(r.work, 'page.html')], /Passphrase: $/, PASS];
  asks['avail show'] = [[program, 'avail', 'show', '--profile', remote.profile], /passphrase[^\n]*: $/, r.credentials('shelter_staff').passphrase];
});
after(() => r.close());

for (const name of ['sheet open', 'avail show']) {
  test(`${name}: what is typed is taken and not shown`, async () => {
    const [words, question, answer] = asks[name];
    const { screen, until, type } = start(words);
    await until(question);
    type(`${answer}\r`);
    await until(/status=0\s+same/);
    assert.ok(!screen().includes(answer), screen());
  });

  test(`${name}: Ctrl-C ends it at once, and the terminal shows again what is typed`, async () => {
    const [words, question, answer] = asks[name];
    const { screen, until, type } = start(words);
    await until(question);
    type(answer.slice(0, 6) + CONTROL_C);
    await until(/status=[1-9]\d*\s+same/);
    assert.ok(!screen().includes(answer.slice(0, 6)), screen());
  });

  for (const signal of ['TERM', 'HUP', 'INT']) {
    test(`${name}: SIG${signal} ends it, and the terminal shows again what is typed`, async () => {
      const [words, question, answer] = asks[name];
      const { screen, until, typed } = start([...'sh -c'.split(' '), 'echo "pid=$$"; exec "$@"', 'sh', ...words]);
      await until(question);
      await typed(answer.slice(0, 6));
      await sleep(200); // it is read as a whole line only: the signal comes between keys
      process.kill(Number(/pid=(\d+)/.exec(screen())[1]), `SIG${signal}`);
      await until(/status=[1-9]\d*\s+same/);
      assert.ok(!screen().includes(answer.slice(0, 6)), screen());
    });
  }
}
