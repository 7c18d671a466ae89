// SPDX-License-Identifier: Apache-2.0
// A strict reader of RFC 5545, independent of the product: folded lines of at most 75 octets, the grammar of a content line,
// components that nest, and what the RFC demands of each.  TEXT values come back unescaped.
import assert from 'node:assert/strict';

const ONCE = { VCALENDAR: ['PRODID', 'VERSION'], VEVENT: ['UID', 'DTSTAMP', 'DTSTART'], VTIMEZONE: ['TZID'],
  STANDARD: ['DTSTART', 'TZOFFSETFROM', 'TZOFFSETTO'], DAYLIGHT: ['DTSTART', 'TZOFFSETFROM', 'TZOFFSETTO'] };
const VALUE = { DTSTAMP: /^\d{8}T\d{6}Z$/, VERSION: /^2\.0$/, CLASS: /^(PUBLIC|PRIVATE|CONFIDENTIAL)$/, TRANSP: /^(OPAQUE|TRANSPARENT)$/,
  TZOFFSETFROM: /^[+-]\d{4}$/, TZOFFSETTO: /^[+-]\d{4}$/, RRULE: /^FREQ=YEARLY;BYMONTH=\d+;BYDAY=-1SU$/, UID: /^\S+$/,
  SUMMARY: /^([^\\;,\x00-\x1f]|\\[\\;,nN])*$/ };

function property(line) {
  const found = line.match(/^([A-Z][A-Z0-9-]*)((?:;[A-Z][A-Z0-9-]*=(?:"[^"\x00-\x1f]*"|[^";:,\x00-\x1f]*))*):(.*)$/u);
  assert.ok(found, `no content line: ${line}`);
  const [, name, params, value] = found;
  const parameters = Object.fromEntries(params.split(';').slice(1).map((p) => p.split('=')));
  if (VALUE[name]) assert.match(value, VALUE[name], line);
  if (name === 'DTSTART') assert.match(value, parameters.VALUE === 'DATE' ? /^\d{8}$/ : /^\d{8}T\d{6}Z?$/, line);
  return { name, parameters, value: name === 'SUMMARY' ? value.replace(/\\([\\;,])/g, '$1') : value };
}

/** { name: 'VCALENDAR', properties: { NAME: { parameters, value } }, parts: [...] } of ${bytes}. */
export function readCalendar(bytes) {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  assert.ok(text.endsWith('\r\n'));
  const raw = text.slice(0, -2).split('\r\n');
  for (const line of raw) {
    assert.doesNotMatch(line, /[\r\n]/, 'a bare CR or LF');
    assert.ok(Buffer.byteLength(line) <= 75, `${Buffer.byteLength(line)} octets: ${line}`);
    assert.ok(!line.includes('\ufffd'), 'folded inside a character');
  }
  const stack = [{ name: null, properties: {}, parts: [] }];
  for (const line of text.slice(0, -2).replaceAll('\r\n ', '').split('\r\n')) {
    const p = property(line), top = stack.at(-1);
    if (p.name === 'BEGIN') {
      const part = { name: p.value, properties: {}, parts: [] };
      top.parts.push(part);
      stack.push(part);
    } else if (p.name === 'END') {
      assert.equal(p.value, top.name, 'components nest');
      for (const name of ONCE[top.name] ?? []) assert.ok(top.properties[name], `${top.name} without ${name}`);
      stack.pop();
    } else {
      assert.ok(top.name && !top.properties[p.name], `${p.name} twice, or outside`);
      top.properties[p.name] = { parameters: p.parameters, value: p.value };
    }
  }
  assert.equal(stack.length, 1, 'every component ends');
  const [calendar, ...more] = stack[0].parts;
  assert.ok(calendar.name === 'VCALENDAR' && more.length === 0 && calendar.parts.length > 0, 'one calendar of one component or more');
  return calendar;
}
