// SPDX-License-Identifier: Apache-2.0
// Chromium's own TLS: the certificate comes from an NSS database and is chosen by a managed policy, as on a real device.  With
// it, without it, and revoked while the page is open.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Registry } from '../api/lib/registry.mjs';
import { clean, signIn, tab } from './lib/browser.mjs';

const POLICIES = '/etc/chromium/policies/managed';
const policy = join(POLICIES, `menedek-test-${process.pid}.json`);
const skip = process.getuid() !== 0 && `a managed policy can be set by root only (${POLICIES})`;

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
  context.setDefaultTimeout(10_000);
  return { context, origin };
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
  await assert.rejects((await context.newPage()).goto(origin), /net::ERR_(BAD_SSL|SSL|CONNECTION|EMPTY|SOCKET)/);
});

test('a device that is revoked while it is open sees the lock, and nobody signs in on it any more', { skip }, async () => {
  const page = await tab(await device('revoked', 'counsellor'));
  await signIn(page, r.credentials('counsellor'));
  await page.locator('.intake').waitFor();
  const admin = await r.as('admin');
  const mine = (await (await r.as('counsellor')).get('/v1/me')).json.device;
  const answer = await admin.post(`/v1/devices/${mine}/revoke`);
  assert.ok(answer.status < 300, answer.text);
  await page.waitForFunction(() => !document.querySelector('.intake')?.checkVisibility(), null, { timeout: 10_000 });
  await page.locator('input[name=passphrase]').waitFor();
  // a connection that is still open may bring the empty page once more, but nothing of the registry
  const body = JSON.stringify(r.credentials('counsellor'));
  const signedIn = await page.evaluate((b) => fetch('/v1/tokens', { method: 'POST', body: b, headers: { 'Content-Type': 'application/json' } })
    .then((answer) => answer.status, () => 'no connection'), body);
  assert.ok([401, 403, 'no connection'].includes(signedIn), String(signedIn));
});
