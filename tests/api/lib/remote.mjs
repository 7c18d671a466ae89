// SPDX-License-Identifier: Apache-2.0
// The program's remote commands, run as a person of the sample on her device.
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { root } from './registry.mjs';

const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

/** Run ${file}; gives { code, out, err }.  ${input} goes to standard input.  It is ended, with all it started, once it has said ${until}. */
export function runProgram(file, args, { input = '', env = {}, cwd, timeout = 60000, until } = {}) {
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, detached: Boolean(until) });
  running.add(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
  let out = '', err = '';
  child.stdout.on('data', (d) => {
    out += d;
    if (!until?.test(out)) return;
    until = null;
    try { process.kill(-child.pid); } catch (e) { if (e.code !== 'ESRCH') throw e; } // it may just have ended by itself
  });
  child.stderr.on('data', (d) => { err += d; });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      done({ code, signal, out, err });
    });
  });
}

let profiles = 0;
export class Remote {
  /** The person of ${role} on her device, calling ${port} of this machine. */
  constructor(registry, role, { port = registry.port, more = {} } = {}) {
    this.registry = registry;
    const { user, passphrase } = registry.credentials(role);
    const secret = join(registry.work, `${role}.passphrase`);
    writeFileSync(secret, `${passphrase}\n`);
    chmodSync(secret, 0o600);
    const values = { server: `https://localhost:${port}`, ca: join(registry.certs, 'ca.crt'),
      certificate: `${registry.device(role)}.crt`, key: `${registry.device(role)}.key`, user, 'passphrase-file': secret, ...more };
    this.profile = join(registry.work, `${role}-${profiles += 1}.profile`);
    writeFileSync(this.profile, Object.entries(values).filter(([, v]) => v !== null).map(([k, v]) => `${k} = ${v}\n`).join(''));
  }

  async run(...args) {
    const ended = await runProgram(program, [...args, '--profile', this.profile]);
    if (ended.code === 0 && this.registry.hasPeers) await this.registry.known(0); // who looks next may do so at another node
    return ended;
  }

  /** Lines of a command that goes on: { lines, has(pattern, ms), end() }. */
  start(...args) {
    const child = spawn(program, [...args, '--profile', this.profile]);
    running.add(child);
    const lines = [];
    const waiting = new Set();
    let rest = '', err = '';
    child.stdout.on('data', (d) => {
      const parts = (rest + d).split('\n');
      rest = parts.pop();
      lines.push(...parts);
      for (const look of waiting) look();
    });
    child.stderr.on('data', (d) => { err += d; for (const look of waiting) look(); });
    const ended = new Promise((done) => child.on('close', (code) => { running.delete(child); done({ code, err }); }));
    const until = (found, ms) => new Promise((done) => {
      const timer = setTimeout(() => { waiting.delete(look); done(undefined); }, ms);
      const look = () => {
        const value = found();
        if (value === undefined) return;
        clearTimeout(timer);
        waiting.delete(look);
        done(value);
      };
      waiting.add(look);
      look();
    });
    return {
      lines, ended,
      has: (pattern, ms = 20000) => until(() => lines.find((l) => pattern.test(l)), ms),
      says: (pattern, ms = 20000) => until(() => (pattern.test(err) ? err : undefined), ms),
      end: () => { child.kill('SIGTERM'); return ended; },
      kill: () => { child.kill('SIGKILL'); return ended; },
    };
  }
}
