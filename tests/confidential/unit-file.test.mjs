// SPDX-License-Identifier: Apache-2.0
// The unit for systemd: how exposed it leaves the service, and that it fits the program and its keys.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { root } from '../api/lib/registry.mjs';

const text = readFileSync(join(root, 'systemd/menedek.service'), 'utf8');
const program = join(root, 'build/release/menedek');
const work = mkdtempSync(join(tmpdir(), 'menedek-unit-'));
after(() => rmSync(work, { recursive: true, force: true }));

function exposure(unit) {
  const path = join(work, 'menedek.service');
  writeFileSync(path, unit);
  const said = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', path], { encoding: 'utf8' });
  return Number(said.match(/exposure level for menedek\.service: ([\d.]+)/)[1]);
}

test('systemd-analyze finds an exposure of 1.5 at most, and more when a line is taken out', () => {
  assert.ok(exposure(text) <= 1.5, `exposure ${exposure(text)}`);
  for (const line of ['User', 'CapabilityBoundingSet', 'SystemCallFilter', 'ProtectSystem'])
    assert.ok(exposure(text.replace(new RegExp(`^${line}=.*\n`, 'gm'), '')) > exposure(text), line);
});

test('the unit that delivers events is as tight, and sees neither the store nor a key', () => {
  const unit = readFileSync(join(root, 'systemd/menedek-deliver.service'), 'utf8');
  assert.ok(exposure(unit) <= 1.5, `exposure ${exposure(unit)}`);
  assert.match(unit, /^InaccessiblePaths=\/var\/lib\/menedek -\/etc\/menedek\/keys -\/etc\/menedek\/tls$/m);
  assert.doesNotMatch(unit, /^(Environment|SetCredential|LoadCredential)/m);
  const help = execFileSync(program, ['help', 'deliver'], { encoding: 'utf8' });
  for (const [option] of unit.match(/^ExecStart=(.*)$/m)[1].matchAll(/--[a-z-]+/g)) assert.ok(help.includes(`${option} `), option);
});

test('it asks for the sandbox, leaves no core dump and starts what the program knows', () => {
  const command = text.match(/^ExecStart=(.*)$/m)[1];
  const help = execFileSync(program, ['help', 'serve'], { encoding: 'utf8' });
  for (const [option] of command.matchAll(/--[a-z-]+/g)) assert.ok(help.includes(`${option} `), option);
  assert.match(command, /--sandbox require/);
  assert.match(text, /^LimitCORE=0$/m);
  assert.match(text, /^Type=notify$/m);
});

test('a node without its database is started until there is one, and may copy as long as it takes', () => {
  const [, head, service] = text.split(/^\[\w+\]$/m);
  assert.match(head, /^StartLimitIntervalSec=0$/m);
  assert.match(service, /^Restart=on-failure$/m);
  assert.match(service, /^TimeoutStartSec=infinity$/m);
});

test('what it may not write without a drop-in the manuals say, and what a token needs in place of a key', () => {
  assert.match(text, /^ProtectSystem=strict$/m);
  for (const path of ['docs/manual.en.md', 'docs/manual.hu.md'])
    assert.match(readFileSync(join(root, path), 'utf8'), /^8\. .*`checkpoints`.*`systemctl edit menedek`.*`ReadWritePaths=`/m);
  const dropin = /^```\n(\[Service\]\n[^`]*)```$/m.exec(readFileSync(join(root, 'docs/hsm.md'), 'utf8'))[1];
  const names = (unit) => [...unit.matchAll(/^LoadCredential=([^:\n]*)/gm)].map((m) => m[1]);
  assert.deepEqual(names(dropin), ['', ...names(text).filter((n) => n !== 'location.root'), 'location.pkcs11', 'location.pin']);
});

test('it passes every root key that init makes, and no key stands in it', () => {
  execFileSync(program, ['init', '--quiet', '--dir', join(work, 'd'), '--keys', join(work, 'k'), '--host', 'localhost', '--org', 'Próba'],
    { stdio: 'ignore' });
  const made = readdirSync(join(work, 'k'), { withFileTypes: true }).filter((e) => e.isFile()).map((e) => e.name).sort();
  const passed = [...text.matchAll(/^LoadCredential=([^:]+):/gm)].map((m) => m[1]).sort();
  assert.deepEqual(passed, made);
  assert.doesNotMatch(text, /^(Environment|SetCredential)/m);
});
