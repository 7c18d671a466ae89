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
      await page.waitForFunction((to) => document.documentElement.lang === to, lang); // its texts are fetched
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

for (const [role, wait] of [['counsellor', '.intake'], ['shelter_staff', '.units'], ['shelter_manager', '.units'], ['statistician', '.numbers'], ['family_support', 'main table']])
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

test('in forced colours the main button and the dangerous one differ from a plain one', async () => {
  const { page, context } = await open(r, 'shelter_staff');
  await page.emulateMedia({ forcedColors: 'active' });
  await page.locator('.units:visible').waitFor();
  const look = (selector) => page.locator(selector).first().evaluate((e) => {
    const { borderTopWidth, borderTopStyle, backgroundColor, fontWeight } = getComputedStyle(e);
    return { borderTopWidth, borderTopStyle, backgroundColor, fontWeight };
  });
  const [main, plain] = [await look('.button.main:visible'), await look('.unit .button.plain:visible')];
  assert.equal(main.backgroundColor, plain.backgroundColor, 'colours are the system\'s: they cannot tell them apart');
  assert.ok(parseFloat(main.borderTopWidth) >= parseFloat(plain.borderTopWidth) + 2, JSON.stringify({ main, plain }));
  await page.getByRole('navigation', { name: 'Nézetek' }).getByRole('button').last().click();
  const danger = await look('.button.danger:visible');
  assert.notEqual(danger.borderTopStyle, plain.borderTopStyle);
  await context.close();
});

test('the manager\'s tabs are one line on a phone, and each is reached by keyboard and by thumb', async () => {
  const { page, context } = await open(r, 'shelter_manager', { size: 'phone' });
  await page.locator('.units:visible').waitFor();
  for (const size of [SIZES.phone, SIZES.narrow, { width: 640, height: 400 }]) {
    await page.setViewportSize(size);
    const nav = page.getByRole('navigation', { name: 'Nézetek' });
    const buttons = await nav.getByRole('button').all();
    assert.ok(buttons.length >= 5);
    const tops = new Set(await Promise.all(buttons.map(async (b) => (await b.boundingBox()).y)));
    assert.equal(tops.size, 1, `${size.width} px: ${tops.size} lines`);
    await touchable(page, `tabs, ${size.width} px`);
    await buttons[0].focus();
    for (let i = 0; i < buttons.length; i++) {
      const box = await page.evaluate(() => {
        const { left, right } = document.activeElement.getBoundingClientRect();
        return { left, right, width: innerWidth, text: document.activeElement.textContent };
      });
      assert.equal(box.text, await buttons[i].textContent());
      assert.ok(box.left >= 0 && box.right <= box.width, `out of sight at ${size.width} px: ${JSON.stringify(box)}`);
      await page.keyboard.press('Tab');
    }
    await buttons.at(-1).tap();
    await buttons.at(-1).and(page.locator('[aria-current=page]')).waitFor();
    await buttons[0].tap();
  }
  clean(page);
  await context.close();
});
