// SPDX-License-Identifier: Apache-2.0
// A house's own server that takes events: mutual TLS under an authority of its own, and a check of each signature that
// follows RFC 9421 and 9530 from their text, with Node's crypto alone.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { comes } from './patience.mjs';
import { sleep } from './registry.mjs';

/** What "(...)" of a Signature-Input covers, and its parameters as they were sent. */
function inputOf(field) {
  const [, list, rest] = /^menedek=\(([^)]*)\)(.*)$/.exec(field);
  return { names: list.split(' ').map((n) => n.slice(1, -1)), params: `(${list})${rest}` };
}

/** Is ${request} signed by the owner of ${publicKey} over all that matters?  Gives why not, or null. */
export function flaw(request, publicKey) {
  const { names, params } = inputOf(request.headers['signature-input']);
  const derived = { '@method': request.method, '@authority': request.headers.host.toLowerCase(), '@path': new URL(request.url, 'https://x').pathname };
  for (const needed of ['@method', '@authority', '@path', 'content-digest', 'menedek-event-id'])
    if (!names.includes(needed)) return `${needed} is not covered`;
  const lines = names.map((n) => `"${n}": ${derived[n] ?? request.headers[n]}`);
  const base = [...lines, `"@signature-params": ${params}`].join('\n');
  const signature = Buffer.from(/^menedek=:(.*):$/.exec(request.headers.signature)[1], 'base64');
  if (!verify(null, Buffer.from(base), publicKey, signature)) return 'the signature is not good';
  const digest = createHash('sha256').update(request.body).digest('base64');
  if (request.headers['content-digest'] !== `sha-256=:${digest}:`) return 'the digest is not that of the body';
  if (Math.abs(Number(/;created=(\d+)/.exec(params)[1]) - request.at / 1000) > 60) return 'it is old';
  const { x } = publicKey.export({ format: 'jwk' });
  const thumb = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
  return new RegExp(`;keyid="${thumb}"`).test(params) ? null : 'another key';
}

/** Keys of the hooks' directory ${dir}: an authority, a server's and a client's certificate, the signing key. */
export function makeHooks(registry, dir) {
  const ssl = (...args) => registry.openssl(...args);
  const at = (name) => join(dir, name);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  ssl('req', '-x509', ...ec, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-subj', '/CN=House', '-days', '2');
  for (const [name, extension] of [['server', 'subjectAltName=DNS:localhost'], ['client', 'extendedKeyUsage=clientAuth']]) {
    ssl('req', ...ec, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`), '-subj', `/CN=${name}`);
    registry.file(`${name}.ext`, extension);
    ssl('x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-out', at(`${name}.crt`), '-days', '2',
      '-extfile', join(registry.work, `${name}.ext`));
  }
  ssl('genpkey', '-algorithm', 'ed25519', '-out', at('signing.key'));
  return createPublicKey(readFileSync(at('signing.key')));
}

export class Receiver {
  requests = [];
  /** What to answer: a status, or null for nothing at all. */
  answer = () => 204;

  constructor(dir) { this.dir = dir; this.sockets = new Set(); }

  async start(port = 0) {
    const read = (name) => readFileSync(join(this.dir, name));
    this.server = https.createServer({ cert: read('server.crt'), key: read('server.key'), ca: read('ca.crt'), requestCert: true,
      rejectUnauthorized: true }, async (req, res) => {
      const at = Date.now();
      const parts = await req.toArray().catch(() => null);
      if (!parts) return; // broken off by a courier that ends: half an event is none
      const body = parts.join('');
      const request = { at, method: req.method, url: req.url, headers: req.headers, body, json: JSON.parse(body || 'null'),
        peer: req.socket.getPeerCertificate().subject?.CN };
      this.requests.push(request);
      const status = this.answer(request, this.requests.length, req.socket);
      if (status !== null) res.writeHead(status).end();
    });
    this.server.on('connection', (s) => { this.sockets.add(s); s.on('close', () => this.sockets.delete(s)); });
    // a port that was given back may be another program's for a while
    const listen = () => new Promise((done, fail) => {
      this.server.once('error', fail).listen(port, '127.0.0.1', () => done(this.server.off('error', fail)));
    });
    await comes(() => listen().catch((e) => { if (e.code !== 'EADDRINUSE') throw e; }), `port ${port} is taken`);
    this.port = this.server.address().port;
    return this;
  }

  /** The first request that ${matches}, or undefined after ${ms}. */
  async has(matches, ms = 20000) {
    const end = performance.now() + ms;
    while (!this.requests.some(matches) && performance.now() < end) await sleep(20);
    return this.requests.find(matches);
  }

  async stop() {
    for (const s of this.sockets) s.destroy();
    await new Promise((done) => this.server.close(done));
  }
}
