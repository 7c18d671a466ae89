// SPDX-License-Identifier: Apache-2.0
// A server whose clock jumps on our word (libfaketime).  Only its wall clock: timers run as ever, and so does the
// clock of the test.  People have to sign in again after a jump, as they would.
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Registry, SEVERAL } from './registry.mjs';

export const MINUTE = 60;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
const TOKEN_LIFE = 15 * MINUTE;

/** Why no library can be put before the program here (a clock that jumps, a disk that hangs), or false. */
export const noClock = ['asan', 'tsan'].includes(process.env.VARIANT)
  ? 'a sanitizer must be the first library of its process, and so must libfaketime'
  : SEVERAL && 'one of several nodes alone: the others would not believe its clock, nor wait for its disk';

/** A test of node:test that needs such a clock. */
export const clockTest = (name, ...rest) => (noClock ? test(name, { skip: noClock }, rest.at(-1)) : test(name, ...rest));

function libfaketime() {
  const name = 'faketime/libfaketimeMT.so.1';
  const places = ['/usr/lib', '/usr/lib64', '/usr/local/lib', ...readdirSync('/usr/lib').map((d) => join('/usr/lib', d))];
  const found = places.map((d) => join(d, name)).find((f) => existsSync(f));
  if (!found) throw new Error('libfaketime is not installed: tests of time need it (Debian package faketime; tools/deps.sh test)');
  return found;
}

/**
 * Environment of a program whose clock is ${shift} ("+3h") away.  Not through the program `faketime`: it refuses to run when
 * one of its own process id was killed before and left its names in /dev/shm, as each server that a test kills does.
 */
export const shifted = (shift) => ({ LD_PRELOAD: libfaketime(), FAKETIME: shift });

export class Clockwork {
  #offset = 0;

  /** ${more} are further options; ${prepare} gets the registry before it is served. */
  async start(more = [], prepare = () => {}, registry = new Registry()) {
    const preload = libfaketime();
    this.registry = registry;
    this.file = join(this.registry.dir, 'store/clock'); // where a confined process may read it
    this.#set(0);
    this.environment = { LD_PRELOAD: preload, FAKETIME_TIMESTAMP_FILE: this.file, FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1' };
    await prepare(this.registry);
    await this.registry.start(this.environment, more.map((m) => (typeof m === 'function' ? m(this.registry) : m)));
    return this;
  }

  // never half a file: the server reads it at any moment
  #set(seconds) {
    this.#offset = seconds;
    writeFileSync(`${this.file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${this.file}.new`, this.file);
  }

  /** Seconds since 1970 by the server's clock. */
  now() { return Date.now() / 1000 + this.#offset; }

  /** At once, and nothing else: tokens are as old as they are now. */
  jump(seconds) { this.#set(this.#offset + seconds); }

  /** Let ${seconds} pass as for ${people} at work, who keep their tokens alive. */
  async pass(seconds, ...people) {
    const most = TOKEN_LIFE - MINUTE;
    await Promise.all(people.map((p) => p.renew()));
    for (let left = seconds; left > 0; left -= most) {
      this.jump(Math.min(left, most));
      await Promise.all(people.map((p) => p.renew()));
    }
  }
}
