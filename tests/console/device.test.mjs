// SPDX-License-Identifier: Apache-2.0
// A device whose certificate is about to end, has ended or was revoked: it is said beforehand, and afterwards nobody is asked for
// a passphrase.  The pages are Chromium's over Playwright's TLS; own-tls.test.mjs has what Chromium itself shows.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Clockwork, DAY } from '../api/lib/clockwork.mjs';
import { guest } from '../api/lib/devices.mjs';
import { ROLES } from '../api/lib/registry.mjs';
import { accessible, clean, leave, open, picture, quit, tab, touchable } from './lib/browser.mjs';

let clock, r;
before(async () => {
  clock = await new Clockwork().start();
  r = clock.registry;
});
after(async () => {
  await quit();
  await r.close();
});

const end = (role) => Date.parse(new X509Certificate(readFileSync(`${r.device(role)}.crt`)).validTo) / 1000;
const yearOf = (unix) => new Intl.DateTimeFormat('en', { timeZone: 'Europe/Budapest', year: 'numeric' }).format(unix * 1000);
const notice = (page) => page.locator('.banner:visible', { hasText: /eddig engedik be|is let in until/ });
const barred = (page) => page.getByRole('heading', { name: 'Ez az eszköz nem léphet be' });

test('months before the end nobody is told', async () => {
  const { page, context } = await open(r, 'auditor');
  await page.locator('main h1:visible').waitFor();
  assert.equal(await notice(page).count(), 0);
  await context.close();
});

test('a device that is revoked says so on a whole page, in every tab, and asks nobody for a passphrase', async () => {
  const person = { user: 'okit.dora', passphrase: r.passphrase('okit.dora') };
  const { device } = await guest(r, 'okit.dora', 'OKIT (minta)');
  const p = await open(r, 'okit.dora', { person });
  const second = await tab(p);
  for (const page of [p.page, second]) await page.locator('.intake:visible').waitFor();
  const answer = await (await r.as('admin')).post(`/v1/devices/${device.id}/revoke`);
  assert.equal(answer.status, 200, answer.text);
  for (const page of [p.page, second]) {
    await barred(page).waitFor();
    assert.equal(await page.locator('input, .intake').count(), 0);
    assert.doesNotMatch(await page.locator('body').innerText(), /segély|menedék|okit/i); // whoever holds it now learns nothing
    clean(page);
  }
  await accessible(p.page, 'barred');
  await picture(p.page, 'device-revoked-desktop-hu');
  await p.context.close();
});

test('who has no event stream is told at the next press', async () => {
  const { page, context } = await open(r, 'auditor');
  await page.locator('table:visible').first().waitFor();
  await page.route('**/v1/audit*', async (route) => {
    await route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ code: 'device_refused', title: 'x', status: 403 }) });
  });
  await page.getByRole('navigation', { name: 'Nézetek' }).getByRole('button').nth(1).click();
  await page.getByRole('navigation', { name: 'Nézetek' }).getByRole('button').first().click();
  await barred(page).waitFor();
  await leave(context);
});

test('days before the end every role is told, with the day and what to do', async () => {
  clock.jump(end('auditor') - Math.floor(Date.now() / 1000) - DAY); // tomorrow
  for (const role of ROLES) {
    const { page, context } = await open(r, role, { size: role === 'shelter_staff' ? 'phone' : 'desktop' });
    await notice(page).waitFor();
    const text = await notice(page).innerText();
    assert.match(text, new RegExp(yearOf(end(role))));
    assert.match(text, /Kérjen most újat/);
    if (role === 'shelter_staff' || role === 'counsellor') {
      await accessible(page, 'certificate about to end');
      await touchable(page, 'certificate about to end');
      await picture(page, `device-ends-${role}-hu`);
    }
    clean(page);
    await context.close();
  }
});

test('when it has ended while the page was open, the next press says so', async () => {
  const { page, context } = await open(r, 'shelter_staff', { size: 'phone' });
  await page.locator('.units:visible').waitFor();
  clock.jump(2 * DAY);
  // unless the end of its stream has said it already
  await page.evaluate(() => [...document.querySelectorAll('button')].find((b) => /Minden adat helyes/.test(b.textContent))?.click());
  await barred(page).waitFor();
  await picture(page, 'device-ended-phone-hu');
  clean(page);
  await context.close();
});
