// SPDX-License-Identifier: Apache-2.0
// A file system of its own in a file, on a loop device: it can be shut down under the service (a power cut), filled, or made
// read-only.  Needs root and loop devices.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';

const run = (...command) => execFileSync(command[0], command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const MAKE = { ext4: ['mkfs.ext4', '-q', '-F', '-m', '0'], xfs: ['mkfs.xfs', '-q', '-f'] };
const SLACK = 8 << 20; // a disk that is filled is left so much for its own lists at first
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
process.env.PATH = PATH;

export class LoopDisk {
  /** A mounted disk of ${kind} with ${mib} MiB, for ${registry}, whose data move there. */
  constructor(registry, kind, mib = 320) {
    Object.assign(this, { registry, kind });
    this.image = join(registry.work, 'disk.img');
    this.mount = join(registry.work, 'disk');
    writeFileSync(this.image, '');
    truncateSync(this.image, mib << 20);
    mkdirSync(this.mount);
    run(...MAKE[kind], this.image);
    this.attach();
    run('cp', '-a', '--sparse=always', registry.dir, join(this.mount, 'data')); // what the store has not written yet takes no room
    run('sync', '-f', this.mount); // the copy is not what is tested
    rmSync(registry.dir, { recursive: true });
    registry.dir = join(this.mount, 'data');
  }

  attach() { run('mount', '-o', 'loop', this.image, this.mount); }

  /** A mount namespace that some other process made meanwhile keeps the file system that was shut down alive, and mounting
   * gives that one again: every read fails until that process has ended. */
  #isAlive() {
    try { writeFileSync(join(this.mount, '.alive'), 'x'); } catch (e) {
      if (e.code !== 'EIO') throw e;
      return false;
    }
    rmSync(join(this.mount, '.alive'));
    return true;
  }

  /** What was not on the disk at this moment never will be (FS_IOC_SHUTDOWN without flushing the log). */
  cutPower() { run('xfs_io', '-x', '-c', 'shutdown', this.mount); }

  /** After the cut: the service must have ended.  Unmounting writes nothing more. */
  restorePower() {
    for (let left = 300; ; left--) {
      this.unmount();
      this.attach();
      if (this.#isAlive()) return;
      if (left === 0) throw new Error('the disk stays shut down, another mount namespace holds it: no verdict');
      run('sleep', '0.2');
    }
  }

  /** The service's vault ends a moment after it. */
  unmount() {
    for (let left = 300; ; left--) {
      try { return run('umount', this.mount); } catch (e) { if (left === 0 || !/busy/.test(e.message)) throw e; }
      run('sleep', '0.1');
    }
  }

  /** ext4 meets an error of its own and makes itself read-only, as it does on a failing block device. */
  turnReadOnly() {
    const device = run('findmnt', '-no', 'SOURCE', this.mount).trim();
    run('mount', '-o', 'remount,errors=remount-ro', this.mount);
    writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, 'torture');
    try { writeFileSync(join(this.mount, 'probe'), 'x'); } catch { return; }
    throw new Error('the disk did not turn read-only: no verdict');
  }

  /** After turnReadOnly, with the service ended: what an operator does. */
  repair() {
    this.unmount();
    try { run('e2fsck', '-fy', this.image); } catch (e) { if (e.status > 1) throw e; } // 1: mended
    this.attach();
  }

  /** Not one block is left. */
  fill() {
    const { bavail, bsize } = statfsSync(this.mount), most = bavail * bsize - SLACK;
    const tolerant = (...command) => { try { run(...command); } catch (e) { if (!/No space/.test(e.message)) throw e; } };
    if (most > 0) tolerant('fallocate', '-l', `${most}`, join(this.mount, 'filler')); // without writing it
    const fd = openSync(join(this.mount, 'filler'), 'a');
    const more = () => {
      let bytes = 0;
      for (const size of [1 << 20, 4096, 512])
        try { for (;;) bytes += writeSync(fd, Buffer.alloc(size, 1)); } catch (e) { if (e.code !== 'ENOSPC') throw e; }
      return bytes;
    };
    // what was reserved for writing back and not needed is free again afterwards
    for (let again = 10; more() > 0 && again > 0; again--) tolerant('sync', '-f', this.mount);
    closeSync(fd);
  }

  empty() { rmSync(join(this.mount, 'filler')); }

  /** End of all: the service, the mount, the files. */
  async discard() {
    await this.registry.kill9().catch(() => {});
    this.detach();
    rmSync(this.registry.work, { recursive: true, force: true });
  }

  detach() { try { run('umount', this.mount); } catch { run('umount', '-l', this.mount); } }
}

/** Why no such disk can be had here, or false. */
export function noDisk() {
  if (process.getuid() !== 0) return 'SKIPPED: a file system can be shut down by root only; run it as root';
  try {
    run('xfs_io', '-V');
    run('mkfs.xfs', '-V');
    run('losetup', '-f');
  } catch (e) { return `SKIPPED: no loop device, xfsprogs or e2fsprogs here: ${e.message.split('\n')[0]}`; }
  return false;
}
