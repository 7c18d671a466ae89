#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// The documentation as a site that needs no server and runs no script: docs/*.md by cmark-gfm, one frame, one style sheet.
//   tools/docs/site.mjs DIR     writes DIR (emptied before); a link that leads nowhere is named, and the status is 1
// Equal sources give equal bytes: no date, no path of the machine, no order of a directory.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pages } from './contents.mjs';
import { operations, policy, retention } from './facts.mjs';
import { frame } from './frame.mjs';
import { picture } from './picture.mjs';
import { plain, slug, unescape } from './text.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const tables = { operations, policy, retention };
const bySource = new Map(pages.map((p) => [p.source, p]));
const wrongs = [];

/** What the text calls in: a file that is tested as it is, or a table of the program. */
function called(page, text) {
  return text
    .replace(/^<!-- include (\S+) -->$/gm, (_, path) => `\`\`\`${path.split('.').at(-1)}\n${readFileSync(join(root, path), 'utf8').trimEnd()}\n\`\`\``)
    .replace(/^<!-- table (\w+) -->$/gm, (_, name) => tables[name](root, page.lang));
}

function markdown(text) {
  const run = spawnSync('cmark-gfm', ['--unsafe', '-e', 'table'], { input: text, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`cmark-gfm: ${run.error?.message ?? run.stderr} (tools/deps.sh docs installs it)`);
  return run.stdout;
}

/** Width and height of a JPEG (its frame header), PNG or SVG (its view box), so that the page does not jump while it loads. */
export function size(file) {
  const b = readFileSync(file), box = /^<svg [^>]*viewBox="0 0 (\d+) (\d+)"/.exec(b.toString('latin1', 0, 400));
  if (box) return [Number(box[1]), Number(box[2])];
  if (b.readUInt32BE(0) === 0x89504e47) return [b.readUInt32BE(16), b.readUInt32BE(20)];
  for (let at = 2; at < b.length; at += 2 + b.readUInt16BE(at + 2))
    if (b[at + 1] >= 0xc0 && b[at + 1] <= 0xc3) return [b.readUInt16BE(at + 7), b.readUInt16BE(at + 5)];
  throw new Error(`${file}: neither JPEG, PNG nor SVG`);
}

/** Where a link of ${page} leads in the site: another page, or a file that is brought along; undefined: only a repository has it. */
function target(page, href, bring) {
  if (/^(https?|mailto):/.test(href)) return href;
  const [path, anchor] = href.split('#');
  if (path === '') return href;
  const source = posix.normalize(posix.join(posix.dirname(page.source), decodeURI(path)));
  const there = bySource.get(source);
  if (there) return there.file + (anchor ? `#${anchor}` : '');
  if (!existsSync(join(root, source))) {
    wrongs.push(`${page.source}: there is no ${source}`);
    return undefined;
  }
  // a licence lies beside every copy of the program already, in a package where its distribution keeps it
  if (source === 'LICENSE' || statSync(join(root, source)).isDirectory()) return undefined;
  return bring(source);
}

function headings(html) {
  const used = new Map();
  return html.replace(/<h([1-6])>(.*?)<\/h\1>/gs, (_, level, inner) => {
    const name = slug(plain(inner));
    const again = used.get(name) ?? 0;
    used.set(name, again + 1);
    return `<h${level} id="${again ? `${name}-${again}` : name}">${inner}</h${level}>`;
  });
}

/** Tables and listings scroll by themselves when they are wider than the page, also by keyboard. */
function wide(html, lang) {
  const name = lang === 'hu' ? 'Táblázat' : 'Table';
  let count = 0;
  return html
    .replace(/<th><\/th>/g, '<td></td>')
    .replace(/<th/g, '<th scope="col"')
    .replace(/<th scope="col"ead>/g, '<thead>')
    .replace(/<table>/g, () => `<div class="scroll" tabindex="0" role="region" aria-label="${name} ${++count}"><table>`)
    .replace(/<\/table>/g, '</table></div>')
    .replace(/<pre>/g, '<pre tabindex="0">');
}

function drawn(html) {
  let count = 0;
  return html.replace(/<pre><code class="language-picture">(.*?)<\/code><\/pre>/gs, (_, text) => picture(unescape(text), `picture-${++count}`));
}

function linked(page, html, bring) {
  return html
    .replace(/<img src="([^"]*)" alt="([^"]*)" ?\/>/g, (_, src, alt) => {
      const file = target(page, src, bring);
      const [width, height] = file ? size(join(root, posix.join(posix.dirname(page.source), src))) : [0, 0];
      return `<img src="${file}" alt="${alt}" width="${width}" height="${height}">`;
    })
    .replace(/<a href="([^"]*)">(.*?)<\/a>/gs, (_, href, inner) => {
      const to = target(page, unescape(href), bring);
      return to === undefined ? inner : `<a href="${to}">${inner}</a>`;
    });
}

function render(page, bring) {
  const text = called(page, readFileSync(join(root, page.source), 'utf8'));
  const body = wide(headings(linked(page, drawn(markdown(text)), bring)), page.lang).replace(/<(br|hr) \/>/g, '<$1>');
  const title = plain(body.match(/<h1[^>]*>(.*?)<\/h1>/s)?.[1] ?? '');
  if (!title) wrongs.push(`${page.source}: no title`);
  return { ...page, body, title };
}

/** Links inside the site must name an id that its page has. */
function checkAnchors(made) {
  const ids = new Map(made.map((p) => [p.file, new Set([...p.body.matchAll(/ id="([^"]*)"/g)].map((m) => m[1]))]));
  for (const page of made)
    for (const [, file, anchor] of page.body.matchAll(/<a href="([^":#]*)#([^"]*)"/g)) {
      const known = ids.get(file || page.file);
      if (known && !known.has(decodeURI(anchor))) wrongs.push(`${page.source}: ${file}#${anchor} leads nowhere`);
    }
}

function build(dir) {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(join(dir, 'files'), { recursive: true });
  const brought = new Map();
  const bring = (source) => {
    const file = `files/${basename(source)}`;
    if ((brought.get(file) ?? source) !== source) wrongs.push(`${source}: another file has this name, ${brought.get(file)}`);
    brought.set(file, source);
    return file;
  };
  const made = pages.map((page) => render(page, bring));
  checkAnchors(made);
  const version = readFileSync(join(root, 'src/base/version.h'), 'utf8').match(/MENEDEK_VERSION "(.*)"/)[1];
  for (const page of made) writeFileSync(join(dir, page.file), frame(page, made, version));
  for (const [file, source] of brought) copyFileSync(join(root, source), join(dir, file));
  copyFileSync(join(root, 'tools/docs/site.css'), join(dir, 'site.css'));
  return made.length;
}

const dir = process.argv[2];
if (!dir) {
  console.error('site.mjs DIR');
  process.exit(2);
}
const count = build(dir);
for (const wrong of wrongs) console.error(wrong);
console.log(`${join(dir, 'index.html')}: ${count} pages`);
process.exitCode = wrongs.length > 0 ? 1 : 0;
