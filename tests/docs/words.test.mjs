// SPDX-License-Identifier: Apache-2.0
// What the texts name exists: every command with its options, every goal of make, every file, every operation of the
// API, and in the guides every word of the screen, as the console says it today.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { codeOf, read, root, texts } from './lib/sources.mjs';

const program = resolve(process.env.MENEDEK ?? join(root, 'build/release/menedek'));
const help = (...words) => spawnSync(program, ['help', ...words], { encoding: 'utf8' });

/** The command table, as help tells it: "device add" -> its options. */
function commands() {
  const table = new Map();
  for (const [, one, two] of help().stdout.matchAll(/^ {2}([a-z-]+) +([a-z-]+)?/gm)) {
    const both = two && help(one, two);
    const name = both?.status === 0 && both.stdout.startsWith(`menedek ${one} ${two}:`) ? `${one} ${two}` : one;
    table.set(name, new Set([...help(...name.split(' ')).stdout.matchAll(/^ {2}(--[a-z0-9-]+)/gm)].map((m) => m[1])));
  }
  return table;
}

/** Each use of the program in a line of code: its words up to the end of that command. */
function* uses(code) {
  const line = code.replace(/\s#.*$/, '');
  for (const part of line.split(/&&|\|\||[|;><]|\$\(/))
    for (const [, words] of part.matchAll(/^\s*(?:[A-Z_]+=\S* +)*menedek +([a-z].*)$/g)) yield words.split(/\s+/).filter(Boolean);
}

test('every command stands in the command table with these options', () => {
  const table = commands();
  assert.ok(table.size > 30, 'the table was read');
  const wrong = [];
  let seen = 0;
  for (const path of texts) for (const { line, code } of codeOf(path)) for (const words of uses(code)) {
    const name = [words.slice(0, 2).join(' '), words[0]].find((n) => table.has(n));
    seen++;
    if (!name && words.length === 1 && [...table.keys()].some((n) => n.startsWith(`${words[0]} `))) continue; // "menedek avail": all of them
    if (!name) wrong.push(`${path}:${line}: there is no "menedek ${words.join(' ')}"`);
    else for (const option of words.filter((w) => /^--[a-z]/.test(w)).map((w) => w.split('=')[0]))
      if (!table.get(name).has(option) && option !== '--help') wrong.push(`${path}:${line}: menedek ${name} has no ${option}`);
  }
  assert.deepEqual(wrong, []);
  assert.ok(seen > 100, `${seen} commands were found`);
});

test('every goal of make is one', () => {
  const makefiles = ['Makefile', ...readdirSync(join(root, 'tools')).filter((f) => f.endsWith('.mk')).map((f) => `tools/${f}`), 'bench/bench.mk'];
  const goals = new Set(makefiles.flatMap((f) => [...read(f).matchAll(/^([a-z][a-z-]*):/gm)].map((m) => m[1])));
  const wrong = [];
  for (const path of texts) for (const { line, code } of codeOf(path)) for (const [, goal] of code.matchAll(/^\s*make (?:[A-Z]+=\S+ )*([a-z][a-z-]*)/g))
    if (!goals.has(goal)) wrong.push(`${path}:${line}: make ${goal}`);
  assert.deepEqual(wrong, []);
});

test('every file that is named is there', () => {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  // a directory too, and a module of src by its path below src, with or without its suffix
  const known = new Set(files.flatMap((f) => f.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/')))
    .flatMap((p) => [p, p.replace(/^src\//, '')]).flatMap((p) => [p, p.replace(/\.[a-z]+$/, '')]));
  const names = new Set(files.map((f) => f.split('/').at(-1)));
  const made = /^certs\/dev\b|\/[A-Z]+$/; // by `make run`; or a word that stands for any file
  const isThere = (path) => (!path.includes('*') ? known.has(path)
    : [...known].some((p) => new RegExp(`^${path.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`).test(p)));
  const wrong = [];
  let seen = 0;
  for (const text of texts) for (const { line, code } of codeOf(text)) {
    for (const [path] of code.matchAll(/(?<![\w./~${}:*<@-])[\w.-]+(?:\/[\w.*-]+)+/g)) {
      if (!known.has(path.split('/')[0]) || made.test(path)) continue;
      seen++;
      if (!isThere(path.replace(/\.$/, ''))) wrong.push(`${text}:${line}: ${path}`);
    }
    if (/^[\w.-]+\.(?:[ch]|def|mjs|tsx?|awk|mk)$/.test(code) && !names.has(code)) wrong.push(`${text}:${line}: ${code}`);
  }
  assert.deepEqual(wrong, []);
  assert.ok(seen > 150, `${seen} paths were found`);
});

test('every operation of the API stands in openapi.yaml', () => {
  const operations = new Map();
  let at;
  for (const line of read('openapi.yaml').split('\n')) {
    const path = /^ {2}(\/\S*):$/.exec(line);
    const verb = /^ {4}(get|put|post|patch|delete):$/.exec(line);
    if (path) operations.set(at = path[1].replace(/\{\w+\}/g, '{}'), new Set());
    else if (verb) operations.get(at)?.add(verb[1].toUpperCase());
  }
  assert.ok(operations.size > 60);
  const wrong = [];
  for (const path of texts) for (const { line, code } of codeOf(path)) for (const [, verb, called] of code.matchAll(/(?:\b(GET|PUT|POST|PATCH|DELETE) )?(?<![\w}])(\/v1\/[\w{}/-]+)/g)) {
    const verbs = operations.get(called.replace(/\{\w+\}/g, '{}').replace(/\/$/, ''));
    if (!verbs || (verb && !verbs.has(verb))) wrong.push(`${path}:${line}: ${verb ?? ''} ${called}`);
  }
  assert.deepEqual(wrong, []);
});

test('in the guides what is bold stands on the screen, in that language', () => {
  const codes = [...read('src/domain/codes.h').matchAll(/X\(\w+, "[^"]*",\s*"([^"]*)",\s*(?:\\\s*)?"([^"]*)"\)/g)];
  assert.ok(codes.length > 100);
  for (const [i, lang] of ['hu', 'en'].entries()) {
    // "Open reservations: {n}" is said as "Open reservations"
    const switches = [...read('web/src/ui/shell.tsx').matchAll(/\? '(English)' : '(Magyar)'/g)].flatMap((m) => m.slice(1));
    const said = new Set([...switches, ...Object.values(JSON.parse(read(`web/src/i18n/${lang}.json`))), ...codes.map((c) => c[i + 1])]
      .flatMap((t) => [t, t.replace(/[:,]?\s*\{\w+\}.*$/s, ''), t.replace(/:$/, '')]));
    for (const path of texts.filter((p) => /^docs\/(guide|privacy)\//.test(p) && p.endsWith(`.${lang}.md`)))
      for (const [, bold] of read(path).matchAll(/\*\*(.+?)\*\*/g)) assert.ok(said.has(bold), `${path}: "${bold}" is not on the screen`);
  }
});

test('the telephone number of the helpline is the same everywhere', () => {
  // on a screen its spaces do not break
  const numbers = (path) => [...read(path).matchAll(/06\s80(?:\s\d\d){3}/g)].map(([said]) => said.replace(/\s/g, ' '));
  const [number] = numbers('web/src/i18n/hu.json');
  assert.ok(number);
  for (const path of [...texts, 'web/src/i18n/en.json']) for (const said of numbers(path)) assert.equal(said, number, path);
});

test('no text names a machine, a way of ours or what is not done yet', () => {
  for (const path of texts) assert.doesNotMatch(read(path), /\/(work|tmp\/h)-?\w*\/|\bTODO\b|\bTBD\b|lorem ipsum/i, path);
});

test('the pictures of the guides are those that make pictures takes', () => {
  const taken = new Set([...read('tests/console/lib/pictures.mjs').matchAll(/^ {2}'([\w-]+)': \d+/gm)].map((m) => `${m[1]}.jpg`));
  const kept = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'docs/pictures'], { cwd: root, encoding: 'utf8' }).trim().split('\n').map((p) => p.split('/').at(-1));
  assert.deepEqual([...kept].sort(), [...taken].sort());
  const shown = texts.map(read).join('\n');
  for (const picture of kept) assert.ok(shown.includes(`pictures/${picture}`), `${picture} is shown nowhere`);
});
