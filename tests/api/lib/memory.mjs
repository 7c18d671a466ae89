// SPDX-License-Identifier: Apache-2.0
// What stands in the memory of a running process, read as a thief with root would: /proc/PID/maps and /proc/PID/mem.
import { closeSync, openSync, readFileSync, readSync, readdirSync, statSync } from 'node:fs';

const CHUNK = 4 << 20;
const OVERLAP = 4096; // longer than any text that is looked for

/** May this user read other processes' memory? */
export const canRead = process.getuid() === 0;

const parse = (line) => {
  const found = line.match(/^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/);
  return { from: parseInt(found[1], 16), to: parseInt(found[2], 16), rights: found[3], name: found[4] };
};

// a mapping longer than its file ends in nothing: the store's is 64 GiB of addresses
const lengthOf = (m) => {
  const whole = m.to - m.from;
  if (!m.name.startsWith('/') || !m.name.endsWith('.mdb')) return whole;
  return Math.min(whole, statSync(m.name).size);
};

/** The readable mappings of ${pid}: { from, length, name }. */
export function mappings(pid) {
  return readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n').map(parse)
    .filter((m) => m.rights[0] === 'r' && !/^\[v(var|vdso|syscall)/.test(m.name))
    .map((m) => ({ from: m.from, length: lengthOf(m), name: m.name || 'anonymous' }));
}

/** The processes of a service: itself and its children. */
export function family(pid) {
  const children = readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
  return [pid, ...children];
}

/** Where ${texts} (or buffers) stand in the memory of ${pid}: [{ text, at, name, around }], and how many bytes were looked at. */
export function searchMemory(pid, texts) {
  const mem = openSync(`/proc/${pid}/mem`, 'r');
  const needles = texts.map((t) => Buffer.from(t));
  const buffer = Buffer.alloc(CHUNK + OVERLAP);
  const hits = [];
  let bytes = 0;
  for (const m of mappings(pid)) {
    for (let at = 0; at < m.length; at += CHUNK) {
      let got = 0;
      try { got = readSync(mem, buffer, 0, Math.min(CHUNK + OVERLAP, m.length - at), m.from + at); } catch { continue; }
      bytes += got;
      const view = buffer.subarray(0, got);
      needles.forEach((needle, i) => {
        for (let p = view.indexOf(needle); p >= 0; p = view.indexOf(needle, p + 1)) {
          if (p >= CHUNK) break; // the next chunk's
          hits.push({ text: texts[i], at: (m.from + at + p).toString(16), name: m.name,
            around: view.subarray(Math.max(0, p - 120), p + needle.length + 60).toString('latin1').replace(/[^ -~]/g, '.') });
        }
      });
    }
  }
  closeSync(mem);
  return { hits, bytes };
}
