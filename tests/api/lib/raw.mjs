// SPDX-License-Identifier: Apache-2.0
// Bytes over TLS, as no client library would send them.
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { PATIENCE } from './patience.mjs';

/** A connection with the device of ${role}; 'connect' has happened. */
export function dial(registry, role) {
  const device = registry.device(role);
  return new Promise((done, fail) => {
    const socket = tls.connect({ host: '127.0.0.1', port: registry.port, servername: 'localhost', ca: registry.ca,
      cert: readFileSync(`${device}.crt`), key: readFileSync(`${device}.key`) }, () => done(socket));
    socket.once('error', fail);
  });
}

/**
 * Send ${bytes} and hear everything until the server closes or has been silent for ${quiet} ms.  What is due yet is waited for
 * much longer: so many ${answers}, a body that was announced, and the end if it ${closes} or says so.  Returns { statuses, text,
 * closed }.
 */
export async function say(registry, role, bytes, { quiet = 1500, answers = 1, closes = false } = {}) {
  const socket = await dial(registry, role);
  let text = '';
  const statuses = () => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((m) => Number(m[1]));
  const isDue = () => closes || statuses().length < answers || /^connection: close\r$/im.test(text) ||
    /^content-length: [1-9]\d*\r\n(?:[^\r\n]+\r\n)*\r\n$/im.test(text);
  const closed = await new Promise((done) => {
    socket.setTimeout(PATIENCE, () => done(false));
    socket.on('data', (d) => {
      text += d;
      socket.setTimeout(isDue() ? PATIENCE : quiet);
    });
    socket.on('error', () => {}); // a reset after the answer is a close
    socket.on('close', () => done(true));
    socket.write(bytes);
  });
  socket.destroy();
  return { statuses: statuses(), text, closed };
}
