// SPDX-License-Identifier: Apache-2.0
// A command on a terminal of its own, and what stands on its screen.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { comes } from './patience.mjs';
import { sleep } from './registry.mjs';

const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

/** Run ${words}; afterwards the screen says "status=N" and whether the terminal is "same" as before or "changed".  ${file}: its screen. */
export function onTerminal(words, file) {
  const command = words.map((w) => `'${w.replaceAll("'", "'\\''")}'`).join(' ');
  const keys = `${file}.keys`;
  const child = spawn('script', ['-qef', '-I', keys, '-O', file, '-c', `trap : INT; before=$(stty -g); ${command}; echo "status=$?"; [ "$before" = "$(stty -g)" ] && echo same || echo changed`],
    { stdio: ['pipe', 'ignore', 'inherit'], env: { ...process.env, LC_ALL: 'C' } });
  running.add(child);
  child.on('exit', () => running.delete(child));
  const textOf = (name) => { try { return readFileSync(name, 'utf8'); } catch { return ''; } };
  const screen = () => textOf(file);
  const until = async (pattern, ms = 180_000) => {
    for (const end = Date.now() + ms; !pattern.test(screen()); await sleep(50)) {
      if (Date.now() > end) child.kill('SIGKILL');
      assert.ok(Date.now() <= end, `never shown: ${pattern}\n${screen().slice(-3000)}`);
    }
  };
  const type = (text) => child.stdin.write(text);
  /** Type, and wait until it is the terminal's. */
  const typed = (text) => {
    type(text);
    return comes(() => textOf(keys).includes(text), 'the terminal does not get what is typed');
  };
  return { screen, until, type, typed };
}
