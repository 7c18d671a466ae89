// SPDX-License-Identifier: Apache-2.0
// openapi.yaml as Redocly's linter sees it; without telemetry, update checks or any way to the network.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './lib/registry.mjs';

const nowhere = 'http://127.0.0.1:9';
const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', CI: 'true',
  HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, NO_PROXY: '' };

function lint(file) {
  const args = [join(root, 'tests/node_modules/.bin/redocly'), 'lint', file, '--format=json', `--config=${join(root, 'redocly.yaml')}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8', timeout: 60000 });
  assert.ok(stdout.startsWith('{'), stderr);
  const { totals, problems } = JSON.parse(stdout);
  return { status, totals, problems: problems.map((p) => `${p.ruleId}: ${p.message} ${p.location?.[0]?.pointer ?? ''}`) };
}

test('the contract lints without an error or a warning', () => {
  const { status, totals, problems } = lint('openapi.yaml');
  assert.deepEqual(problems, []);
  assert.deepEqual([status, totals.errors, totals.warnings], [0, 0, 0]);
});

test('the linter would find an operation whose parameter is not in its path', () => {
  const work = mkdtempSync(join(tmpdir(), 'menedek-lint-'));
  try {
    const file = join(work, 'openapi.yaml');
    const text = readFileSync(join(root, 'openapi.yaml'), 'utf8').replaceAll('./schema/', `${join(root, 'schema')}/`);
    const broken = text.replace('/v1/organisations/{org}:', '/v1/organisations/{house}:');
    assert.notEqual(broken, text);
    writeFileSync(file, broken);
    const { status, problems } = lint(file);
    assert.notEqual(status, 0);
    assert.ok(problems.some((p) => p.startsWith('path-parameters-defined')), problems.join('\n'));
  } finally {
    rmSync(work, { recursive: true });
  }
});
