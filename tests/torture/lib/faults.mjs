// SPDX-License-Identifier: Apache-2.0
// A disk and a memory that fail at the Nth request, on the test's word (faults.c, preloaded into the service).
import { execFileSync } from 'node:child_process';
import { openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const WORDS = ['disk_action', 'disk_at', 'disk_count', 'disk_hits', 'disk_goes_on',
  'memory_is_armed', 'memory_at', 'memory_count', 'memory_hits', 'memory_goes_on'];
export const ACTIONS = { nothing: 0, kill: 1, EIO: 2, ENOSPC: 3, short: 4, lose: 5 };

export class Faults {
  constructor(registry) {
    const shim = join(registry.work, 'faults.so');
    execFileSync(process.env.CC ?? 'cc', ['-shared', '-fPIC', '-O1', '-o', shim, join(import.meta.dirname, 'faults.c'), '-ldl']);
    const path = registry.file('faults', Buffer.alloc(WORDS.length * 4));
    this.control = openSync(path, 'r+');
    this.environment = { LD_PRELOAD: shim, FAULTS_CONTROL: path };
  }

  #set(words) {
    for (const [name, value] of Object.entries(words)) {
      const b = Buffer.alloc(4);
      b.writeUInt32LE(value);
      writeSync(this.control, b, 0, 4, WORDS.indexOf(name) * 4);
    }
  }

  /** { disk_count, disk_hits, ... } as they are now. */
  read() {
    const b = Buffer.alloc(WORDS.length * 4);
    readSync(this.control, b, 0, b.length, 0);
    return Object.fromEntries(WORDS.map((name, i) => [name, b.readUInt32LE(i * 4)]));
  }

  /** The ${at}th request of the disk from now on gets ${action}; all later ones too with ${goesOn}.  at 0: only count. */
  disk(action, at, goesOn = false) {
    this.#set({ disk_action: 0, disk_at: at, disk_count: 0, disk_hits: 0, disk_goes_on: goesOn ? 1 : 0 });
    this.#set({ disk_action: ACTIONS[action] });
  }

  /** As disk, of memory.  goesOn 2: it dies of it, as a library does that does not look. */
  memory(at, goesOn = false) {
    this.#set({ memory_is_armed: 0, memory_at: at, memory_count: 0, memory_hits: 0, memory_goes_on: Number(goesOn) });
    this.#set({ memory_is_armed: 1 });
  }

  /** All works again; the counters stay to be read. */
  mend() { this.#set({ disk_action: 0, memory_is_armed: 0 }); }
}
