// SPDX-License-Identifier: Apache-2.0
// The contract at rest: routes.def, openapi.yaml, schema/ and the code lists say the same.  Needs no running service.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');
const read = (path) => readFileSync(join(root, path), 'utf8');

const openapi = parse(read('openapi.yaml'));
const schemas = new Map(readdirSync(join(root, 'schema')).map((f) => [f, JSON.parse(read(`schema/${f}`))]));

const unquote = (s) => (s === 'NULL' ? null : s.slice(1, -1));
const routes = [...read('api/routes.def').matchAll(
  /^ROUTE\((\w+), ("[^"]+"), (\w+), PERM_(\w+), (NULL|"[^"]+"), (NULL|"[^"]+"), ([^)]+)\)/gm,
)].map(([, verb, path, operation, permission, bodyIn, bodyOut, flags]) => ({
  verb: verb.toLowerCase(),
  path: unquote(path),
  operation,
  permission,
  bodyIn: unquote(bodyIn),
  bodyOut: unquote(bodyOut),
  flags: flags.split('|').map((f) => f.trim()),
}));
const routeOf = new Map(routes.map((r) => [`${r.verb} ${r.path}`, r]));

const VERBS = ['get', 'put', 'post', 'patch', 'delete'];
const operations = Object.entries(openapi.paths).flatMap(([path, item]) =>
  Object.entries(item).filter(([verb]) => VERBS.includes(verb))
    .map(([verb, operation]) => ({ verb, path, operation, shared: item.parameters ?? [] })));

const requestNames = new Set(routes.map((r) => r.bodyIn).filter(Boolean));
const replyNames = new Set([...routes.map((r) => r.bodyOut).filter(Boolean), 'candidate', 'problem']);

// X-macro lists of codes.h: { role: ['counsellor', ...], ... }
function codeLists() {
  const text = ['codes', 'codes_audit'].map((f) => read(`src/domain/${f}.h`)).join('').replaceAll('\\\n', ' ');
  const macros = new Map([...text.matchAll(/^#define (\w+_CODES)\(X\)(.*)$/gm)].map(([, name, rows]) =>
    [name, [...rows.matchAll(/X\(\w+, "([^"]+)",/g)].map((m) => m[1])]));
  const lists = text.match(/^#define CODE_LISTS\(X\)(.*)$/m)[1];
  return Object.fromEntries([...lists.matchAll(/X\((\w+), (\w+_CODES)\)/g)].map(([, name, macro]) =>
    [name, macros.get(macro)]));
}
const codes = codeLists();

// { ORG_READ: ['admin'], SELF: 'any', ... }
function permissionRoles() {
  const rows = [...read('src/domain/policy.def').matchAll(/^P\((\w+), (.*)\)$/gm)];
  return Object.fromEntries(rows.map(([, name, roles]) => [name, roles === 'ANY' || roles === '0' ? 'any'
    : [...roles.matchAll(/R\((\w+)\)/g)].map((m) => m[1].toLowerCase())]));
}
const rolesOf = permissionRoles();

function resolve(ref, file) {
  const [name, pointer] = ref.split('#');
  const target = schemas.get(name || file);
  assert.ok(target, `${file}: ${ref}`);
  const node = (pointer ?? '').split('/').slice(1).reduce((at, step) => at?.[step], target);
  assert.ok(node, `${file}: ${ref}`);
  return { node, file: name || file };
}

// All schemas inside one, with their place; references are not followed.
function* nodes(node, place) {
  yield { node, place };
  for (const [name, child] of Object.entries(node.properties ?? {})) yield* nodes(child, `${place}/${name}`);
  for (const [name, child] of Object.entries(node.$defs ?? {})) yield* nodes(child, `${place}#${name}`);
  if (node.items) yield* nodes(node.items, `${place}/*`);
}
const allNodes = [...schemas].flatMap(([file, schema]) => [...nodes(schema, file)]);

const parameterNames = ({ operation, shared }) => [...shared, ...(operation.parameters ?? [])].map((p) =>
  openapi.components.parameters[basename(p.$ref)].name);
const schemaName = (content) => content?.['application/json']?.schema.$ref.match(/^\.\/schema\/(.+)\.json$/)[1] ?? null;
const successOf = (operation) => Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));

test('routes.def was understood', () => {
  const rows = read('api/routes.def').match(/^ROUTE\(/gm).length;
  assert.equal(routes.length, rows);
  assert.ok(rows > 50);
});

test('every route is an operation of openapi.yaml and every operation a route', () => {
  assert.deepEqual(operations.map((o) => `${o.verb} ${o.path}`).sort(), [...routeOf.keys()].sort());
});

test('operation, permission and security are those of the route', () => {
  for (const { verb, path, operation } of operations) {
    const route = routeOf.get(`${verb} ${path}`);
    assert.equal(operation.operationId, route.operation, path);
    assert.equal(operation['x-permission'], route.permission, path);
    assert.ok(route.permission in rolesOf, path);
    const security = operation.security ?? openapi.security;
    const expected = route.permission === 'DEVICE' ? [{ mtls: [] }] : [{ mtls: [], bearer: [] }];
    assert.deepEqual(security, expected, route.operation);
  }
});

test('bodies are those of the route, both ways', () => {
  for (const { verb, path, operation } of operations) {
    const route = routeOf.get(`${verb} ${path}`);
    assert.equal(schemaName(operation.requestBody?.content), route.bodyIn, route.operation);
    const success = successOf(operation);
    assert.equal(success.length, 1, route.operation);
    assert.equal(schemaName(success[0][1].content), route.bodyOut, route.operation);
    if (route.bodyIn) assert.equal(operation.requestBody.required, true, route.operation);
    if (success[0][0] === '204') assert.equal(route.bodyOut, null, route.operation);
  }
});

test('headers and query parameters follow the flags of the route', () => {
  for (const o of operations) {
    const route = routeOf.get(`${o.verb} ${o.path}`);
    const names = parameterNames(o);
    const statuses = Object.keys(o.operation.responses);
    const once = route.flags.includes('R_ONCE');
    const match = route.flags.includes('R_MATCH');
    const isList = route.bodyOut?.endsWith('-list') ?? false;
    assert.equal(names.includes('Idempotency-Key'), once, route.operation);
    assert.equal(names.includes('If-Match'), match, route.operation);
    assert.equal(names.includes('limit') && names.includes('cursor'), isList, route.operation);
    assert.equal(names.includes('If-None-Match'), statuses.includes('304'), route.operation);
    for (const status of once ? ['400', '409', '422'] : []) assert.ok(statuses.includes(status), route.operation);
    for (const status of match ? ['412', '428'] : []) assert.ok(statuses.includes(status), route.operation);
    for (const status of route.bodyIn ? ['413', '415', '422'] : []) assert.ok(statuses.includes(status), route.operation);
  }
});

test('path parameters are declared, no more and no fewer', () => {
  for (const [path, item] of Object.entries(openapi.paths)) {
    const wanted = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
    assert.deepEqual((item.parameters ?? []).map((p) => basename(p.$ref)), wanted, path);
  }
});

test('every status of a problem is one that rc.def can give, and the other way round', () => {
  const possible = new Set([...read('src/base/rc.def').matchAll(/^X\(\w+, (\d+),/gm)].map((m) => m[1]));
  const told = new Set(operations.flatMap((o) => Object.keys(o.operation.responses)).filter((s) => s >= '400'));
  for (const status of told) assert.ok(possible.has(status), status);
  // given before an operation is known
  for (const status of ['200', '405', '431']) possible.delete(status);
  assert.deepEqual([...told].sort(), [...possible].sort());
});

test('every schema is used', () => {
  const named = new Set([...requestNames, ...replyNames].map((n) => `${n}.json`));
  for (const { node, place } of allNodes) {
    if (node.$ref) named.add(node.$ref.split('#')[0] || place.match(/^[^/#]+/)[0]);
  }
  assert.deepEqual([...schemas.keys()].sort(), [...named].sort());
});

test('every schema compiles in strict mode of an independent validator', () => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  addFormats(ajv);
  ajv.addKeyword({
    keyword: 'x-visible',
    metaSchema: { anyOf: [{ const: 'any' }, { type: 'array', items: { enum: codes.role }, uniqueItems: true }] },
  });
  for (const [file, schema] of schemas) ajv.addSchema(schema, file);
  for (const file of schemas.keys()) assert.ok(ajv.getSchema(file), file);
});

test('codes.json has the lists of codes.h, in their order', () => {
  const { $defs, properties, required } = schemas.get('codes.json');
  assert.deepEqual(Object.fromEntries(Object.entries($defs).map(([name, def]) => [name, def.enum])), codes);
  assert.deepEqual(Object.keys(properties), Object.keys(codes));
  assert.deepEqual(required, Object.keys(codes));
});

test('whatever stands in a schema is bounded', () => {
  for (const { node, place } of allNodes) {
    if (node.type === 'string' && !node.enum) assert.ok('maxLength' in node, `${place}: maxLength`);
    if (node.type === 'integer') assert.ok('minimum' in node && 'maximum' in node, `${place}: minimum, maximum`);
    if (node.type === 'array') assert.ok('maxItems' in node && node.items, `${place}: maxItems, items`);
  }
});

// The reply of a 412 shows any resource, as its own schema does.
const OPEN = new Set(['problem.json/current']);

test('every object is closed', () => {
  for (const { node, place } of allNodes) {
    if (node.type !== 'object' || OPEN.has(place)) continue;
    const closed = node.additionalProperties ?? node.unevaluatedProperties;
    assert.equal(closed, false, place);
    assert.ok(node.properties, place);
  }
});

const both = (a, b) => (a === 'any' ? b : b === 'any' ? a : a?.filter((role) => b?.includes(role)));

// Calls ${each} with every property of a reply and the roles that see it; references are followed.  ${around} see what
// it is in.
function walkVisibility({ node, file }, inherited, around, place, each) {
  const visible = node['x-visible'] ?? inherited;
  if (node.$ref) return walkVisibility(resolve(node.$ref, file), visible, around, place, each);
  if (node.items) return walkVisibility({ node: node.items, file }, visible, around, place, each);
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const roles = both(around, child['x-visible'] ?? visible);
    each(`${place}/${name}`, roles);
    walkVisibility({ node: child, file }, visible, roles, `${place}/${name}`, each);
  }
}
const walkReply = (name, each) =>
  walkVisibility({ node: schemas.get(`${name}.json`), file: `${name}.json` }, undefined, 'any', name, each);

test('every property of a reply says who sees it', () => {
  for (const name of replyNames) {
    walkReply(name, (place, visible) => {
      assert.ok(visible === 'any' || visible?.length > 0, place);
      for (const role of visible === 'any' ? [] : visible) assert.ok(codes.role.includes(role), `${place}: ${role}`);
    });
  }
});

test('requests say nothing of visibility', () => {
  for (const name of requestNames) {
    for (const { node, place } of nodes(schemas.get(`${name}.json`), name)) assert.ok(!('x-visible' in node), place);
  }
});

test('who may use an operation sees something of its reply, and nobody else does', () => {
  const seenBy = new Map();
  for (const route of routes.filter((r) => r.bodyOut)) {
    const seen = new Set();
    walkReply(route.bodyOut, (place, visible) => {
      for (const role of visible === 'any' ? codes.role : visible) seen.add(role);
    });
    const allowed = rolesOf[route.permission];
    for (const role of allowed === 'any' ? codes.role : allowed) assert.ok(seen.has(role), `${route.operation}: ${role}`);
    const all = seenBy.get(route.bodyOut) ?? { seen, allowed: new Set() };
    for (const role of allowed === 'any' ? codes.role : allowed) all.allowed.add(role);
    seenBy.set(route.bodyOut, all);
  }
  for (const [name, { seen, allowed }] of seenBy) assert.deepEqual([...seen].sort(), [...allowed].sort(), name);
});

test('every operation, and what the program and the service do by themselves, has a name in the trail', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true }).filter((f) => /\.[ch]$/.test(f)).map((f) => read(`src/${f}`)).join('');
  const byThemselves = [...sources.matchAll(/"((?:alert|cli|clock)_[a-z_]+)"/g)].map(([, word]) => word);
  for (const action of [...routes.map((r) => r.operation), ...byThemselves]) assert.ok(codes.audit_action.includes(action), action);
});

// The same words are tried on the C functions by tests/unit/model/test_formats.c.
test('patterns and formats mean what the service takes them for', () => {
  const table = JSON.parse(read('tests/data/formats.json'));
  const ajv = new Ajv2020({ strict: true });
  addFormats(ajv);
  const used = new Set(allNodes.flatMap(({ node }) => ['pattern', 'format'].filter((k) => k in node)
    .map((k) => `${k} ${node[k]}`)));
  assert.deepEqual(table.map((row) => `${row.keyword} ${row.text}`).sort(), [...used].sort());
  for (const { keyword, text, yes, no } of table) {
    const validate = ajv.compile({ type: 'string', [keyword]: text });
    for (const word of yes) assert.ok(validate(word), `${text}: ${word}`);
    for (const word of no) assert.ok(!validate(word), `${text}: ${word}`);
  }
});

test('openapi.yaml lints clean', () => {
  const cli = join(root, 'tests/node_modules/@redocly/cli/bin/cli.js');
  const out = execFileSync(process.execPath, [cli, 'lint', '--format=json', 'openapi.yaml'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
  assert.deepEqual(JSON.parse(out).totals, { errors: 0, warnings: 0, ignored: 0 });
});

test('docs/problems.md explains every code a problem can have', () => {
  const known = [...read('src/base/rc.def').matchAll(/^X\(\w+, (\d+), \d, "(\w+)"\)/gm)].filter(([, status]) => status >= 400);
  const doc = read('docs/problems.md');
  for (const [, status, code] of known)
    assert.match(doc, new RegExp(`<a id="${code}"></a>\`${code}\` \\| ${status} `), code);
});
