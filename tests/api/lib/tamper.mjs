// SPDX-License-Identifier: Apache-2.0
// What somebody does to the store's file who may write it and knows how it is made: a byte of a value is turned over, and the
// sum that finds accidents (src/store/lmdb_pages.h) is mended after it.  Only what is sealed or signed can still tell.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const number = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b; };

/** Keys as the store has them (src/model/kinds.def, src/store/key.h); checkpoint 0 is the latest. */
export const checkpointKey = (n) => Buffer.concat([Buffer.from('k'), number(n)]);
export const entryKey = (n) => Buffer.concat([Buffer.from('A\0'), number(n)]);
const sumKey = Buffer.from([0x48, 0xff]);

const u64 = (n) => BigInt.asUintN(64, n);

/** What a pair adds to the sum, as src/store/lmdb_pages.c has it. */
function sumOf(key, data) {
  let h = BigInt(key.length);
  for (const part of [key, data]) {
    let at = 0;
    for (; part.length - at >= 8; at += 8) {
      h = u64((h ^ part.readBigUInt64LE(at)) * 0x9e3779b97f4a7c15n);
      h ^= h >> 32n;
    }
    const rest = Buffer.alloc(8);
    part.copy(rest, 0, at);
    h = u64((h ^ rest.readBigUInt64LE(0) ^ u64(BigInt(part.length) << 48n)) * 0xc2b2ae3d27d4eb4fn);
    h ^= h >> 29n;
  }
  return h;
}

const PAGE = 4096, HEAD = 16, IS_LEAF = 2;

/**
 * Every copy of the value of ${key} that a leaf of LMDB points at, also of leaves that are free again: views of the file,
 * revision first.  What lies between a leaf's nodes are rests of others that were there: half of one may be another's now.
 */
function copies(file, key) {
  const found = [];
  for (let page = 0; page + PAGE <= file.length; page += PAGE) {
    const nodes = file.readUInt16LE(page + 10) === IS_LEAF ? (file.readUInt16LE(page + 12) - HEAD) / 2 : 0;
    for (let i = 0; i < nodes && HEAD + 2 * i + 2 <= PAGE; i++) {
      const at = page + file.readUInt16LE(page + HEAD + 2 * i), start = at + 8 + key.length;
      if (start > page + PAGE || file.readUInt16LE(at + 4) !== 0 || file.readUInt16LE(at + 6) !== key.length || !file.subarray(at + 8, start).equals(key)) continue;
      const size = file.readUInt16LE(at) + 65536 * file.readUInt16LE(at + 2);
      if (size >= 8 && start + size <= page + PAGE) found.push(file.subarray(start, start + size));
    }
  }
  assert.ok(found.length > 0, 'the value was not found in the file');
  return found;
}

const newest = (list) => list.reduce((a, b) => (b.readBigUInt64BE(0) > a.readBigUInt64BE(0) ? b : a));

/** The registry must not be served. */
export function tamper(registry, key) {
  const path = join(registry.dir, 'store/data.mdb');
  const file = readFileSync(path);
  const all = copies(file, key);
  const live = newest(all), before = sumOf(key, live);
  for (const copy of all) copy[copy.length - 1] ^= 0xff;
  const change = sumOf(key, live) - before;
  for (const sum of copies(file, sumKey)) if (sum.length === 24) sum.writeBigUInt64BE(u64(sum.readBigUInt64BE(16) + change), 16);
  writeFileSync(path, file);
}

/** An accident that the sum finds: the store is as sound as it was, its newest value of ${key} is another. */
export function alter(registry, key) {
  const path = join(registry.dir, 'store/data.mdb');
  const file = readFileSync(path);
  for (const copy of copies(file, key)) copy[copy.length - 1] ^= 0xff;
  writeFileSync(path, file);
}

/** The newest value of ${key}, revision first. */
export const valueOf = (registry, key) => newest(copies(readFileSync(join(registry.dir, 'store/data.mdb')), key)).toString('hex');
