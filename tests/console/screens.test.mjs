// SPDX-License-Identifier: Apache-2.0
// Every screen of every role, in both languages and on both sizes: accessible, under the policy, and with a picture to look at.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Registry } from '../api/lib/registry.mjs';
import { hold } from '../api/lib/scenes.mjs';
import { accessible, clean, open, picture, quit } from './lib/browser.mjs';

let r;
before(async () => {
  r = await new Registry().start();
  await hold(await r.as('counsellor')); // so that lists are not empty
});
after(async () => {
  await quit();
  await r.close();
});

const ROLES = ['shelter_staff', 'shelter_manager', 'counsellor', 'shift_lead', 'family_support', 'admin', 'auditor', 'statistician'];

for (const role of ROLES)
  for (const [size, lang] of [['desktop', 'hu'], ['phone', 'hu'], ['desktop', 'en'], ['phone', 'en']])
    test(`${role}: every screen is accessible and keeps the policy (${size}, ${lang})`, async () => {
      const { page, context } = await open(r, role, { size, lang });
      const tabs = page.locator('nav.tabs').first().locator('button');
      const views = await page.locator('body > #app nav.tabs:not(main nav)').count() > 0 ? await tabs.count() : 0;
      for (let i = 0; i < Math.max(views, 1); i++) {
        if (views > 0) await tabs.nth(i).click();
        await page.locator('main h1:visible').first().waitFor();
        await page.waitForTimeout(400); // what the screen reads has come
        assert.equal(await page.locator('.trouble').count(), 0, await page.locator('.trouble').first().innerText().catch(() => ''));
        await accessible(page, `${role} ${i} ${size} ${lang}`);
        await picture(page, `${role}-${i}-${size}-${lang}`);
      }
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'scrolls sideways');
      clean(page);
      await context.close();
    });
