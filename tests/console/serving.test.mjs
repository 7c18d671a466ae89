// SPDX-License-Identifier: Apache-2.0
// The console's files as the service hands them out: exact names only, compressed, cached as they should be, under the
// strictest policy; and the committed build is what a browser gets.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { guest } from '../api/lib/devices.mjs';
import { Registry, root } from '../api/lib/registry.mjs';

const dist = join(root, 'web/dist');
const assets = readdirSync(join(dist, 'assets')).filter((f) => /\.(js|css|json)$/.test(f)).map((f) => `/assets/${f}`);
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
  "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

let r;
before(async () => { r = await new Registry().start(); });
after(() => r.close());

/** The answer with its bytes as they came. */
function fetchRaw(path, headers = {}, method = 'GET', agent = undefined) {
  const device = r.device('shelter_staff');
  const own = agent ? { agent } : { ca: r.ca, cert: readFileSync(`${device}.crt`), key: readFileSync(`${device}.key`) };
  return new Promise((done, fail) => {
    https.request({ host: '127.0.0.1', servername: 'localhost', port: r.port, path, method, headers, ...own }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('end', () => done({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts) }));
    }).on('error', fail).end();
  });
}

const file = (path) => readFileSync(join(dist, path === '/' ? 'index.html' : path));

for (const path of ['/', '/icon.svg', ...assets]) {
  test(`${path.replace(/-[\w-]{8}\./, '-*.')} is the committed build in every coding`, async () => {
    for (const [coding, open] of [['br', brotliDecompressSync], ['gzip', gunzipSync], [undefined, (b) => b]]) {
      const answer = await fetchRaw(path, coding ? { 'Accept-Encoding': coding } : {});
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['content-encoding'], coding);
      assert.equal(answer.headers.vary, 'Accept-Encoding');
      assert.deepEqual(open(answer.body), file(path));
    }
  });
}

test('every file comes under the strictest policy', async () => {
  for (const path of ['/', ...assets]) {
    const { headers } = await fetchRaw(path);
    assert.equal(headers['content-security-policy'], POLICY);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
    assert.match(headers['permissions-policy'], /geolocation=\(\)/);
    assert.match(headers['strict-transport-security'], /max-age=63072000/);
  }
});

test('assets never change and are kept, the page is asked for anew and answered 304', async () => {
  for (const path of assets) assert.match((await fetchRaw(path)).headers['cache-control'], /immutable/);
  const page = await fetchRaw('/');
  assert.equal(page.headers['cache-control'], 'no-cache');
  const again = await fetchRaw('/', { 'If-None-Match': page.headers.etag });
  assert.equal(again.status, 304);
  assert.equal(again.body.length, 0);
  assert.equal((await fetchRaw('/', { 'If-None-Match': '"other"' })).status, 200);
});

test('a coding with weight zero is not sent', async () => {
  assert.equal((await fetchRaw('/', { 'Accept-Encoding': 'br;q=0, gzip' })).headers['content-encoding'], 'gzip');
  assert.equal((await fetchRaw('/', { 'Accept-Encoding': 'brotli' })).headers['content-encoding'], undefined);
});

test('there is no other name: no directory, no way up, no compressed form by itself', async () => {
  for (const path of ['/refused.html', '/assets', '/assets/', '/index.html', '/assets/../index.html', '/index.html.br', `${assets[0]}.br`, '/web/dist/index.html', '//']) {
    const { status } = await fetchRaw(path);
    assert.ok([400, 404].includes(status), `${path}: ${status}`);
  }
  assert.equal((await fetchRaw('/', {}, 'POST')).status, 404);
});

test('a device that is revoked gets a page that says so on each connection that it kept, and no file any more', async () => {
  const { device, client } = await guest(r, 'okit.dora', 'OKIT (minta)');
  const tag = (await fetchRaw('/')).headers.etag;
  const wanted = ['/', '/icon.svg', ...assets].flatMap((path) => [[path, {}], [path, { 'If-None-Match': tag }]]);
  client.agent.maxSockets = client.agent.maxFreeSockets = wanted.length; // kept: a new one would be refused by TLS
  const get = (path, headers) => fetchRaw(path, headers, 'GET', client.agent);
  for (const { status } of await Promise.all(wanted.map(() => get('/')))) assert.equal(status, 200);
  const answer = await (await r.as('admin')).send('POST', `/v1/devices/${device.id}/revoke`);
  assert.equal(answer.status, 200, answer.text);
  for (const { status, body, headers } of await Promise.all(wanted.map(([path, more]) => get(path, more)))) {
    assert.deepEqual([status, headers['content-type'], headers['cache-control'], headers['content-security-policy']],
      [403, 'text/html; charset=utf-8', 'no-store', POLICY]);
    assert.match(body.toString(), /Ez az eszköz nem léphet be[^]*This device is not let in/);
    assert.doesNotMatch(body.toString(), /<script|menedék|segély|shelter/i); // whoever holds it now learns nothing from it
  }
  await assert.rejects(get('/'), /certificate revoked/);
  const colleague = Object.assign(r.bare('counsellor'), { isAstray: true }); // its files are no operations
  assert.equal((await colleague.get('/')).status, 200);
});

test('no browser sends what the page shows to a translator: it shows locations, and a check word must stay as it is', () => {
  const page = file('/').toString();
  assert.match(page, /<html[^>]* translate="no"/);
  assert.match(page, /<meta name="google" content="notranslate"/);
});

test('the page holds nothing that the policy would refuse', () => {
  const page = file('/').toString();
  assert.doesNotMatch(page, /<script(?![^>]*src=)|<style|\s(style|on\w+)=/);
  for (const path of assets) assert.doesNotMatch(file(path).toString(), /https?:\/\/(?!www\.w3\.org|localhost)/);
});
