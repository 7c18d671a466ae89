// SPDX-License-Identifier: Apache-2.0
// What operators see: the text is strictly Prometheus', says what happened, names nobody; and every number that a rule, the
// dashboard or the manual speaks of exists.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse as parseYaml } from 'yaml';
import { parseExposition } from './lib/exposition.mjs';
import { comes } from './lib/patience.mjs';
import { Registry, root } from './lib/registry.mjs';
import { hold, openEpisode, reservationIn, search } from './lib/scenes.mjs';

const LABELS = {
  operation: null, // any operation of the contract
  class: ['1xx', '2xx', '3xx', '4xx', '5xx'],
  certificate: ['fine', 'no_certificate', 'foreign', 'expired', 'purpose', 'bad', 'revoked', 'unknown'],
  freshness: ['fresh', 'aging', 'unknown'],
  version: null,
};
const read = (path) => readFileSync(join(root, path), 'utf8');
const DAY = 86400;

let r;
before(async () => { r = await new Registry().start({}, ['--health', '127.0.0.1:0']); });
after(() => r.close());

async function scrape() {
  const answer = await fetch(`http://127.0.0.1:${r.healthPort}/metrics`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  return { text, families: parseExposition(text) };
}
/** The value of one series. */
function value({ families }, name, labels = {}) {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  const family = families.get(name) ?? families.get(base);
  assert.ok(family, `no metric ${name}`);
  const found = family.samples.filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v));
  return found.reduce((sum, s) => sum + s.value, 0);
}
const promtool = (args, input) => {
  const done = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return done.error?.code === 'ENOENT' ? null : done;
};

/** Metric names in an expression of PromQL: words that are ours. */
const metricsIn = (expr) => expr.match(/\bmenedek_[a-z0-9_]+/g) ?? [];
const rules = () => parseYaml(read('docs/observe/alerts.yaml')).groups.flatMap((g) => g.rules);
const targets = () => JSON.parse(read('docs/observe/dashboard.json')).panels.flatMap((p) => p.targets ?? []);

test('the text is what Prometheus reads, strictly', async (t) => {
  const desk = await r.as('counsellor');
  await search(desk, await openEpisode(desk));
  const { text, families } = await scrape();
  assert.ok(families.size > 40, `only ${families.size} families`);
  for (const [name, { type, help }] of families) {
    assert.match(name, /^menedek_[a-z0-9_]+$/);
    assert.match(help, /^[A-Z0-9].{9,}\.$/, name);
    assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
  }
  const lint = promtool(['check', 'metrics'], text);
  await t.test('so says promtool check metrics', { skip: !lint && 'promtool (Debian package prometheus) is not here' }, () => assert.equal(lint.status + lint.stderr, '0'));
});

test('a parser that believes everything would prove nothing', () => {
  const good = '# HELP a_total X.\n# TYPE a_total counter\na_total 1\n';
  assert.equal(parseExposition(good).size, 1);
  const bad = {
    'no end of line': good.slice(0, -1), 'a sample before its type': 'a_total 1\n', 'twice the same series': `${good}a_total 2\n`,
    'a family torn apart': `${good}# HELP b X.\n# TYPE b gauge\nb 1\na_total{x="1"} 2\n`, 'a word for a number': good.replace(' 1\n', ' one\n'),
    'a negative counter': good.replace(' 1\n', ' -1\n'), 'a type that is none': good.replace('counter', 'number'),
    'a quote left open': `${good}a_total{x="1} 2\n`, 'two values': good.replace(' 1\n', ' 1 2 3\n'),
    'buckets that fall': '# HELP h X.\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    'a count that is not its last bucket': '# HELP h X.\n# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n',
    'no last bucket': '# HELP h X.\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
  };
  for (const [what, text] of Object.entries(bad)) assert.throws(() => parseExposition(text), undefined, what);
});

test('no label can name a house, a person or a device', async () => {
  const { scene, staff } = { scene: await hold(await r.as('counsellor')), staff: await r.as('shelter_staff') };
  const { text, families } = await scrape();
  const operations = new Set([...read('api/routes.def').matchAll(/^ROUTE\(\w+,\s*"[^"]+",\s*(\w+)/gm)].map((m) => m[1]));
  for (const { samples } of families.values())
    for (const { name, labels } of samples)
      for (const [key, what] of Object.entries(labels)) {
        if (key === 'le') continue;
        assert.ok(key in LABELS, `${name} has a label ${key}`);
        if (LABELS[key]) assert.ok(LABELS[key].includes(what), `${name}: ${key}="${what}"`);
        if (key === 'operation') assert.ok(operations.has(what), what);
        if (key === 'version') assert.match(what, /^\d+\.\d+\.\d+$/);
      }
  for (const secret of [scene.candidate.code_name, scene.reservation.id, scene.episode.id, staff.user ?? 'Nyugat', 'Nyugat', 'OKIT'])
    assert.ok(!text.includes(secret), secret);
});

test('requests, their classes and their times are counted', async () => {
  const desk = await r.as('counsellor');
  const before = await scrape(), from = performance.now();
  const count = (m, cls) => value(m, 'menedek_requests_total', { operation: 'me_read', class: cls });
  for (let i = 0; i < 7; i++) assert.equal((await desk.get('/v1/me')).status, 200);
  assert.equal((await r.bare('counsellor').get('/v1/me')).status, 401);
  const passed = (performance.now() - from) / 1000;
  const then = await scrape();
  assert.equal(count(then, '2xx') - count(before, '2xx'), 7);
  assert.equal(count(then, '4xx') - count(before, '4xx'), 1);
  const times = (m, part) => value(m, `menedek_request_seconds_${part}`, { operation: 'me_read' });
  assert.equal(times(then, 'count') - times(before, 'count'), 8);
  const spent = times(then, 'sum') - times(before, 'sum');
  assert.ok(spent > 0 && spent < passed, `${spent} s for eight answers, one after another, within ${passed} s`);
});

test('a commit shows in batches, syncs and folds; the queue is empty again', async () => {
  const before = await scrape();
  await openEpisode(await r.as('counsellor'));
  const then = await scrape();
  for (const name of ['menedek_store_commits_total', 'menedek_store_batch_commits_count', 'menedek_store_sync_seconds_count',
    'menedek_store_fold_seconds_count', 'menedek_audit_entries_total'])
    assert.ok(value(then, name) > value(before, name), name);
  await comes(async () => value(await scrape(), 'menedek_store_queue') === 0, 'the queue is not empty again');
  const used = value(then, 'menedek_store_map_used_bytes');
  assert.ok(used > 4096 && used < value(then, 'menedek_store_map_bytes'), String(used));
  for (const name of ['menedek_store_broken', 'menedek_store_altered', 'menedek_audit_broken']) assert.equal(value(then, name), 0, name);
});

test('a hold is one more place held, and one less when it is given back', async () => {
  const desk = await r.as('counsellor');
  const before = value(await scrape(), 'menedek_holds');
  const { reservation } = await hold(desk);
  const held = await scrape();
  assert.equal(value(held, 'menedek_holds'), before + 1);
  assert.ok(value(held, 'menedek_holds_ending') <= value(held, 'menedek_holds'));
  assert.equal((await desk.post(`/v1/reservations/${reservation.id}/cancel`, { reason: 'contact_lost' })).status, 200);
  assert.equal(value(await scrape(), 'menedek_holds'), before);
  await reservationIn(r, 'confirmed');
  assert.equal(value(await scrape(), 'menedek_holds'), before, 'what is confirmed does not run out');
});

test('certificates end when they say, the trail is as old as its last entry', async () => {
  const now = Date.now() / 1000;
  const m = await scrape();
  const left = (value(m, 'menedek_server_certificate_end_seconds') - now) / DAY;
  assert.ok(left > 300 && left < 500, `server: ${left} days`);
  assert.ok(value(m, 'menedek_authority_certificate_end_seconds') - now > 3 * 365 * DAY);
  assert.ok(now - value(m, 'menedek_audit_head_seconds') < 60);
  assert.ok(value(m, 'menedek_start_time_seconds') <= now);
  assert.ok(value(m, 'menedek_audit_signed_entries') <= value(m, 'menedek_audit_entries_total'));
  assert.equal(value(m, 'menedek_build_info'), 1);
  const open = value(m, 'menedek_houses');
  assert.ok(open > 50 && open <= 96, `${open} houses are open`);
});

test('every metric of a rule or of the dashboard exists, and every one stands in the manual', async () => {
  const { families } = await scrape();
  const samples = new Set([...families].flatMap(([name, f]) =>
    f.type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]));
  const named = [...rules().map((x) => [x.alert, x.expr]), ...targets().map((t) => [t.expr, t.expr])];
  assert.ok(named.length > 50, `only ${named.length}`);
  for (const [where, expr] of named) {
    assert.ok(metricsIn(expr).length > 0 || /\bup\b/.test(expr), where);
    for (const name of metricsIn(expr)) assert.ok(samples.has(name), `${where}: there is no ${name}`);
  }
  const rows = [...read('docs/operations.md').matchAll(/^\| `(menedek_\w+)` \| (\w+) \|/gm)].map(([, name, type]) => `${name} ${type}`);
  assert.deepEqual(rows.sort(), [...families].map(([name, f]) => `${name} ${f.type}`).sort());
});

test('rules say what to do, and Prometheus takes them', async (t) => {
  for (const rule of rules()) {
    assert.match(rule.alert, /^Menedek[A-Z]\w+$/);
    assert.ok(['page', 'ticket'].includes(rule.labels.severity), rule.alert);
    assert.ok(rule.annotations.summary && rule.annotations.description?.length > 20, rule.alert);
  }
  const names = rules().map((x) => x.alert);
  assert.equal(new Set(names).size, names.length);
  const lint = promtool(['check', 'rules', join(root, 'docs/observe/alerts.yaml')]);
  await t.test('so says promtool check rules', { skip: !lint && 'promtool (Debian package prometheus) is not here' }, () => assert.equal(lint.status, 0, lint.stderr));
});

test('panels of the dashboard have places and identifiers of their own', () => {
  const { panels } = JSON.parse(read('docs/observe/dashboard.json'));
  const taken = new Set();
  for (const { id, title, gridPos: g } of panels) {
    assert.ok(title && g.x + g.w <= 24, title);
    for (let x = g.x; x < g.x + g.w; x++)
      for (let y = g.y; y < g.y + g.h; y++) {
        assert.ok(!taken.has(`${x},${y}`), `${title} lies over another`);
        taken.add(`${x},${y}`);
      }
    assert.ok(!taken.has(id), `panel ${id} twice`);
    taken.add(id);
  }
});
