// SPDX-License-Identifier: Apache-2.0
// docs/threats.md names for each control the test that shows it: each must be there, and each adversary must have one.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../api/lib/registry.mjs';

const page = readFileSync(join(root, 'docs/threats.md'), 'utf8');
const sections = page.split(/^## /m).slice(1).map((s) => ({ title: s.split('\n')[0], text: s }));
const named = [...page.matchAll(/`(tests\/[\w./-]+)`: ((?:"[^"]+"(?: · )?)+)/g)]
  .flatMap(([, file, names]) => [...names.matchAll(/"([^"]+)"/g)].map(([, name]) => ({ file, name })));

test('each test that the page names is there', () => {
  assert.ok(named.length > 50, `${named.length} names`);
  const missing = named.filter(({ file, name }) => !existsSync(join(root, file)) || !readFileSync(join(root, file), 'utf8').includes(name));
  assert.deepEqual(missing, []);
});

test('each row of an adversary names a test', () => {
  const silent = sections.slice(1, -1).flatMap((s) => s.text.split('\n').filter((l) => /^\| (?!tries|has|does|---)/.test(l) && !/`tests\//.test(l)));
  assert.deepEqual(silent, []);
});

test('each attack of this suite is on the page', () => {
  const files = readdirSync(join(root, 'tests/confidential')).filter((f) => f.endsWith('.test.mjs') && f !== 'threats.test.mjs');
  const unnamed = files.filter((f) => !page.includes(`tests/confidential/${f}`));
  assert.deepEqual(unnamed, []);
});
