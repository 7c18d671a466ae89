// SPDX-License-Identifier: Apache-2.0
// Every exchange of every test is held against openapi.yaml: the operation exists, the status is declared, the body
// matches its schema, an ETag comes where it is promised.  An undeclared member anywhere fails the test that received it.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '../../..');
const openapi = parse(readFileSync(join(root, 'openapi.yaml'), 'utf8'));
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
for (const file of readdirSync(join(root, 'schema')))
  ajv.addSchema(JSON.parse(readFileSync(join(root, 'schema', file))), file);

const operations = Object.entries(openapi.paths).flatMap(([path, item]) => Object.entries(item)
  .filter(([verb]) => ['get', 'post', 'put', 'patch', 'delete'].includes(verb))
  .map(([verb, operation]) => ({
    verb: verb.toUpperCase(),
    form: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]*').replace('.', '\\.')}$`), // also with what is no id
    pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[0-9a-hjkmnp-tv-z]{26}').replace('.', '\\.')}$`),
    operation,
  })));

export const operationIds = operations.map((o) => o.operation.operationId);

function responseOf(operation, status) {
  let response = operation.responses[status] ?? operation.responses.default;
  if (response?.$ref) response = openapi.components.responses[response.$ref.split('/').pop()];
  return response;
}

/**
 * Validate; returns the operation's id, or null for a request that matches none.  One that no route has proves nothing where
 * its answer is not looked at, and is refused unless it is ${isAstray} on purpose.
 */
export function checkExchange(method, path, { status, headers, json, text }, isAstray) {
  const plain = path.split('?')[0];
  assert.ok(isAstray || operations.some((o) => o.verb === method && o.form.test(plain)), `${method} ${plain} is no operation`);
  const found = operations.find((o) => o.verb === method && o.pattern.test(plain));
  if (status >= 400) {
    assert.equal(headers['content-type'], 'application/problem+json', `${method} ${plain} ${status}`);
    assert.ok(ajv.validate('problem.json', json), `${method} ${plain} ${status}: ${ajv.errorsText()} ${text}`);
  }
  if (!found) return null;
  const where = `${found.operation.operationId} ${status}`;
  const response = responseOf(found.operation, String(status));
  if (status >= 500) return null;
  if (status !== 400 && status !== 405 && status !== 431) assert.ok(response, `${where} is not in openapi.yaml: ${text}`);
  const schema = response?.content?.['application/json']?.schema;
  if (schema && status < 300 && json) {
    const file = schema.$ref.split('/').pop();
    assert.ok(ajv.validate(file, json), `${where}: ${ajv.errorsText()}\n${text}`);
  }
  if (status === 200 && response?.headers?.ETag) assert.match(headers.etag ?? '', /^"[0-9A-Za-z_-]+"$/, `${where} without ETag`);
  assert.match(headers['request-id'] ?? '', /^[0-9a-z]{26}$/, `${where} without Request-Id`);
  assert.equal(headers['cache-control'], 'no-store', where);
  return status < 400 ? found.operation.operationId : null;
}
