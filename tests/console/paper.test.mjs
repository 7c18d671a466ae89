// SPDX-License-Identifier: Apache-2.0
// The sheet for the hours without the system: one press prints what stands now and lines to go on by hand, on A4, without a
// location, also when the system is gone already; and behind the lock nothing can be printed.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Registry, keptPort, root } from '../api/lib/registry.mjs';
import { hold, ownHouse, reservationIn } from '../api/lib/scenes.mjs';
import { accessible, clean, open, picture, quit, shiftThrice, touchable } from './lib/browser.mjs';

const NAMES = { hu: /Leállási lap/, en: /Downtime sheet/ };
const A4 = { width: 794, height: 1123 };

let r, scenes, place;
before(async () => {
  r = await new Registry().start({}, [], await keptPort());
  scenes = {};
  for (const state of ['in_stay', 'confirmed', 'requested']) scenes[state] = (await reservationIn(r, state)).reservation;
  const staff = await r.as('shelter_staff');
  place = (await staff.get(`/v1/shelters/${await ownHouse(staff)}/location`)).json;
});
after(async () => {
  await quit();
  await r.close();
});

/** Press the button, and look at the page as paper. */
async function print(page, lang = 'hu') {
  await page.evaluate(() => { globalThis.printed = 0; globalThis.print = () => { globalThis.printed++; }; });
  await page.getByRole('button', { name: NAMES[lang] }).click();
  await page.waitForFunction(() => globalThis.printed === 1);
  await page.emulateMedia({ media: 'print' });
  const size = page.viewportSize();
  await page.setViewportSize(A4);
  const text = await page.locator('body').innerText();
  return { text, size };
}
async function back(page, size) {
  await page.emulateMedia({ media: 'screen' });
  await page.setViewportSize(size);
}

/** How many sheets of paper it takes. */
async function sheets(page, name) {
  const file = await page.pdf({ format: 'A4' });
  writeFileSync(join(root, 'build/screenshots', `${name}.pdf`), file);
  return file.toString('latin1').match(/\/Type\s*\/Page\b/g).length;
}

for (const [role, size, lang] of [['shelter_staff', 'phone', 'hu'], ['shelter_manager', 'desktop', 'en']])
  test(`${role}: one press prints rooms, requests, who is expected and who is here, and lines for the hand`, async () => {
    const { page, context } = await open(r, role, { size, lang });
    await page.locator('.units:visible').waitFor();
    const screen = await print(page, lang);
    for (const s of Object.values(scenes)) {
      assert.match(screen.text, new RegExp(s.number));
      assert.match(screen.text, new RegExp(s.check_word, 'i'));
    }
    assert.match(screen.text, lang === 'hu' ? /DEMÓ/ : /DEMO/);
    assert.match(screen.text, /06\s80\s20\s55\s20/);
    assert.match(screen.text, lang === 'hu' ? /1 felnőtt/ : /1 adult\s/);
    assert.match(screen.text, /Nyugat 1/);
    assert.match(screen.text, /1\. szoba/);
    for (const secret of [place.address, place.intake_phone, r.credentials(role).user]) assert.ok(!screen.text.includes(secret), secret);
    assert.doesNotMatch(screen.text, /Élő|Elrejtés|Elfogadom|Live|Hide/); // nothing of the screen
    const years = [-1, 0, 1].map((n) => new Date().getFullYear() + n).join('|'); // on the last night of a year there are two
    assert.ok(screen.text.split(new RegExp(years)).length > 3, 'times stand with their day');
    assert.ok(await page.locator('.paper tbody tr:visible').evaluateAll((rows) => rows.filter((row) => row.textContent === '').length) >= 10);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'wider than the paper');
    const count = await sheets(page, `paper-${role}-${lang}`);
    assert.ok(count <= 2, `${count} sheets`);
    await accessible(page, 'paper');
    await picture(page, `paper-${role}-${lang}`);
    await back(page, screen.size);
    assert.equal(await page.locator('.paper').isVisible(), false);
    await touchable(page, 'house with the button');
    clean(page);
    await context.close();
  });

test('the shift lead prints what the desk has open', async () => {
  const held = (await hold(await r.as('counsellor'))).reservation;
  const { page, context } = await open(r, 'shift_lead');
  await page.getByRole('navigation', { name: 'Nézetek' }).getByRole('button', { name: 'Ügyelet' }).click();
  await page.locator('.card:visible').first().waitFor();
  const { text } = await print(page);
  for (const s of [held, scenes.requested, scenes.confirmed]) assert.match(text, new RegExp(`${s.number}[^]*${s.check_word}`, 'i'));
  assert.ok(text.includes(held.code_name));
  assert.ok(!text.includes(place.address) && !text.includes(place.intake_phone));
  assert.ok(await sheets(page, 'paper-shift_lead-hu') <= 2);
  await picture(page, 'paper-shift_lead-hu');
  clean(page);
  await context.close();
});

test('it can be printed when the system is gone, and says of when it is; behind the lock there is nothing to print', async () => {
  const { page, context } = await open(r, 'shelter_staff');
  await page.locator('.units:visible').waitFor();
  await r.stop();
  await page.getByText('Nincs élő kapcsolat').waitFor();
  await page.evaluate(() => { // three minutes pass; five would lock an idle screen
    const real = Date.now;
    Date.now = () => real() + 3 * 60_000;
  });
  const events = (q) => q.url().endsWith('/v1/events');
  await page.waitForEvent('requestfailed', events);
  await page.waitForRequest(events); // all has been done that a try that failed does
  const screen = await print(page);
  const times = ['Adatok', 'Nyomtatva'].map((what) => screen.text.match(new RegExp(`${what}: [^·\\n]*?(\\d\\d):(\\d\\d)`)).slice(1).map(Number));
  const [asOf, printed] = times.map(([hour, minute]) => hour * 60 + minute);
  assert.ok((printed - asOf + 1440) % 1440 >= 3, `data of ${times[0].join(':')}, printed at ${times[1].join(':')}: three minutes lie between`);
  assert.match(screen.text, new RegExp(scenes.in_stay.number));
  await back(page, screen.size);
  await shiftThrice(page);
  await page.locator('.cover').waitFor();
  await page.emulateMedia({ media: 'print' });
  assert.doesNotMatch(await page.locator('body').innerText(), new RegExp(`${scenes.in_stay.number}|Nyugat|szoba`));
  await page.emulateMedia({ media: 'screen' });
  await r.start({}, [], r.port);
  await context.close();
});
