// SPDX-License-Identifier: Apache-2.0
// One page, one script, one style sheet, no inline anything: the content-security policy allows nothing else.  The
// compressed forms are made here, so that the service only picks one.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const text = /\.(html|js|css|svg|json|webmanifest)$/;

/** Write FILE.br and FILE.gz beside each file that shrinks by it. */
function compress(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) compress(path);
    else if (text.test(entry.name)) {
      const plain = readFileSync(path);
      const forms = {
        br: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } }),
        gz: gzipSync(plain, { level: 9 }),
      };
      for (const [suffix, packed] of Object.entries(forms)) if (packed.length < plain.length) writeFileSync(`${path}.${suffix}`, packed);
    }
  }
}

let out;

export default defineConfig({
  base: '/',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  plugins: [{
    name: 'compress',
    configResolved: (config) => { out = resolve(config.root, config.build.outDir); },
    closeBundle: () => compress(out),
  }],
});
