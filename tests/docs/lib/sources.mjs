// SPDX-License-Identifier: Apache-2.0
// The texts that people read, and the code that stands in them.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
export const read = (path) => readFileSync(join(root, path), 'utf8');

/** Every Markdown file of the handbook, committed or about to be. */
export const texts = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'README.md', 'docs/*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n');

/** What stands in code: each line of a listing, each span; with the line where it is. */
export function* codeOf(path) {
  let fence = false;
  for (const [i, line] of read(path).split('\n').entries()) {
    if (/^\s*```/.test(line)) fence = !fence;
    else if (fence) yield { line: i + 1, code: line };
    else for (const [, code] of line.matchAll(/`([^`]+)`/g)) yield { line: i + 1, code };
  }
}

/** The listings of ${path} that are marked to be run, in their order. */
export const runnable = (path) => [...read(path).matchAll(/^```sh run\n([\s\S]*?)^```$/gm)].map((m) => m[1]);

/** All listings of ${path}, marked or not. */
export const fenced = (path) => [...read(path).matchAll(/^```.*\n([\s\S]*?)^```$/gm)].map((m) => m[1]);
