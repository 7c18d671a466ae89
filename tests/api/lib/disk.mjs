// SPDX-License-Identifier: Apache-2.0
// A registry on a disk that hangs or fails when the test says so (disk.c, preloaded).
import { execFileSync } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from './registry.mjs';

export class Disk {
  /** Of a program that is yet to be started on ${registry}, with this.environment; ${file}: see hangAt. */
  under(registry, file = '') {
    this.registry = registry;
    const shim = join(this.registry.work, 'disk.so');
    execFileSync(process.env.CC ?? 'cc', ['-shared', '-fPIC', '-O1', '-o', shim, join(import.meta.dirname, 'disk.c'), '-ldl']);
    this.control = openSync(this.registry.file('disk', 'n'), 'r+');
    this.environment = { LD_PRELOAD: shim, DISK_CONTROL: join(this.registry.work, 'disk'), DISK_FILE: file };
    return this;
  }

  async start() {
    this.under(new Registry());
    await this.registry.start(this.environment);
    return this;
  }

  #say(word) { writeSync(this.control, word, 0); }

  hang() { this.#say('h'); }

  /** Where that file is synced, and nowhere else. */
  hangAt() { this.#say('s'); }

  fail() { this.#say('f'); }

  work() { this.#say('n'); }
}
