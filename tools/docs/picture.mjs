// SPDX-License-Identifier: Apache-2.0
// Pictures of boxes and arrows from text, drawn as SVG without a colour of their own, so that they follow light, dark and paper:
//   Title of the picture
//   [a box] [another, / second line] -label-> [a third]
//     | what goes down to the next row, or with ^ up from it
import { escape } from './text.mjs';

const CHAR = 7.6; // a generous width of a character at 14 px, whatever font is there
const LINE = 18;
const PAD = 12;
const GAP = 26;
const DROP = 44; // between rows that an arrow joins

function box(text) {
  const lines = text.split(' / ');
  return { lines, width: Math.max(...lines.map((l) => l.length)) * CHAR + 2 * PAD, height: lines.length * LINE + PAD };
}

/** A row's boxes, and before each but the first what joins it to the one before. */
function readRow(line) {
  const row = { boxes: [], joints: [] };
  for (const [, joint, text] of line.matchAll(/([^[\]]*)\[([^\]]*)\]/g)) {
    const [, from, label = '', to] = /^(<)?-(?:(.*)-)?(>)?$/.exec(joint.trim()) ?? [];
    if (row.boxes.length > 0) row.joints.push({ label, to: to !== undefined, from: from !== undefined });
    row.boxes.push(box(text));
  }
  row.gaps = row.joints.map((j) => (j.to || j.from ? Math.max(GAP + 10, j.label.length * CHAR + 16) : GAP));
  row.width = [...row.boxes.map((b) => b.width), ...row.gaps].reduce((sum, w) => sum + w, 0);
  row.height = Math.max(...row.boxes.map((b) => b.height));
  return row;
}

function read(source) {
  const [title, ...lines] = source.trim().split('\n');
  const rows = [];
  for (const line of lines) {
    if (line.includes('[')) rows.push(readRow(line));
    else if (line.trim() && rows.length > 0) Object.assign(rows.at(-1), { below: line.trim().slice(1).trim(), up: line.trim()[0] === '^' });
  }
  return { title, rows };
}

const n = (x) => String(Math.round(x * 10) / 10);
const text = (x, y, words, kind) => `<text x="${n(x)}" y="${n(y)}"${kind ? ` class="${kind}"` : ''}>${escape(words)}</text>`;

function drawBox(b, x, y, height) {
  const first = y + height / 2 - ((b.lines.length - 1) * LINE) / 2 + 5;
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(b.width)}" height="${n(height)}" rx="6"></rect>` +
    b.lines.map((l, i) => text(x + b.width / 2, first + i * LINE, l, i > 0 && 'small')).join('');
}

function drawJoint(j, x, y, width) {
  const [from, to] = [x + 4, x + width - 4];
  const head = (at, by) => `M${n(at + by)} ${n(y - 4)}L${n(at)} ${n(y)}L${n(at + by)} ${n(y + 4)}`;
  return `<path d="M${n(from)} ${n(y)}H${n(to)}${j.to ? head(to, -6) : ''}${j.from ? head(from, 6) : ''}"></path>` +
    (j.label ? text(x + width / 2, y - 7, j.label, 'small') : '');
}

function drawRow(row, x, y) {
  return row.boxes.map((b, i) => {
    const joint = row.joints[i];
    const drawn = drawBox(b, x, y, row.height);
    x += b.width + (row.gaps[i] ?? 0);
    return drawn + (joint && (joint.to || joint.from) ? drawJoint(joint, x - row.gaps[i], y + row.height / 2, row.gaps[i]) : '');
  }).join('');
}

/** The figure of a picture's text; its words are the description that a screen reader gets. */
export function picture(source, id) {
  const { title, rows } = read(source);
  if (rows.length === 0) throw new Error(`a picture without a box: ${title}`);
  const width = Math.max(...rows.map((r) => Math.max(r.width, (r.below ?? '').length * CHAR * 2 + 40))) + 8;
  let y = 4;
  let drawn = '';
  for (const row of rows) {
    drawn += drawRow(row, (width - row.width) / 2, y);
    y += row.height + 12;
    if (row.below === undefined) continue;
    const [at, to] = [y - 8, y + DROP - 22];
    const [tail, head] = row.up ? [to, at] : [at, to];
    drawn += `<path d="M${n(width / 2)} ${n(tail)}V${n(head)}m-4 ${row.up ? '6l4 -6l4 6' : '-6l4 6l4 -6'}"></path>` +
      (row.below ? `<text x="${n(width / 2 + 12)}" y="${n((at + to) / 2 + 4)}" class="small start">${escape(row.below)}</text>` : '');
    y += DROP - 18;
  }
  const told = source.trim().split('\n').slice(1).map((l) => l.trim().replace(/[[\]]/g, ' ').replace(/\s+/g, ' ').trim()).join('; ');
  return `<figure><svg viewBox="0 0 ${n(width)} ${n(y)}" width="${n(width)}" height="${n(y)}" role="img" aria-labelledby="${id} ${id}-d">` +
    `<title id="${id}">${escape(title)}</title><desc id="${id}-d">${escape(told)}</desc>${drawn}</svg>` +
    `<figcaption>${escape(title)}</figcaption></figure>`;
}
