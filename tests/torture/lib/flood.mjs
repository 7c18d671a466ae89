// SPDX-License-Identifier: Apache-2.0
// A process of its own that crushes a service: who opens and says nothing, who speaks a byte at a time, who asks without end.
//   node flood.mjs PORT CA CERT KEY TOKEN SILENT SLOW GREEDY     until its standard input ends; then prints what it met, as JSON
import { readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';

const [port, caPath, certPath, keyPath, token, silent, slow, greedy] = process.argv.slice(2);
const identity = { ca: readFileSync(caPath), cert: readFileSync(certPath), key: readFileSync(keyPath), servername: 'localhost', minVersion: 'TLSv1.3' };
const met = { silent: 0, slow: 0, closed: 0, statuses: {}, withoutRetryAfter: 0 };
let isOver = false;

for (let i = 0; i < silent; i++) {
  const s = net.connect(port, '127.0.0.1', () => { met.silent++; if (i % 2) s.write(Buffer.from([0x16, 0x03, 0x01, 0x02])); });
  s.on('error', () => {}).on('close', () => { met.closed++; });
}
for (let i = 0; i < slow; i++) {
  const s = tls.connect({ port, host: '127.0.0.1', ...identity }, () => {
    met.slow++;
    const text = 'GET /v1/me HTTP/1.1\r\nHost: localhost\r\nX-Slow: ';
    let at = 0;
    const timer = setInterval(() => { if (s.destroyed) clearInterval(timer); else s.write(text[at++] ?? 'x'); }, 250);
  });
  s.on('error', () => {}).on('close', () => { met.closed++; });
}
const agent = new https.Agent({ keepAlive: true, maxSockets: Number(greedy), ...identity });
async function ask() {
  while (!isOver) {
    await new Promise((done) => {
      const request = https.request({ agent, host: '127.0.0.1', port, path: '/v1/capacity', headers: { Authorization: `Bearer ${token}` }, timeout: 10000 }, (res) => {
        met.statuses[res.statusCode] = (met.statuses[res.statusCode] ?? 0) + 1;
        if ([429, 503].includes(res.statusCode) && !res.headers['retry-after']) met.withoutRetryAfter++;
        res.resume().on('end', done).on('error', done);
      });
      request.on('error', (e) => { met.statuses[e.code] = (met.statuses[e.code] ?? 0) + 1; setTimeout(done, 50); });
      request.on('timeout', () => request.destroy());
      request.end();
    });
  }
}
for (let i = 0; i < greedy; i++) ask();
process.stdin.resume().on('end', () => {
  isOver = true;
  process.stdout.write(`${JSON.stringify(met)}\n`, () => process.exit(0));
});
