// SPDX-License-Identifier: Apache-2.0
// The line between one node and the database, which a test cuts: not a word goes through, and nobody is told.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';

const SOCKET = '.s.PGSQL.5432';

export class Line {
  #pairs = new Set();
  #isCut = false;

  /** Between ${node}, which has not been started, and its database. */
  static async of(node) {
    const line = new Line();
    const file = join(node.dir, 'store/postgresql'), text = readFileSync(file, 'utf8');
    const dir = join(node.work, 'line'), [, real] = text.match(/host=(\S+)/);
    mkdirSync(dir);
    writeFileSync(file, text.replace(real, dir));
    line.server = net.createServer({ allowHalfOpen: true }, (near) => line.#join(near, join(real, SOCKET)));
    await new Promise((done) => line.server.listen(join(dir, SOCKET), done));
    return line;
  }

  #join(near, where) {
    const far = net.connect({ path: where, allowHalfOpen: true });
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('data', (d) => to.write(d));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      if (this.#isCut) from.pause();
    }
    this.#pairs.add([near, far]);
  }

  cut() {
    this.#isCut = true;
    for (const socket of [...this.#pairs].flat()) socket.pause();
  }

  mend() {
    this.#isCut = false;
    for (const socket of [...this.#pairs].flat()) socket.resume();
  }

  close() {
    for (const socket of [...this.#pairs].flat()) socket.destroy();
    this.server.close();
  }
}
