// SPDX-License-Identifier: Apache-2.0
// A strict reader of RFC 4180, independent of the product's: CRLF ends every line, every row is as wide as the header,
// quotation marks stand around whole cells only.
import assert from 'node:assert/strict';

function cells(line) {
  const out = [];
  for (let rest = line; ;) {
    const quoted = rest.match(/^"((?:[^"]|"")*)"(,|$)/), plain = rest.match(/^([^",]*)(,|$)/);
    const hit = quoted ?? plain;
    assert.ok(hit, `misplaced quotation mark: ${line}`);
    out.push(quoted ? hit[1].replaceAll('""', '"') : hit[1]);
    if (hit[2] === '') return out;
    rest = rest.slice(hit[0].length);
  }
}

/** { header, rows: [{ column: cell }] } of ${text}. */
export function readCsv(text) {
  assert.ok(text.endsWith('\r\n'), 'the last line is ended too');
  const lines = text.slice(0, -2).split('\r\n');
  for (const line of lines) assert.doesNotMatch(line, /[\r\n]/, 'a bare CR or LF');
  const [header, ...rows] = lines.map(cells);
  assert.equal(new Set(header).size, header.length, 'a column twice');
  for (const row of rows) assert.equal(row.length, header.length, `as wide as the header: ${row}`);
  return { header, rows: rows.map((r) => Object.fromEntries(header.map((h, i) => [h, r[i]]))) };
}
