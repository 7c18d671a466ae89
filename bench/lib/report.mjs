// SPDX-License-Identifier: Apache-2.0
// Rows of what was measured: as a table for people, as TSV and CSV for programs, as SVG for eyes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { out, spread } from './measure.mjs';

const short = (x) => (Math.abs(x) >= 1000 ? Math.round(x).toLocaleString('en') : Number(x.toPrecision(3)).toString());
const range = (s) => (s.min === s.max ? short(s.median) : `${short(s.min)} / ${short(s.median)} / ${short(s.max)}`);

const YES_NO = { true: 'yes', false: 'no', null: '' };

export class Report {
  rows = [];
  notes = [];

  /**
   * One row: ${ours} and ${other} as lists of the same unit, round by round.  ${goal}: [">=" or "<=", number] for the ratio ours :
   * other; without ${other} for ours itself; none: it is only told.  Rounds are compared with each other, then the middle one counts.
   */
  add({ row, unit, ours, other = null, against = '', goal = null }) {
    const ratios = ours.map((x, i) => (other === null ? x : x / other[i]));
    const ratio = spread(ratios), [sign, bound] = goal ?? [];
    const met = goal === null ? null : sign === '>=' ? ratio.median >= bound : ratio.median <= bound;
    const line = { row, unit, ours: spread(ours), other: other && spread(other), against, ratio, goal: goal?.join(' ') ?? '', met };
    this.rows.push(line);
    const right = other === null ? '' : ` | ${against} ${range(line.other)} | x ${short(ratio.median)}`;
    console.log(`${{ true: 'met   ', false: 'MISSED', null: '      ' }[met]} ${row}: ${range(line.ours)} ${unit}${right}${goal === null ? '' : ` (goal ${line.goal})`}`);
    return line;
  }

  /** Something that must hold; a bench that measures wrong work measures nothing. */
  assert(claim, holds, detail = '') {
    this.notes.push({ claim, holds, detail });
    console.log(`${holds ? 'holds ' : 'BROKEN'} ${claim}${detail ? `: ${detail}` : ''}`);
  }

  get isSound() { return this.notes.every((n) => n.holds); }

  write() {
    const head = ['row', 'unit', 'ours_min', 'ours', 'ours_max', 'beside', 'beside_min', 'beside_median', 'beside_max', 'ratio', 'goal', 'met'];
    const lines = this.rows.map((r) => [r.row, r.unit, r.ours.min, r.ours.median, r.ours.max, r.against, r.other?.min ?? '', r.other?.median ?? '',
      r.other?.max ?? '', r.other ? r.ratio.median.toFixed(3) : '', r.goal, YES_NO[r.met]]);
    const summary = this.rows.map((r) => [r.row, `${short(r.ours.median)} ${r.unit}`, r.other ? `${short(r.other.median)} ${r.unit} (${r.against})` : '',
      r.other ? r.ratio.median.toFixed(3) : '', r.goal, YES_NO[r.met]]);
    const tsv = (rows) => rows.map((l) => l.join('\t')).join('\n');
    writeFileSync(join(out, 'summary.tsv'), `${tsv([['row', 'ours', 'limit or peer', 'ratio', 'goal', 'met'], ...summary])}\n`);
    writeFileSync(join(out, 'rows.csv'), `${[head, ...lines].map((l) => l.map((c) => (/[",]/.test(c) ? `"${String(c).replaceAll('"', '""')}"` : c)).join(',')).join('\n')}\n`);
  }

  print() {
    const table = [['', 'ours (min / median / max)', 'beside', 'ratio', 'goal', ''], ...this.rows.map((r) => [r.row, `${range(r.ours)} ${r.unit}`,
      r.other ? `${range(r.other)} ${r.against}` : '', r.other ? `x ${short(r.ratio.median)}` : '', r.goal, { true: 'met', false: 'missed', null: '' }[r.met]])];
    const widths = table[0].map((_, i) => Math.max(...table.map((l) => l[i].length)));
    console.log('');
    for (const l of table) console.log(l.map((c, i) => c.padEnd(widths[i])).join('  ').trimEnd());
    console.log(`\n${this.rows.filter((r) => r.met).length} of ${this.rows.filter((r) => r.met !== null).length} goals met; ${this.notes.filter((n) => n.holds).length} of ${this.notes.length} claims hold`);
  }
}

const WIDE = 640, HIGH = 376, LEFT = 70, BOTTOM = 50, TOP = 56, RIGHT = 130;
const COLOURS = ['#0b6e4f', '#c1292e', '#235789', '#b07d00', '#6a4c93'];

/** The next number above ${v} that reads well: of one digit and a half. */
function rounded(v) {
  const step = 10 ** Math.floor(Math.log10(v || 1)) / 2;
  return (Math.floor(v / step) + 1) * step;
}

/**
 * A picture of lines: ${series} is { name: [[x, y], ...] }, x on a logarithmic axis (sizes and clients double), y from 0.
 * Each line's name stands at its end, so that no legend has to be matched by colour.
 */
export function plot(file, { title, x, y, series }) {
  const all = Object.values(series).flat(), xs = all.map((p) => Math.log(p[0])), top = rounded(Math.max(...all.map((p) => p[1])));
  const low = Math.min(...xs), wide = Math.max(...xs) - low || 1;
  const px = (v) => (LEFT + ((Math.log(v) - low) / wide) * (WIDE - LEFT - RIGHT)).toFixed(1);
  const py = (v) => (HIGH - BOTTOM - (v / top) * (HIGH - BOTTOM - TOP)).toFixed(1);
  const parts = [`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDE} ${HIGH}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDE}" height="${HIGH}" fill="white"/><text x="${LEFT}" y="22" font-size="15">${title}</text>`,
    `<text x="${LEFT}" y="${HIGH - 12}">${x}</text><text x="12" y="${TOP - 12}">${y}</text>`];
  for (const v of [0, top / 2, top]) parts.push(`<path d="M${LEFT} ${py(v)}H${WIDE - RIGHT}" stroke="#ddd"/><text x="${LEFT - 6}" y="${Number(py(v)) + 4}" text-anchor="end">${short(v)}</text>`);
  for (const v of new Set(all.map((p) => p[0]))) parts.push(`<text x="${px(v)}" y="${HIGH - BOTTOM + 16}" text-anchor="middle">${short(v)}</text>`);
  Object.entries(series).forEach(([name, points], i) => {
    const colour = COLOURS[i % COLOURS.length], last = points.at(-1);
    parts.push(`<path d="M${points.map((p) => `${px(p[0])} ${py(p[1])}`).join('L')}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const p of points) parts.push(`<circle cx="${px(p[0])}" cy="${py(p[1])}" r="3" fill="${colour}"/>`);
    parts.push(`<text x="${Number(px(last[0])) + 8}" y="${Number(py(last[1])) + 4}" fill="${colour}">${name}</text>`);
  });
  writeFileSync(join(out, file), `${parts.join('\n')}\n</svg>\n`);
}
