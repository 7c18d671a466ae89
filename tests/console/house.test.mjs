// SPDX-License-Identifier: Apache-2.0
// A house's staff on a phone: one tap changes a unit, one tap says that all is true, two taps answer a request; arrivals, the
// early warning of a stay's end, its extension and leaving.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Clockwork, DAY } from '../api/lib/clockwork.mjs';
import { comes, took, within } from '../api/lib/patience.mjs';
import { sleep } from '../api/lib/registry.mjs';
import { hold } from '../api/lib/scenes.mjs';
import { accessible, clean, open, panel, picture, quit, touchable } from './lib/browser.mjs';

const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const DAY_OF = (time, plus = 0) => new Date(Date.parse(time) + plus * 86_400_000).toISOString().slice(0, 10);

let clock, r, page, desk, staff, house;

before(async () => {
  clock = await new Clockwork().start();
  r = clock.registry;
  ({ page } = await open(r, 'shelter_staff', { size: 'phone' }));
  await people();
});
after(async () => {
  await quit();
  await r.close();
});

async function people() {
  desk = await r.as('counsellor');
  staff = await r.as('shelter_staff');
  house = (await staff.get('/v1/me')).json.shelters[0];
}

const units = async () => (await staff.get(`/v1/shelters/${house}/availability`)).json.units;
const unitNamed = async (name) => (await units()).find((u) => u.name === name);
const row = (name) => page.locator('.unit:visible', { hasText: name });
const named = (within, name) => within.getByRole('button', { name, exact: true });

/** ${page} reads anew, as it does after an event. */
const told = (page) => page.evaluate(() => new BroadcastChannel('menedek-live').postMessage({ event: { kind: 'reservation.requested', subject: '' } }));

/** A request that waits for the house's answer, as it stands on the phone. */
async function requested() {
  const { reservation } = await hold(desk, { name: 'Nyugat 1', household: ALONE });
  const answer = await desk.post(`/v1/reservations/${reservation.id}/request`);
  assert.equal(answer.status, 200, answer.text);
  const card = page.locator('.urgent .card', { hasText: reservation.number });
  await card.waitFor();
  return { reservation, card };
}

const stateOf = async ({ id }) => (await desk.get(`/v1/reservations/${id}`)).json;

test('everything is large enough for a thumb and nothing scrolls sideways', async () => {
  await row('1. szoba').waitFor();
  await touchable(page, 'house');
  await page.setViewportSize({ width: 320, height: 640 });
  await touchable(page, 'house, 320 px');
  await accessible(page, 'house, 320 px');
  await page.setViewportSize({ width: 390, height: 844 });
});

test('one tap changes a unit, and one more takes it back', async () => {
  const before = await unitNamed('1. szoba');
  assert.equal(before.state, 'free');
  await named(row('1. szoba'), 'Foglalt lett').tap();
  await row('1. szoba').getByText('Mentve').waitFor();
  assert.equal((await unitNamed('1. szoba')).state, 'occupied');
  await page.getByRole('button', { name: 'Visszavonás' }).tap();
  await row('1. szoba').locator('.state.good').waitFor();
  await comes(async () => (await unitNamed('1. szoba')).state === 'free', 'it is not taken back');
  assert.equal(await page.locator('.undo').count(), 0);
});

test('a double click is one press: it does not take itself back, and answers no request that moves up', async () => {
  const one = await open(r, 'shelter_staff');
  const there = one.page.locator('.unit:visible', { hasText: '1. szoba' });
  const button = there.locator('.unit-tools .button').first();
  await button.scrollIntoViewIfNeeded();
  const { x, y } = await button.boundingBox();
  await one.page.mouse.move(x + 20, y + 20);
  const press = async (clickCount) => { // of a double click the browser counts the second as such, however late it is
    await one.page.mouse.down({ clickCount });
    await one.page.mouse.up({ clickCount });
  };
  await one.page.evaluate(() => {
    globalThis.sent = 0;
    const { fetch } = globalThis;
    globalThis.fetch = (at, how) => { if (how?.method === 'PATCH') globalThis.sent++; return fetch(at, how); };
  });
  await press(1);
  await there.locator('.state.calm').waitFor();
  await press(2);
  assert.equal(await one.page.evaluate(() => new Promise((done) => setTimeout(() => done(globalThis.sent), 0))), 1);
  assert.equal((await unitNamed('1. szoba')).state, 'occupied');
  await button.press('Enter'); // keys are pressed one by one
  await there.locator('.state.good').waitFor();
  await one.context.close();
});

test('in a shared room that is full because one place is held, taking back does not send away who lives there', async () => {
  const one = await open(r, 'shelter_staff');
  const sent = [];
  let stands = { state: 'held', free_places: 0 }; // no shared room is in the sample's house with staff
  let read;
  await one.page.route('**/availability', async (route) => {
    if (route.request().method() === 'GET') read = await (await route.fetch()).json();
    else sent.push(stands = route.request().postDataJSON().units[0]);
    const [first, ...rest] = read.units;
    await route.fulfill({ json: { ...read, units: [{ ...first, shared: true, places: 4, ...stands }, ...rest] } });
  });
  await told(one.page);
  const there = one.page.locator('.unit:visible').first();
  await there.getByRole('button', { name: /^Több/ }).press('Enter');
  await one.page.getByRole('button', { name: 'Visszavonás' }).press('Enter');
  await comes(() => sent.length === 2, 'it is not taken back');
  assert.deepEqual([sent[0].state, sent[0].free_places, sent[1].state], ['partly_free', 1, 'occupied']);
  await one.context.close();
});

test('what can be taken back is large enough and can be read', async () => {
  await named(row('1. szoba'), 'Foglalt lett').tap();
  await page.locator('.undo').waitFor();
  await picture(page, 'house-undo-phone-hu'); // to look takes longer than it may be offered: nothing here waits for the press
  await touchable(page, 'undo');
  await accessible(page, 'undo');
  await named(row('1. szoba'), 'Szabad lett').tap();
  await row('1. szoba').locator('.state.good').waitFor();
});

test('taking back is offered for ten seconds, not longer', async () => {
  const one = await open(r, 'shelter_staff', { size: 'phone' });
  const there = one.page.locator('.unit:visible', { hasText: '2. szoba' });
  await there.waitFor();
  await one.page.clock.install();
  await one.page.clock.pauseAt(Date.now() + 10_000); // from here on its time goes by our word alone; no leap that would lock an idle screen
  const offers = () => one.page.locator('.undo').count();
  await named(there, 'Nem használható').tap();
  await comes(async () => {
    await one.page.clock.runFor(20);
    return offers();
  }, 'taking back is not offered');
  await one.page.clock.runFor(9500);
  assert.equal(await offers(), 1);
  await one.page.clock.runFor(1000);
  assert.equal(await offers(), 0);
  await one.context.close();
  await named(row('2. szoba'), 'Újra használható').tap();
  await row('2. szoba').locator('.state.good').waitFor();
});

test('a change made elsewhere is seen within a second', async () => {
  const unit = await unitNamed('1. szoba');
  for (const [state, tone, back] of [['out_of_use', 'bad', 'free'], ['free', 'good', 'out_of_use']])
    await within(1000, async () => {
      const set = async (to) => assert.equal((await staff.patch(`/v1/shelters/${house}/availability`, { units: [{ unit: unit.id, state: to }] })).status, 200);
      await set(back);
      await row('1. szoba').locator(`.state.${tone}`).waitFor({ state: 'detached' });
      return took(async () => {
        await set(state);
        await row('1. szoba').locator(`.state.${tone}`).waitFor();
      });
    }, 'seen');
});

test('one tap says that everything is correct', async () => {
  const was = (await units()).map((u) => u.confirmed_at);
  await sleep(1100); // times are whole seconds
  await page.getByRole('button', { name: /Minden adat helyes/ }).tap();
  await page.locator('.all-correct').getByText('Mentve').waitFor();
  const now = (await units()).map((u) => u.confirmed_at);
  now.forEach((at, i) => assert.ok(at > was[i], `unit ${i + 1}`));
});

test('a request says who comes and how long there is to answer, and two taps decline it with a reason', async () => {
  const { reservation, card } = await requested();
  const text = await card.innerText();
  assert.match(text, /1 felnőtt/);
  assert.match(text, new RegExp(reservation.check_word, 'i'));
  assert.match(text, /\d\d:\d\d/);
  await touchable(page, 'request');
  await named(card, 'Nem tudjuk fogadni').tap();
  await touchable(page, 'reasons');
  await accessible(page, 'reasons');
  await picture(page, 'house-decline-phone-hu');
  await card.locator('.reasons .button').first().tap();
  await card.waitFor({ state: 'detached' });
  const now = await stateOf(reservation);
  assert.equal(now.state, 'declined_by_house');
});

test('a request that comes stands behind those that wait: none moves from under the finger', async () => {
  const one = await open(r, 'shelter_staff', { size: 'phone' });
  let rows = [];
  await one.page.route('**/v1/reservations?*', (route) => route.fulfill({ json: { data: rows, limit: 100 } }));
  const request = (id, second) => ({ id: id.repeat(26), number: id, check_word: 'alma', state: 'requested', adults: 1, requested_at: `2026-11-22T10:00:0${second}Z` });
  const numbers = async () => (await one.page.locator('.urgent .card .code').allInnerTexts()).join();
  for (const [next, wanted] of [[request('5', 1), '5'], [request('2', 2), '5,2'], [request('7', 3), '5,2,7']]) {
    rows = [...rows, next].sort((a, b) => a.id.localeCompare(b.id)); // as the service lists them: by random ids
    await told(one.page);
    await comes(async () => (await numbers()).length === wanted.length, 'the request does not come');
    assert.equal(await numbers(), wanted);
  }
  await one.context.close();
});

test('a request that is taken back elsewhere leaves the phone by itself', async () => {
  const { reservation, card } = await requested();
  assert.equal((await desk.post(`/v1/reservations/${reservation.id}/cancel`, { reason: 'contact_lost' })).status, 200);
  await card.waitFor({ state: 'detached' });
});

/** Days later: every token is over, and everybody signs in again. */
async function later(days) {
  // amid the press: between two lines of ours the end of the stream might lock the page before it
  await page.route('**/confirmations', (route) => {
    clock.jump(days * DAY);
    return route.continue();
  }, { times: 1 });
  const { user, passphrase } = r.credentials('shelter_staff');
  await page.getByRole('button', { name: /Minden adat helyes/ }).tap();
  await page.locator('input[name=passphrase]').fill(passphrase);
  await page.keyboard.press('Enter');
  await staff.signIn(user, passphrase);
}

let stay; // from here on the same household

test('what was accepted can still be declined, with a reason, and who may be on the way is thought of', async () => {
  const { reservation, card } = await requested();
  await named(card, 'Elfogadom').tap();
  const expected = panel(page, 'Érkezők').locator('.card', { hasText: reservation.number });
  await named(expected, 'Mégsem tudjuk fogadni').tap();
  await expected.getByText('hívják az OKIT-ot is').waitFor();
  await touchable(page, 'declining what was accepted');
  await accessible(page, 'declining what was accepted');
  await named(expected, 'Vissza').tap();
  assert.equal((await stateOf(reservation)).state, 'confirmed', 'going back changes nothing');
  await named(expected, 'Mégsem tudjuk fogadni').tap();
  await expected.locator('.reasons .button').first().tap();
  await expected.waitFor({ state: 'detached' });
  assert.equal((await stateOf(reservation)).state, 'declined_by_house');
});

test('one tap accepts, one more says that they are here', async () => {
  const { reservation, card } = await requested();
  stay = reservation;
  await named(card, 'Elfogadom').tap();
  const expected = panel(page, 'Érkezők').locator('.card', { hasText: stay.number });
  await expected.waitFor();
  await picture(page, 'house-expected-phone-hu');
  await named(expected, 'Megérkezett').tap();
  const here = panel(page, 'Itt laknak').locator('.card', { hasText: stay.number });
  await here.waitFor();
  assert.equal((await stateOf(stay)).state, 'in_stay');
  assert.match(await here.innerText(), /A tartózkodás vége/);
  assert.equal(await here.locator('.state.wait').count(), 0);
});

test('the calendar is a file for the own calendar, and tells nobody\'s number', async () => {
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Naptár' }).tap();
  const file = await saving;
  assert.equal(file.suggestedFilename(), 'menedek.ics');
  const text = readFileSync(await file.path(), 'utf8');
  assert.match(text, /^BEGIN:VCALENDAR\r\n[^]*A tartózkodás törvényes vége[^]*END:VCALENDAR\r\n$/);
  assert.ok(!text.includes(stay.number));
});

test('days before its legal end a stay warns, and it is extended with a justification', async () => {
  const end = (await staff.get(`/v1/reservations/${stay.id}`)).json.stay_end;
  await later(25);
  const here = panel(page, 'Itt laknak').locator('.card', { hasText: stay.number });
  await here.getByText('Hamarosan vége').waitFor();
  assert.match(await here.innerText(), /még [234] nap/);
  await touchable(page, 'end of a stay'); // the longest line of the screen
  await page.locator('.trouble', { hasText: 'jelentkezzen be újra' }).first().waitFor({ state: 'detached' }); // that has been done: now it says to try again
  await page.locator('.trouble', { hasText: 'közben zárolódott' }).waitFor();
  await picture(page, 'house-ends-soon-phone-hu');
  await named(here, 'Hosszabbítás').tap();
  await here.getByLabel('Új határnap').fill(DAY_OF(end, 40));
  assert.equal(await named(here, 'Hosszabbítás').getAttribute('aria-disabled'), 'true'); // not without a reason
  await here.getByLabel('Indok').selectOption('proceedings_pending');
  await touchable(page, 'extension');
  await accessible(page, 'extension');
  await named(here, 'Hosszabbítás').tap();
  await here.locator('.trouble').waitFor(); // beyond what the law allows: refused in words, and what was typed stays
  assert.equal(await here.getByLabel('Új határnap').inputValue(), DAY_OF(end, 40));
  await picture(page, 'house-extend-refused-phone-hu');
  await here.getByLabel('Új határnap').fill(DAY_OF(end, 28));
  await named(here, 'Hosszabbítás').tap();
  await here.getByText('A tartózkodás vége').waitFor();
  assert.equal((await staff.get(`/v1/reservations/${stay.id}`)).json.stay_end, DAY_OF(end, 28));
});

test('past its end a stay says so and keeps its room, until two taps say where they went', async () => {
  await later(33); // a day more than its calendar needs, since on one night there is an hour less
  const here = panel(page, 'Itt laknak').locator('.card', { hasText: stay.number });
  await here.getByText(/A határidő lejárt \(\d{4}\. \S+ \d+\.\)\. A szoba/).waitFor();
  await picture(page, 'house-over-phone-hu');
  await named(here, 'Kiköltözött').tap();
  await touchable(page, 'leaving');
  await named(here, 'önálló lakhatás').tap();
  await here.waitFor({ state: 'detached' });
  clean(page);
});
