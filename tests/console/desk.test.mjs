// SPDX-License-Identifier: Apache-2.0
// The counsellor's job, keyboard only, with the house answering in another browser.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { within } from '../api/lib/patience.mjs';
import { Registry } from '../api/lib/registry.mjs';
import { accessible, clean, focused, leave, open, panel, picture, quit } from './lib/browser.mjs';

let r;
before(async () => { r = await new Registry().start(); });
after(async () => {
  await quit();
  await r.close();
});

/** From the empty form to the list of candidates: one woman with a girl of 3-9 and a baby boy. */
async function intake(page) {
  await page.getByRole('spinbutton', { name: 'Nő', exact: true }).waitFor();
  await focused(page, 'input[type=number]'); // Tab goes on from there
  await page.keyboard.press('Tab'); // men
  await page.keyboard.press('Tab'); // girls 0-2
  await page.keyboard.press('Tab'); // girls 3-9
  await page.keyboard.type('1');
  await page.getByRole('spinbutton', { name: /Fiú 0–2/ }).focus();
  await page.keyboard.type('1');
  await page.keyboard.press('Enter');
  await page.locator('.candidates:visible').waitFor();
  await focused(page, '.candidates');
}

for (const lang of ['hu', 'en'])
  test(`the desk is accessible and can be read (${lang})`, async () => {
    for (const size of ['desktop', 'phone']) {
      const { page, context } = await open(r, 'counsellor', { lang, size });
      await page.locator('.intake').waitFor();
      await accessible(page, `intake ${lang} ${size}`);
      await picture(page, `desk-intake-${size}-${lang}`);
      clean(page);
      await context.close();
    }
  });

test('a call from the first question to the location, by keyboard, and the house answers live', async () => {
  const desk = await open(r, 'counsellor');
  await intake(desk.page);
  await accessible(desk.page, 'candidates');
  await picture(desk.page, 'desk-candidates-desktop-hu');
  // choose the house that somebody sits in
  const rows = desk.page.locator('.candidate:visible');
  const names = await rows.locator('strong').allInnerTexts();
  const at = names.indexOf('Nyugat 1');
  assert.ok(at >= 0, names.join());
  await desk.page.getByRole('checkbox', { name: 'az ügyfél hozzájárult' }).focus();
  await desk.page.keyboard.press('Space');
  await desk.page.locator('.candidates:visible').focus();
  for (let i = 0; i < at; i++) await desk.page.keyboard.press('ArrowDown');
  await desk.page.keyboard.press('Enter');
  await panel(desk.page, 'Ellenőrző szó').waitFor();
  await picture(desk.page, 'desk-held-desktop-hu');
  await accessible(desk.page, 'held');
  const word = await desk.page.locator('.aloud .word:visible').innerText();

  const house = await open(r, 'shelter_staff', { size: 'phone' });
  await desk.page.getByRole('button', { name: 'Elküldöm az intézménynek' }).press('Enter');
  const request = house.page.locator('.urgent .card', { hasText: word });
  await request.waitFor();
  await request.getByText('1 felnőtt, 1 gyermek (3–9 éves), 1 csecsemő', { exact: true }).waitFor();
  await accessible(house.page, 'request');
  await picture(house.page, 'house-request-phone-hu');
  await request.getByRole('button', { name: 'Elfogadom' }).tap();
  await desk.page.getByText('Cím és felvételi telefon').waitFor();
  await picture(desk.page, 'desk-confirmed-desktop-hu');
  await desk.page.getByRole('button', { name: 'az ügyfél most indul' }).press('Enter');
  await desk.page.locator('.location').waitFor();
  assert.match(await desk.page.locator('.location').innerText(), /\+36/);
  await accessible(desk.page, 'location');
  await picture(desk.page, 'desk-location-desktop-hu');
  await desk.page.getByRole('button', { name: 'Eltakarom' }).press('Enter');
  assert.equal(await desk.page.locator('.location').count(), 0);
  await desk.page.getByRole('button', { name: 'Elhelyezési lap' }).press('Enter');
  const sheet = desk.page.locator('dialog .sheet');
  await sheet.waitFor();
  assert.match(await sheet.innerText(), new RegExp(word, 'i'));
  assert.doesNotMatch(await sheet.innerText(), /\+36 \d\d \d{3}/);
  await accessible(desk.page, 'sheet');
  await picture(desk.page, 'desk-sheet-desktop-hu');
  await desk.page.keyboard.press('Escape');
  await house.page.getByRole('button', { name: 'Megérkezett' }).tap();
  await desk.page.locator('.panel:visible .state', { hasText: 'megérkezett' }).waitFor();
  await desk.page.getByRole('button', { name: 'Lezárás' }).press('Enter');
  await desk.page.getByRole('button', { name: 'elhelyezve' }).press('Enter');
  await desk.page.getByRole('button', { name: 'Lezárás' }).waitFor({ state: 'detached' });
  clean(desk.page);
  clean(house.page);
  await desk.context.close();
  await house.context.close();
});

test('a place that is lost to another is said, and the next needs one key', async () => {
  const one = await open(r, 'counsellor');
  await intake(one.page);
  const desk = await r.as('counsellor');
  const first = await one.page.locator('.candidate:visible strong').first().innerText();
  // take every room of the first house before the counsellor presses Enter
  for (let i = 0; i < 12; i++) {
    const episode = (await desk.post('/v1/episodes', { channel: 'phone', household: { case_type: 'partner_violence', women: 1, children: [{ sex: 'female', band: '3-9' }, { sex: 'male', band: '0-2' }] } })).json;
    const found = (await desk.post(`/v1/episodes/${episode.id}/searches`)).json;
    const same = found.candidates.find((c) => c.code_name === first);
    if (!same) break;
    const held = await desk.post('/v1/reservations', { episode: episode.id, candidate: same.candidate, consent: true, need: 'no_safe_place_tonight', contact_channel: 'client_calls_house' });
    assert.equal(held.status, 201, held.text);
  }
  await one.page.getByRole('checkbox', { name: 'az ügyfél hozzájárult' }).check();
  await one.page.locator('.candidates:visible').focus();
  await one.page.keyboard.press('Enter');
  await one.page.getByText('Ezt most foglalta le más').first().waitFor();
  await picture(one.page, 'desk-lost-desktop-hu');
  await accessible(one.page, 'lost race');
  await one.page.keyboard.press('Enter');
  await panel(one.page, 'Ellenőrző szó').waitFor();
  clean(one.page);
  await one.context.close();
});

const watch = (page) => page.locator('input:visible').and(page.getByLabel('Szóljon, ha lesz illő hely'));

/** A search that finds nothing. */
async function nothing(route) {
  const response = await route.fetch();
  await route.fulfill({ response, json: { ...await response.json(), candidates: [], fits: 0 } });
}

/** A search that waits until a room is freed; milliseconds until the page had asked and shows it. */
async function follow() {
  const { page, context } = await open(r, 'counsellor');
  const staff = (await open(r, 'shelter_staff', { size: 'phone' })).page;
  let searches = 0;
  let isFull = true;
  await page.route('**/searches', async (route) => { // nothing is found until the room is free
    searches++;
    await (isFull ? nothing(route) : route.continue());
  });
  const house = await r.as('shelter_staff');
  const { name } = (await house.get(`/v1/shelters/${(await house.get('/v1/me')).json.shelters[0]}/availability`)).json.units.find((u) => u.state === 'free');
  const unit = staff.locator('.unit:visible', { hasText: name });
  const press = async (what, tone) => {
    await unit.getByRole('button', { name: what, exact: true }).tap();
    await unit.locator(`.state.${tone}`).waitFor();
  };
  await press('Foglalt lett', 'calm');
  await page.getByRole('spinbutton', { name: 'Nő', exact: true }).press('Enter');
  await page.locator('header').getByText('Élő').waitFor(); // from its beginning a stream says that all may have changed
  await watch(page).check();
  await page.waitForTimeout(2500); // what was freed before has been told
  const before = searches;
  isFull = false;
  const began = Date.now();
  await press('Szabad lett', 'good');
  await page.locator('.candidates:visible .candidate').first().waitFor();
  const delay = Date.now() - began;
  assert.equal(searches, before + 1);
  assert.match(await page.locator('[role=status].unseen').last().innerText(), /Lett illő hely/);
  await press('Foglalt lett', 'calm');
  await press('Szabad lett', 'good');
  await page.waitForTimeout(2500);
  assert.equal(searches, before + 1, 'searches are counted: not one for each change');
  clean(page);
  await leave(context);
  await staff.context().close();
  return delay;
}

test('"tell me when something fits" follows what others free, within a second or two, and does not ask again and again', () =>
  within(2500, follow, 'shown'));

test('"tell me when something fits" looks at once, and again when no answer came', async () => {
  const { page, context } = await open(r, 'counsellor');
  let episode; // this one: others of hers search as they are drawn
  await page.route('**/v1/episodes', async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    const response = await route.fetch();
    episode = (await response.json()).id;
    return route.fulfill({ response });
  });
  const answers = [nothing, (route) => route.abort()]; // then there is room: nobody tells of it any more
  await page.route('**/searches', (route) => {
    const answer = route.request().url().includes(`/${episode}/`) && answers.shift();
    return answer ? answer(route) : route.continue();
  });
  await page.locator('header').getByText('Élő').waitFor();
  await page.clock.install();
  await page.getByRole('spinbutton', { name: 'Nő', exact: true }).press('Enter');
  await watch(page).click();
  await page.locator('.panel:visible .trouble').waitFor();
  await page.clock.fastForward(20_000);
  await page.locator('.candidates:visible .candidate').first().waitFor();
  clean(page);
  await leave(context);
});
