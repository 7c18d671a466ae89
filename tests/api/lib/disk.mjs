// SPDX-License-Identifier: Apache-2.0
// A registry on a disk that hangs or fails when the test says so (disk.c, preloaded).
import { execFileSync } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from './registry.mjs';

export class Disk {
  async start() {
    this.registry = new Registry();
    const shim = join(this.registry.work, 'disk.so');
    execFileSync(process.env.CC ?? 'cc', ['-shared', '-fPIC', '-O1', '-o', shim, join(import.meta.dirname, 'disk.c'), '-ldl']);
    this.control = openSync(this.registry.file('disk', 'n'), 'r+');
    this.environment = { LD_PRELOAD: shim, DISK_CONTROL: join(this.registry.work, 'disk') };
    await this.registry.start(this.environment);
    return this;
  }

  #say(word) { writeSync(this.control, word, 0); }

  hang() { this.#say('h'); }

  fail() { this.#say('f'); }

  work() { this.#say('n'); }
}
