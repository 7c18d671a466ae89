// SPDX-License-Identifier: Apache-2.0
// The shift lead: break-glass by two people on two devices, which the house sees with both names; a house that does not answer,
// taking over; and a family-support service, whose request the helpline takes over and whose outcome comes back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Clockwork, MINUTE } from '../api/lib/clockwork.mjs';
import { comes } from '../api/lib/patience.mjs';
import { reservationIn } from '../api/lib/scenes.mjs';
import { accessible, clean, focused, open, panel, picture, quit } from './lib/browser.mjs';

let clock, r, silent, sure, lead, second;

before(async () => {
  clock = await new Clockwork().start();
  r = clock.registry;
  silent = (await reservationIn(r, 'requested')).reservation;
  sure = (await reservationIn(r, 'confirmed')).reservation;
  lead = (await open(r, 'shift_lead')).page;
  second = (await open(r, 'counsellor', { person: { user: 'okit.dora', passphrase: r.passphrase('okit.dora') } })).page;
});
after(async () => {
  await quit();
  await r.close();
});

const view = (page, name) => page.getByRole('navigation', { name: 'Nézetek' }).getByRole('button', { name });
const card = (page, reservation) => page.locator('.card:visible', { hasText: reservation.number });
const named = (within, name) => within.getByRole('button', { name, exact: true });

test('break-glass needs another person on another device, tells once, and the house reads both names', async () => {
  await view(lead, 'Ügyelet').press('Enter');
  const manager = (await open(r, 'shelter_manager')).page;
  await manager.locator('.units:visible').waitFor();
  await named(card(lead, sure), 'Vészhelyzeti betekintés').press('Enter');
  await accessible(lead, 'why break-glass');
  await picture(lead, 'break-glass-why-desktop-hu');
  await card(lead, sure).locator('.reasons .button').first().press('Enter');
  const mine = panel(lead, 'Vészhelyzeti betekintés').locator('.urgent .card');
  await mine.getByText('Jóváhagyásra vár').waitFor();
  assert.equal(await named(mine, 'Jóváhagyom').count(), 0, 'not by herself');
  const asked = second.locator('.urgent .card', { hasText: 'okit.vezeto' });
  await asked.waitFor();
  assert.equal(await named(asked, 'Cím megtekintése (egyszer)').count(), 0);
  await accessible(second, 'break-glass asked');
  await picture(second, 'break-glass-asked-desktop-hu');
  await named(asked, 'Jóváhagyom').press('Enter');
  await named(mine, 'Cím megtekintése (egyszer)').waitFor();
  assert.match(await mine.innerText(), /Jóváhagyta: okit\.dora/);
  // it is told once: whichever screen she is on when the answer comes, and when none comes its key is kept
  const tries = [];
  let answer;
  await lead.route('**/break-glass/*/disclosures', async (route) => {
    tries.push(route.request().headers()['idempotency-key']);
    await new Promise((done) => { answer = done; });
    await (tries.length === 1 ? route.abort() : route.continue());
  });
  const elsewhere = async (press, end) => {
    await press();
    await comes(() => answer, 'it is not asked for');
    await view(lead, 'Munkatársak').press('Enter');
    await mine.waitFor({ state: 'detached' });
    const ended = lead.waitForEvent(end, (q) => q.url().endsWith('/disclosures'));
    answer();
    answer = undefined;
    await ended;
    await view(lead, 'Ügyelet').press('Enter');
  };
  await elsewhere(() => named(mine, 'Cím megtekintése (egyszer)').press('Enter'), 'requestfailed');
  const again = panel(lead, 'Vészhelyzeti betekintés').getByRole('button', { name: 'Újra', exact: true });
  await elsewhere(() => again.press('Enter'), 'requestfinished');
  assert.deepEqual([tries.length, tries[1]], [2, tries[0]]);
  const place = lead.locator('.location:visible');
  await place.waitFor();
  assert.match(await place.innerText(), /\+36/);
  await accessible(lead, 'break-glass told');
  await picture(lead, 'break-glass-told-desktop-hu');
  await named(place, 'Eltakarom').press('Enter');
  await place.waitFor({ state: 'detached' });
  await lead.getByText('Cím megtekintése (egyszer)').waitFor({ state: 'detached' });
  const said = manager.locator('main .banner.bad');
  await said.waitFor();
  assert.match(await said.innerText(), /okit\.vezeto, okit\.dora/);
  await accessible(manager, 'house after break-glass');
  await picture(manager, 'house-break-glass-desktop-hu');
  clean(manager);
});

test('a family-support service asks, the helpline takes over, and only the outcome comes back', async () => {
  const family = (await open(r, 'family_support', { size: 'phone' })).page;
  const capacity = family.locator('main .scroll').first();
  await capacity.getByRole('row').nth(1).getByRole('cell').last().waitFor();
  assert.ok(await capacity.evaluate((e) => e.scrollWidth <= e.clientWidth), 'no region is out of sight on a phone');
  assert.equal(await capacity.getByRole('columnheader').count(), 4);
  await family.getByText('Kérés a segélyvonalnak').tap();
  await family.getByRole('spinbutton', { name: /Lány 3–9/ }).fill('1');
  await accessible(family, 'asking');
  await picture(family, 'support-asking-phone-hu');
  await family.getByRole('button', { name: 'Elküldöm a segélyvonalnak' }).tap();
  const mine = panel(family, 'Saját kérések');
  await mine.getByText('folyamatban').waitFor();
  const waiting = second.locator('.banner.wait', { hasText: 'Átvételre vár' });
  await waiting.waitFor();
  await picture(second, 'desk-waiting-desktop-hu');
  await named(waiting, 'Átveszem').press('Enter');
  await waiting.waitFor({ state: 'detached' });
  await second.locator('.candidates:visible').waitFor();
  await named(second.locator('.panel:visible'), 'Lezárás').press('Enter');
  await named(second.locator('.panel:visible'), 'más segítség').press('Enter');
  await mine.getByText('más segítség').waitFor();
  assert.doesNotMatch(await mine.innerText(), /Nyugat|1\+1/);
  for (const page of [family, second]) clean(page);
});

test('what family support is shown is old or not by the service\'s clock, and is read anew, though not behind the lock', async () => {
  const { page } = await open(r, 'family_support');
  const { user, passphrase } = r.credentials('family_support');
  const enter = async () => {
    await page.locator('input[name=passphrase]').fill(passphrase);
    await page.keyboard.press('Enter');
  };
  await page.clock.install({ time: Date.now() - 3 * 3_600_000 }); // the laptop's is three hours late
  const asked = { capacity: 0, episodes: 0 };
  page.on('request', (q) => { for (const what of Object.keys(asked)) if (new URL(q.url()).pathname === `/v1/${what}`) asked[what]++; });
  await page.reload();
  await page.locator('input[name=user]').fill(user);
  await enter();
  const said = panel(page, 'Hol van esély helyre').locator('header span');
  await page.clock.runFor(1000);
  await said.waitFor();
  assert.equal(await said.getAttribute('class'), 'quiet', 'just read');
  const capacity = () => page.waitForResponse((a) => a.url().endsWith('/v1/capacity'));
  const again = capacity();
  for (let i = 0; i < 2; i++) {
    await page.keyboard.press('Shift'); // somebody is here
    await page.clock.runFor(160_000);
  }
  await again;
  await page.getByRole('button', { name: 'Elrejtés', exact: true }).click();
  await focused(page, '.cover button');
  Object.assign(asked, { capacity: 0, episodes: 0 });
  await page.clock.runFor(10 * 60_000);
  assert.deepEqual(asked, { capacity: 0, episodes: 0 }, 'nobody is here to read it');
  await page.keyboard.press('Enter');
  const fresh = capacity();
  await enter();
  await fresh;
  clean(page);
  await page.context().close();
});

test('a house that does not answer stands first, with what to do', async () => {
  await card(lead, silent).waitFor();
  await lead.route('**/take-over', (route) => { // amid the press: the end of the stream might lock the page before it
    clock.jump(16 * MINUTE); // every token is over
    return route.continue();
  }, { times: 1 });
  await named(card(lead, silent), 'Átveszem').press('Enter');
  await lead.locator('input[name=passphrase]').fill(r.credentials('shift_lead').passphrase);
  await lead.keyboard.press('Enter');
  await lead.getByText(/Több mint (1[6-9]|2\d) perce/).waitFor(); // as long as it is, whatever escalate-first says
  const first = await lead.locator('.cards:visible .card').first().innerText();
  assert.match(first, new RegExp(silent.number));
  assert.match(first, /Több mint \d\d perce nincs válasz: hívja fel/);
  assert.doesNotMatch(await card(lead, sure).innerText(), /nincs válasz/);
  await accessible(lead, 'lead');
  await picture(lead, 'lead-escalated-desktop-hu');
});

test('what the lock interrupted goes on, and the call is at the own desk', async () => {
  await named(card(lead, silent), 'Újra').press('Enter');
  await card(lead, silent).getByText('Mentve').waitFor();
  await view(lead, 'Segélyvonal').press('Enter');
  const calls = lead.getByRole('navigation', { name: 'Hívások' }).getByRole('button', { name: /1\+0 fő/ });
  await calls.first().waitFor();
  const shown = lead.locator('.aloud:visible', { hasText: silent.number });
  for (let i = 0; i < await calls.count() && await shown.count() === 0; i++) {
    await calls.nth(i).press('Enter');
    await lead.locator('.aloud:visible').waitFor();
  }
  assert.equal(await shown.count(), 1);
  clean(lead);
});

test('a hold whose time has run out is said to be over, and others are offered', async () => {
  const { user, passphrase } = r.credentials('counsellor');
  await (await r.as('counsellor')).signIn(user, passphrase);
  const { reservation } = await reservationIn(r, 'held');
  const { page } = await open(r, 'counsellor');
  const calls = page.getByRole('navigation', { name: 'Hívások' }).getByRole('button', { name: /1\+0 fő/ });
  await calls.last().press('Enter');
  await page.locator('.aloud:visible', { hasText: reservation.number }).waitFor();
  clock.jump(31 * MINUTE); // every token is over, too: the end of the stream locks the page
  await page.locator('input[name=passphrase]').fill(passphrase);
  await page.keyboard.press('Enter');
  await page.locator('.banner[role=alert]:visible', { hasText: 'A foglalás ideje lejárt, a hely már nincs fenntartva. A következő illő hely' }).waitFor();
  assert.equal(await page.locator('.panel:visible .countdown').count(), 0);
  await page.locator('.candidates:visible').waitFor();
  clean(page);
});
