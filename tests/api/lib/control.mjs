// SPDX-License-Identifier: Apache-2.0
// The service's control socket, spoken to as the program does: one line there, JSON lines back.
import net from 'node:net';
import { join } from 'node:path';
import { PATIENCE } from './patience.mjs';
import { sleep } from './registry.mjs';

/** All lines of the answer to ${line}; ${each} hears them as they come.  What broke off ends without a last step. */
export function control(registry, line, each = () => {}) {
  return new Promise((done, fail) => {
    const lines = [];
    let rest = '';
    const socket = net.connect(join(registry.dir, 'control.sock'), () => socket.write(`${line}\n`));
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop();
      for (const part of parts) {
        const said = JSON.parse(part);
        lines.push(said);
        each(said);
      }
    });
    socket.on('error', (e) => (lines.length ? done(lines) : fail(e)));
    socket.on('close', () => done(lines));
  });
}

/** The last line of the answer. */
export async function report(registry, line) { return (await control(registry, line)).at(-1); }

/** As report, after what the service may be doing by itself. */
export async function finished(registry, line) {
  for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(100)) {
    const said = await report(registry, line);
    if (said.code !== 'busy') return said;
  }
  throw new Error(`${line}: the service is busy without an end`);
}

/** Until ${done} holds for the service's state; returns that. */
export async function settled(registry, done, within = 30000) {
  const end = performance.now() + within;
  for (;;) {
    const state = await report(registry, 'status');
    if (done(state)) return state;
    if (performance.now() > end) throw new Error(`not in ${within} ms: ${JSON.stringify(state)}`);
    await sleep(100);
  }
}
