// SPDX-License-Identifier: Apache-2.0
// The handbook as it is shipped: every link leads somewhere, both languages are there and alike, the pages are valid, load
// and run nothing, and are made again to the byte.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { all, read } from './lib/html.mjs';
import { root, texts } from './lib/sources.mjs';

const ROLES = ['shelter-staff', 'shelter-manager', 'counsellor', 'shift-lead', 'family-support', 'admin', 'auditor', 'statistician'];
const BOTH = [...ROLES, 'start', 'downtime-card', 'manual', 'privacy', 'records', 'dpia'];
let work, site, pages, made;

const build = (dir, env) => spawnSync(process.execPath, [join(root, 'tools/docs/site.mjs'), dir], { encoding: 'utf8', env: { ...process.env, ...env }, timeout: 60_000 });
const files = (dir) => readdirSync(dir, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => join(e.parentPath ?? e.path, e.name).slice(dir.length + 1)).sort();
const each = (f) => { for (const [file, page] of pages) f(file, page); };

before(() => {
  work = mkdtempSync(join(tmpdir(), 'menedek-test-'));
  site = join(work, 'site');
  made = build(site, { LANG: 'C.UTF-8', TZ: 'UTC' });
  if (made.status !== 0) return;
  pages = new Map(files(site).filter((f) => f.endsWith('.html') && !f.includes('/')).map((f) => [f, { html: readFileSync(join(site, f), 'utf8'), ...read(readFileSync(join(site, f), 'utf8')) }]));
});
after(() => rmSync(work, { recursive: true, force: true }));

describe('the handbook', () => {
  test('is made without a complaint', () => {
    assert.equal(made.status, 0, made.stderr + (made.error ?? ''));
    assert.equal(made.stderr, '');
    assert.ok(pages.size > 40, `${pages.size} pages`);
  });

  test('is valid, page by page', () => each((file, page) => assert.deepEqual(page.wrongs, [], file)));

  test('runs nothing and loads nothing from elsewhere', () => each((file, page) => {
    assert.equal(all(page, 'link').map((e) => e.attributes.href).join(), 'site.css', file);
    for (const img of all(page, 'img')) assert.match(img.attributes.src, /^files\/[\w.-]+$/, file);
    assert.doesNotMatch(page.html, /<script|<iframe|<style|javascript:|\son\w+=|\sstyle=/i, file);
    assert.doesNotMatch(readFileSync(join(site, 'site.css'), 'utf8'), /url\(|@import/);
  }));

  test('every link and anchor leads somewhere', () => each((file, page) => {
    for (const { attributes: { href } } of all(page, 'a').filter((e) => e.attributes.href)) {
      if (/^https?:/.test(href)) continue;
      const [to, anchor] = href.split('#');
      assert.ok(to === '' || existsSync(join(site, to)), `${file}: ${href}`);
      if (anchor === undefined) continue;
      const there = pages.get(to || file);
      assert.ok(there?.elements.some((e) => e.attributes.id === decodeURI(anchor)), `${file}: ${href}`);
    }
  }));

  test('every page is reached from both home pages', () => {
    for (const home of ['index.html', 'index.en.html']) {
      const seen = new Set([home]);
      for (const file of seen) for (const e of all(pages.get(file) ?? { elements: [] }, 'a')) if (pages.has(e.attributes.href?.split('#')[0])) seen.add(e.attributes.href.split('#')[0]);
      assert.deepEqual([...pages.keys()].filter((f) => !seen.has(f)), [], home);
    }
    const sources = readFileSync(join(root, 'tools/docs/contents.mjs'), 'utf8');
    for (const text of texts) assert.ok(sources.includes(text.replace(/\.(hu|en)\.md$/, '.{lang}.md')), `${text} is in no section of tools/docs/contents.mjs`);
  });

  test('can be read aloud: language, one title, headings in order, alternatives, no id twice', () => each((file, page) => {
    const levels = page.elements.filter((e) => /^h[1-6]$/.test(e.name) && page.html.indexOf('<nav id="contents"') > e.at).map((e) => Number(e.name[1]));
    assert.equal(levels.filter((l) => l === 1).length, 1, file);
    for (const [i, level] of levels.entries()) assert.ok(level <= (levels[i - 1] ?? 0) + 1, `${file}: a heading of level ${level} after ${levels[i - 1]}`);
    assert.match(all(page, 'html')[0].attributes.lang, /^(hu|en)$/);
    for (const img of all(page, 'img')) assert.ok(img.attributes.alt && img.attributes.width && img.attributes.height, `${file}: ${img.attributes.src}`);
    for (const th of all(page, 'th')) assert.equal(th.attributes.scope, 'col', file);
    const ids = page.elements.map((e) => e.attributes.id).filter(Boolean);
    assert.deepEqual(ids.filter((id, i) => ids.indexOf(id) !== i), [], file);
    for (const e of page.elements.filter((x) => x.attributes['aria-labelledby'])) for (const id of e.attributes['aria-labelledby'].split(' ')) assert.ok(ids.includes(id), `${file}: ${id}`);
  }));

  test('has every promised page in Hungarian and in English, alike', () => {
    for (const name of BOTH) {
      const [hu, en] = ['hu', 'en'].map((lang) => pages.get(`${name}.${lang}.html`));
      assert.ok(hu && en, name);
      for (const [page, lang, other] of [[hu, 'hu', 'en'], [en, 'en', 'hu']]) {
        assert.equal(all(page, 'html')[0].attributes.lang, lang);
        assert.ok(all(page, 'a').some((e) => e.attributes.href === `${name}.${other}.html` && e.attributes.hreflang === other), `${name}.${lang} leads to ${other}`);
      }
      for (const kind of ['h2', 'h3', 'img', 'ol', 'table', 'tr', 'pre', 'strong'])
        assert.equal(all(hu, kind).length, all(en, kind).length, `${name}: <${kind}> in Hungarian and in English`);
    }
  });

  test('equal sources give equal bytes, whatever clock and language, and name no place of the machine', () => {
    const again = join(work, 'again');
    assert.equal(build(again, { LANG: 'hu_HU.UTF-8', TZ: 'Pacific/Auckland', SOURCE_DATE_EPOCH: '1' }).status, 0);
    assert.deepEqual(files(again), files(site));
    for (const file of files(site)) assert.ok(readFileSync(join(site, file)).equals(readFileSync(join(again, file))), file);
    each((file, page) => assert.ok(!page.html.includes(root) && !page.html.includes(work), file));
  });
});
