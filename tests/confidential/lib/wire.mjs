// SPDX-License-Identifier: Apache-2.0
// An attacker's client: one connection with a device's certificate and a person's token, kept alive, with as little
// between the socket and the clock as Node allows.  Answers are { status, head, text, us } (us: microseconds to the
// first byte).
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

export class Wire {
  #socket;
  #rest = Buffer.alloc(0);
  #waiting = null;

  static async open(client) {
    const wire = new Wire();
    wire.#socket = tls.connect({ host: '127.0.0.1', port: client.registry.port, servername: 'localhost',
      ca: client.registry.ca, cert: readFileSync(`${client.device}.crt`), key: readFileSync(`${client.device}.key`) });
    wire.#socket.setNoDelay(true);
    wire.#socket.on('data', (d) => wire.#take(d));
    const fail = (e) => wire.#waiting?.fail(e ?? new Error('the server closed the connection'));
    wire.#socket.on('error', fail);
    wire.#socket.on('close', () => fail());
    await new Promise((done, failed) => { wire.#socket.once('secureConnect', done); wire.#socket.once('error', failed); });
    wire.token = client.token;
    return wire;
  }

  ask(method, path, { body, headers = {} } = {}) {
    const text = body === undefined ? '' : JSON.stringify(body);
    const lines = { Host: 'localhost', Authorization: `Bearer ${this.token}`, ...headers,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(method === 'GET' ? {} : { 'Content-Length': Buffer.byteLength(text) }) };
    const head = `${method} ${path} HTTP/1.1\r\n${Object.entries(lines).map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`;
    return new Promise((done, fail) => {
      if (this.#socket.destroyed) throw new Error('the server closed the connection');
      this.#waiting = { done, fail, first: 0 };
      this.#waiting.sent = process.hrtime.bigint();
      this.#socket.write(head + text);
    });
  }

  #take(data) {
    const w = this.#waiting;
    if (!w) return;
    if (w.first === 0) w.first = process.hrtime.bigint();
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, data]) : data;
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#rest.subarray(0, end).toString();
    const length = Number(head.match(/\r\ncontent-length: (\d+)/i)?.[1] ?? 0);
    if (this.#rest.length < end + 4 + length) return;
    const text = this.#rest.subarray(end + 4, end + 4 + length).toString();
    this.#rest = Buffer.alloc(0);
    this.#waiting = null;
    w.done({ status: Number(head.slice(9, 12)), head, text, us: Number(w.first - w.sent) / 1000 });
  }

  close() { this.#socket.destroy(); }
}
