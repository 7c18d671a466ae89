// SPDX-License-Identifier: Apache-2.0
// Chromium's own TLS: the certificate comes from an NSS database and is chosen by a managed policy, as on a real device.  With
// it, without it, and revoked while the page is open.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { PATIENCE } from '../api/lib/patience.mjs';
import { Registry } from '../api/lib/registry.mjs';
import { clean, signIn, tab } from './lib/browser.mjs';

const POLICIES = '/etc/chromium/policies/managed';
const policy = join(POLICIES, `menedek-test-${process.pid}.json`);
const skip = process.getuid() !== 0 && `a managed policy can be set by root only (${POLICIES})`;

// What Chromium shows instead of a page: README tells people what to do then.
const REFUSED = 'BAD_SSL_CLIENT_AUTH_CERT|SOCKET_NOT_CONNECTED'; // the second when the alert comes after the request
const SHOWN = {
  without: /net::ERR_(BAD_SSL|SSL|CONNECTION|EMPTY|SOCKET)/,
  ended: new RegExp(`net::ERR_(${REFUSED})`),
  revoked: new RegExp(`net::ERR_(${REFUSED})`),
};

let r, origin;
const browsers = [];

before(async () => {
  if (skip) return;
  r = await new Registry().start();
  origin = `https://localhost:${r.port}`;
  mkdirSync(POLICIES, { recursive: true });
  const choice = JSON.stringify({ pattern: origin, filter: {} });
  writeFileSync(policy, JSON.stringify({ AutoSelectCertificateForUrls: [choice] }));
});
after(async () => {
  rmSync(policy, { force: true });
  for (const b of browsers) await b.close();
  await r?.close();
});

/** A browser on a device of its own: its trust is our authority, its certificate that of ${role}, if any. */
async function device(name, role) {
  const home = join(r.work, `home-${name}`);
  const nss = `sql:${join(home, '.pki/nssdb')}`;
  mkdirSync(join(home, '.pki/nssdb'), { recursive: true });
  const run = (program, ...args) => execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  run('certutil', '-d', nss, '-N', '--empty-password');
  run('certutil', '-d', nss, '-A', '-t', 'C,,', '-n', 'authority', '-i', join(r.certs, 'ca.crt'));
  if (role) {
    const file = join(home, 'device.p12');
    r.openssl('pkcs12', '-export', '-inkey', `${r.device(role)}.key`, '-in', `${r.device(role)}.crt`, '-passout', 'pass:', '-out', file);
    run('pk12util', '-d', nss, '-i', file, '-W', '');
  }
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', env: { ...process.env, HOME: home },
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
  browsers.push(browser);
  const context = await browser.newContext({ locale: 'hu-HU' }); // its certificate is checked: nothing is ignored
  context.setDefaultTimeout(PATIENCE);
  return { context, origin };
}

/** What Chromium says when ${go}() fails, '' when it does not.  It drops what is under way when any interface of the machine comes or goes. */
async function refusal(go) {
  for (;;) {
    const said = await go().then(() => '', (e) => e.message);
    if (!/ERR_NETWORK_CHANGED/.test(said)) return said;
  }
}

test('with its certificate a device signs in and hears of changes', { skip }, async () => {
  const page = await tab(await device('with', 'shelter_staff'));
  await signIn(page, r.credentials('shelter_staff'));
  await page.locator('.units').waitFor();
  await page.locator('header').getByText('Élő').waitFor();
  clean(page);
});

test('without a certificate there is no page at all', { skip }, async () => {
  const { context } = await device('without');
  const page = await context.newPage();
  assert.match(await refusal(() => page.goto(origin)), SHOWN.without);
});

test('a device that is revoked while it is open is told so, and a reload brings no page of ours but the one that says it', { skip }, async () => {
  const page = await tab(await device('revoked', 'counsellor'));
  await signIn(page, r.credentials('counsellor'));
  await page.locator('.intake').waitFor();
  const admin = await r.as('admin');
  const mine = (await (await r.as('counsellor')).get('/v1/me')).json.device;
  const answer = await admin.post(`/v1/devices/${mine}/revoke`);
  assert.ok(answer.status < 300, answer.text);
  await page.getByRole('heading', { name: 'Ez az eszköz nem léphet be' }).waitFor();
  assert.equal(await page.locator('input, .intake').count(), 0);
  const body = JSON.stringify(r.credentials('counsellor'));
  const signedIn = await page.evaluate((b) => fetch('/v1/tokens', { method: 'POST', body: b, headers: { 'Content-Type': 'application/json' } })
    .then((answer) => answer.status, () => 'no connection'), body);
  assert.ok([403, 'no connection'].includes(signedIn), String(signedIn));
  // over a connection that was kept comes our word, over a new one Chromium's own page
  for (let i = 0, error = ''; i < 10 && error === ''; i++) {
    error = await refusal(() => page.reload());
    if (error !== '') assert.match(error, SHOWN.revoked);
    else assert.match(await page.locator('body').innerText(), /Ez az eszköz nem léphet be/);
    assert.equal(await page.locator('input').count(), 0);
  }
});

test('a device whose certificate has ended gets no page of ours', { skip }, async () => {
  const path = join(r.certs, 'ended');
  const subject = r.openssl('x509', '-in', `${r.device('counsellor')}.crt`, '-noout', '-subject').split('= ').pop().trim();
  r.openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${path}.key`, '-subj', `/CN=${subject}`, '-out', `${path}.csr`);
  const extensions = r.file('ended.ext', 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n');
  r.openssl('x509', '-req', '-in', `${path}.csr`, '-CA', join(r.dir, 'ca.crt'), '-CAkey', join(r.dir, 'keys/ca.key'), '-CAcreateserial',
    '-days', '-1', '-extfile', extensions, '-out', `${path}.crt`);
  const { context } = await device('ended', 'ended');
  const page = await context.newPage();
  assert.match(await refusal(() => page.goto(origin)), SHOWN.ended);
});
