// SPDX-License-Identifier: Apache-2.0
// Every screen of every role, in both languages and on both sizes: accessible, under the policy, marked as sample data, large
// enough for a thumb, and with a picture to look at.  One sign-in for each role: language and size change under its eyes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Registry } from '../api/lib/registry.mjs';
import { hold } from '../api/lib/scenes.mjs';
import { accessible, clean, open, picture, quit, SIZES, touchable } from './lib/browser.mjs';

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
const WAYS = [['desktop', 'hu'], ['phone', 'hu'], ['phone', 'en'], ['desktop', 'en']];
const DEMO = { hu: /DEMÓ/, en: /DEMO/ };

async function look(page, name, lang) {
  await page.locator('main h1:visible').first().waitFor();
  await page.waitForTimeout(400); // what the screen reads has come
  assert.equal(await page.locator('.trouble').count(), 0, await page.locator('.trouble').first().innerText({ timeout: 1 }).catch(() => ''));
  assert.match(await page.locator('.demo:visible').innerText(), DEMO[lang]);
  await accessible(page, name);
  await touchable(page, name);
  await picture(page, name);
}

for (const role of ROLES)
  test(`${role}: every screen is accessible and keeps the policy, in both languages and sizes`, async () => {
    const { page, context } = await open(r, role);
    const tabs = page.locator('nav.tabs:not(main nav)').locator('button');
    const views = await tabs.count() - (role === ROLES[0] ? 0 : 1); // the last, one's own access, is the same for all
    for (const [size, lang] of WAYS) {
      await page.setViewportSize(SIZES[size]);
      if (await page.evaluate(() => document.documentElement.lang) !== lang)
        await page.getByRole('button', { name: lang === 'hu' ? 'Magyar' : 'English' }).click();
      for (let i = 0; i < views; i++) {
        await tabs.nth(i).click();
        await look(page, `${role}-${i}-${size}-${lang}`, lang);
      }
    }
    clean(page);
    await context.close();
  });

// What the system asks for: one rich screen of each kind under each wish, and zoomed to 200 % (half the width).
const WISHES = {
  dark: { media: { colorScheme: 'dark' } },
  forced: { media: { forcedColors: 'active' } },
  still: { media: { reducedMotion: 'reduce' } },
  zoomed: { size: { width: 640, height: 400 } },
};

for (const [role, wait] of [['counsellor', '.intake'], ['shelter_staff', '.units'], ['statistician', '.numbers'], ['family_support', 'main table']])
  test(`${role}: dark, in forced colours, without motion and at 200 %`, async () => {
    const { page, context } = await open(r, role);
    for (const [name, wish] of Object.entries(WISHES)) {
      await page.emulateMedia({ colorScheme: 'light', forcedColors: 'none', reducedMotion: 'no-preference', ...wish.media });
      await page.setViewportSize(wish.size ?? SIZES.desktop);
      await page.locator(wait).first().waitFor();
      await look(page, `${role}-${name}`, 'hu');
      if (name !== 'still') continue;
      assert.equal(await page.evaluate(() => [...document.querySelectorAll('*')].filter((e) => parseFloat(getComputedStyle(e).transitionDuration) > 0).length), 0);
    }
    clean(page);
    await context.close();
  });
