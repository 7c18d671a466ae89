// SPDX-License-Identifier: Apache-2.0
// Prometheus' text exposition format 0.0.4, read as strictly as its specification lets one: what this takes, every scraper
// takes.  Throws with the line that is wrong.
import assert from 'node:assert/strict';

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*",?)*)\\})? (\\+Inf|-?[0-9]+(?:\\.[0-9]+)?)$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"/g;
const TYPES = ['counter', 'gauge', 'histogram'];

function sampleOf(line) {
  const m = SAMPLE.exec(line);
  assert.ok(m, `not a sample: ${line}`);
  const pairs = [...(m[2] ?? '').matchAll(LABEL)].map(([, k, v]) => [k, v]);
  assert.equal(new Set(pairs.map(([k]) => k)).size, pairs.length, `a label twice: ${line}`);
  return { name: m[1], labels: Object.fromEntries(pairs), value: m[3] === '+Inf' ? Infinity : Number(m[3]), line };
}

const seriesOf = (labels) => JSON.stringify(Object.entries(labels).filter(([k]) => k !== 'le').sort());

/** Buckets in order, never fewer than below, the last equal to the count; a sum. */
function checkHistogram(name, samples) {
  for (const series of new Set(samples.map((s) => seriesOf(s.labels)))) {
    const own = samples.filter((s) => seriesOf(s.labels) === series);
    const buckets = own.filter((s) => s.name === `${name}_bucket`);
    const [count] = own.filter((s) => s.name === `${name}_count`);
    assert.ok(count && own.some((s) => s.name === `${name}_sum`), `${name}${series}: sum and count`);
    assert.equal(own.length, buckets.length + 2, `${name}${series}: something else among them`);
    assert.equal(buckets.at(-1)?.labels.le, '+Inf', `${name}${series}: no bucket holds all`);
    assert.equal(buckets.at(-1).value, count.value, `${name}${series}: the count is not the last bucket`);
    for (let i = 1; i < buckets.length; i++) {
      assert.ok(Number(buckets[i].labels.le.replace('+Inf', 'Infinity')) > Number(buckets[i - 1].labels.le), buckets[i].line);
      assert.ok(buckets[i].value >= buckets[i - 1].value, buckets[i].line);
    }
  }
}

function checkFamily(name, { type, samples }) {
  const lines = samples.map((s) => s.line.slice(0, s.line.lastIndexOf(' ')));
  assert.equal(new Set(lines).size, lines.length, `${name}: a series twice`);
  if (type === 'histogram') return checkHistogram(name, samples);
  for (const s of samples) {
    assert.equal(s.name, name, s.line);
    assert.ok(type !== 'counter' || s.value >= 0, s.line);
  }
  return undefined;
}

/** Map of family to { type, help, samples: [{ name, labels, value }] }. */
export function parseExposition(text) {
  assert.ok(text.endsWith('\n'), 'the last line has no end');
  const families = new Map();
  let family = null, help = null;
  for (const line of text.slice(0, -1).split('\n')) {
    const [, word, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (word === 'HELP') {
      assert.ok(help === null && !families.has(name), `out of place: ${line}`);
      help = { name, text: rest };
    } else if (word === 'TYPE') {
      assert.ok(help?.name === name && TYPES.includes(rest), `out of place: ${line}`);
      family = { name, type: rest, help: help.text, samples: [] };
      families.set(name, family);
      help = null;
    } else {
      const sample = sampleOf(line);
      const own = family && (family.type === 'histogram' ? /^_(bucket|sum|count)$/.test(sample.name.slice(family.name.length)) : true);
      assert.ok(family && help === null && own && sample.name.startsWith(family.name), `out of place: ${line}`);
      family.samples.push(sample);
    }
  }
  assert.equal(help, null, 'a help without its type');
  for (const [name, f] of families) checkFamily(name, f);
  return families;
}
