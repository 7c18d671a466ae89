// SPDX-License-Identifier: Apache-2.0
// What administrators and house managers do: people, devices, houses; by keyboard and by touch.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { comes } from '../api/lib/patience.mjs';
import { Client, Registry } from '../api/lib/registry.mjs';
import { accessible, clean, focused, leave, open, picture, quit, touchable } from './lib/browser.mjs';

let r;
before(async () => { r = await new Registry().start(); });
after(async () => {
  await quit();
  await r.close();
});

/** Go to the screen called ${name}, by keyboard or by touch. */
async function show(page, name, touch = false) {
  const button = page.locator('nav.tabs').first().getByRole('button', { name, exact: true });
  await (touch ? button.tap() : button.press('Enter'));
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

const panel = (page, title) => page.locator('.panel', { has: page.getByRole('heading', { name: title, exact: true }) });
const card = (page, text) => page.locator('.card', { has: page.getByText(text, { exact: true }) });

/** The browser has stopped at what is not chosen yet. */
async function unsaid(page, label) {
  await page.waitForFunction(() => document.activeElement.matches('select:invalid'));
  assert.ok(await page.getByLabel(label, { exact: true }).evaluate((e) => e === document.activeElement), label);
}

/** The first passphrase that stands on the page, taken note of and put away. */
async function keepSecret(page, keep) {
  const secret = await page.locator('.location .secret').innerText();
  await keep();
  await page.locator('.location').waitFor({ state: 'detached' });
  return secret;
}

test('an admin adds a counsellor by keyboard; another admin agrees by touch; then she can come in', async () => {
  const { page, context } = await open(r, 'admin');
  await show(page, 'Munkatársak');
  const add = panel(page, 'Új munkatárs');
  await add.getByLabel('Felhasználónév').fill('Uj Kata');
  await add.getByLabel('Szervezet').selectOption({ label: 'OKIT (minta)' });
  await add.getByRole('checkbox', { name: 'ellenőr' }).press('Space');
  await add.getByLabel('Felhasználónév').fill('uj.kata');
  await add.getByRole('button', { name: 'Új munkatárs' }).press('Enter');
  await add.locator('.wrong').first().waitFor(); // an auditor has no place in a helpline; what was typed is still there
  assert.equal(await add.getByLabel('Felhasználónév').inputValue(), 'uj.kata');
  await accessible(page, 'people, refused');
  await add.getByRole('checkbox', { name: 'ellenőr' }).press('Space');
  await add.getByRole('checkbox', { name: 'Krízistanácsadó' }).press('Space');
  await add.getByRole('button', { name: 'Új munkatárs' }).press('Enter');
  await page.locator('.location .secret').waitFor();
  await accessible(page, 'people, first passphrase');
  await picture(page, 'people-first-desktop-hu');
  const secret = await keepSecret(page, () => page.getByRole('button', { name: 'Eltettem' }).press('Enter'));
  assert.doesNotMatch(await page.content(), new RegExp(secret));
  assert.equal(await add.getByRole('checkbox', { checked: true }).count(), 0, 'the next person would get the same rights by oversight');
  const own = page.locator('.urgent .card', { hasText: 'uj.kata' });
  await own.waitFor();
  assert.equal(await own.getByRole('button', { name: 'Jóváhagyom' }).count(), 0); // not by who asked

  const second = await open(r, 'admin_second', { size: 'phone' });
  await show(second.page, 'Munkatársak', true);
  const waiting = second.page.locator('.urgent .card', { hasText: 'uj.kata' });
  await waiting.waitFor();
  await accessible(second.page, 'people, approval');
  await picture(second.page, 'people-approval-phone-hu');
  await waiting.getByRole('button', { name: 'Jóváhagyom' }).tap();
  await waiting.waitFor({ state: 'detached' });
  await r.bare('counsellor').signIn('uj.kata', secret);
  clean(page);
  clean(second.page);
  await context.close();
  await second.context.close();
});

test('a lost passphrase: asked for, agreed to by another person, told to that one only', async () => {
  const { page, context } = await open(r, 'admin');
  await show(page, 'Munkatársak');
  const who = 'okit.dora';
  await page.getByLabel('Keresés').fill(who);
  const row = card(page, who);
  await row.getByRole('button', { name: 'Módosítás' }).press('Enter');
  await row.getByRole('button', { name: 'Új jelmondat' }).press('Enter');
  await row.getByRole('button', { name: 'Igen: Új jelmondat' }).press('Enter');
  await row.locator('.location').waitFor();
  assert.equal(await row.locator('.secret').count(), 0);
  const second = await open(r, 'admin_second');
  await show(second.page, 'Munkatársak');
  await second.page.locator('.urgent .card', { hasText: who }).getByRole('button', { name: 'Jóváhagyom' }).press('Enter');
  await second.page.locator('.location .secret').waitFor();
  const secret = await keepSecret(second.page, () => second.page.getByRole('button', { name: 'Eltettem' }).press('Enter'));
  await r.bare('counsellor').signIn(who, secret);
  await context.close();
  await second.context.close();
});

test('a house manager sees the own people only, gives house roles only, and withdraws with a second press', async () => {
  const { page, context } = await open(r, 'shelter_manager', { size: 'phone' });
  await show(page, 'Munkatársak', true);
  const add = panel(page, 'Új munkatárs');
  assert.deepEqual(await add.locator('.pill').allInnerTexts(), ['Intézményi munkatárs', 'Intézményvezető']);
  assert.equal(await add.getByLabel('Szervezet').count(), 0);
  const row = page.locator('.card', { hasText: 'haz.nyugat1' });
  await row.waitFor();
  await row.getByRole('button', { name: 'Módosítás' }).tap();
  await row.getByRole('button', { name: 'Hozzáférés visszavonása' }).tap();
  await row.getByRole('button', { name: 'Vissza', exact: true }).tap(); // the same place, pressed twice, takes it back
  await row.getByText('aktív').waitFor();
  await row.getByRole('button', { name: 'Hozzáférés visszavonása' }).tap();
  await row.getByRole('button', { name: /^Igen/ }).tap();
  await row.getByText('visszavonva').waitFor();
  await assert.rejects(r.bare('shelter_staff').signIn('haz.nyugat1', r.credentials('shelter_staff').passphrase), /401/);
  await accessible(page, 'people, withdrawn');
  assert.doesNotMatch(await page.locator('main').innerText(), /okit/);
  clean(page);
  await context.close();
});

test('withdrawing that is sent again since its answer was lost withdraws, and brings nobody back', async () => {
  const { page, context } = await open(r, 'admin');
  await show(page, 'Munkatársak');
  const row = card(page, 'okit.dora');
  let isLost = true;
  await page.route('**/v1/users/*', async (route) => { // the first time it is done, and nobody hears of it
    if (route.request().method() !== 'PATCH' || !isLost) return route.continue();
    isLost = false;
    await route.fetch();
    return route.abort();
  });
  await row.getByRole('button', { name: 'Módosítás' }).press('Enter');
  await row.getByRole('button', { name: 'Hozzáférés visszavonása' }).press('Enter');
  await row.getByRole('button', { name: /^Igen/ }).press('Enter');
  await row.locator('.trouble').waitFor();
  const other = card(page, 'okit.vezeto'); // whatever else is done reads the list anew
  await other.getByRole('button', { name: 'Módosítás' }).press('Enter');
  await other.getByRole('button', { name: 'Kiléptetés' }).press('Enter');
  await other.getByRole('button', { name: /^Igen/ }).press('Enter');
  await row.getByText('visszavonva').waitFor();
  await row.getByRole('button', { name: 'Újra' }).press('Enter');
  await row.getByText('Mentve').waitFor();
  const admin = await r.as('admin');
  const { id } = (await admin.get('/v1/users?limit=100')).json.data.find((u) => u.name === 'okit.dora');
  const { json: person, headers } = await admin.get(`/v1/users/${id}`);
  assert.deepEqual([person.retired, person.pending], [true, undefined], 'she is back, or waits for it');
  const back = await admin.patch(`/v1/users/${id}`, { retired: false }, { 'If-Match': headers.etag });
  await r.agree(back.json.pending); // for the tests that follow
  clean(page);
  await leave(context);
});

test('a person changed elsewhere meanwhile: what was ticked stays, and the next press is over what is there now', async () => {
  const { page, context } = await open(r, 'admin');
  await show(page, 'Munkatársak');
  await page.getByLabel('Keresés').fill('okit.vezeto');
  const row = card(page, 'okit.vezeto');
  await row.getByRole('button', { name: 'Módosítás' }).press('Enter');
  await row.getByRole('button', { name: 'Szerepkörök' }).press('Enter');
  await row.getByRole('checkbox', { name: 'Krízistanácsadó' }).press('Space');
  const admin = await r.as('admin');
  const { id } = (await admin.get('/v1/users?limit=100')).json.data.find((u) => u.name === 'okit.vezeto');
  assert.equal((await admin.send('POST', `/v1/users/${id}/sign-out`)).status, 204); // a new version
  const ticked = await row.getByRole('checkbox', { name: 'Krízistanácsadó' }).isChecked();
  await row.getByRole('button', { name: 'Mentés' }).press('Enter');
  await row.locator('.trouble').waitFor();
  assert.equal(await row.getByRole('checkbox', { name: 'Krízistanácsadó' }).isChecked(), ticked);
  await row.getByRole('button', { name: 'Mentés' }).press('Enter');
  await row.getByRole('button', { name: 'Mentés' }).waitFor({ state: 'detached' });
  clean(page);
  await context.close();
});

test('a device is invited: the file first, then its passphrase; it opens the door until it is revoked', async () => {
  const { page, context } = await open(r, 'shelter_manager');
  await show(page, 'Eszközök');
  await panel(page, 'Új eszköz').getByLabel('Az eszköz neve').fill('Új telefon');
  await page.keyboard.press('Enter');
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'A .p12 fájl mentése' }).press('Enter');
  const file = await saving;
  assert.match(file.suggestedFilename(), /^[0-9a-z]{6}\.p12$/);
  await file.saveAs(join(r.work, 'kit.p12'));
  await page.locator('.location .secret').waitFor();
  const again = page.waitForEvent('download'); // the browser may have asked where to, and been told nowhere
  await page.getByRole('button', { name: 'A .p12 fájl mentése' }).press('Enter');
  await (await again).saveAs(join(r.work, 'again.p12'));
  assert.deepEqual(readFileSync(join(r.work, 'again.p12')), readFileSync(join(r.work, 'kit.p12')));
  await accessible(page, 'devices, passphrase');
  await picture(page, 'devices-passphrase-desktop-hu');
  const secret = await keepSecret(page, () => page.getByRole('button', { name: 'Eltettem' }).press('Enter'));
  const from = (...more) => r.openssl('pkcs12', '-in', 'kit.p12', '-passin', `pass:${secret}`, ...more);
  from('-nodes', '-nocerts', '-out', 'kit.key');
  from('-clcerts', '-nokeys', '-out', 'kit.crt');
  const { user, passphrase } = r.credentials('shelter_manager');
  const phone = await new Client(r, { device: join(r.work, 'kit') }).signIn(user, passphrase);

  const own = page.locator('.card', { hasText: 'Ezen az eszközön dolgozik most' });
  assert.equal(await own.getByRole('button').count(), 0); // nobody shuts herself out
  const row = card(page, 'Új telefon');
  await row.getByRole('button', { name: 'Visszavonás' }).press('Enter');
  await row.getByRole('button', { name: /^Igen/ }).press('Enter');
  await row.getByText('visszavonva').waitFor();
  assert.equal((await phone.get('/v1/me')).status, 403);
  phone.end();
  clean(page);
  await context.close();
});

test('a list of more than a thousand is read to its end: what is in it can be withdrawn', async () => {
  const { page, context } = await open(r, 'admin');
  const [one] = (await (await r.as('admin')).get('/v1/devices')).json.data;
  await page.route('**/v1/devices?*', (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get('cursor'));
    const data = Array.from({ length: 100 }, (_, i) => ({ ...one, id: `${from + i}`, name: `gép ${from + i}` }));
    return route.fulfill({ json: { data, ...(from < 1000 && { next_cursor: `${from + 100}` }) } });
  });
  await show(page, 'Eszközök');
  await page.locator('.card').nth(999).waitFor();
  assert.equal(await card(page, 'gép 1099').count(), 1, 'it is cut, and says nothing');
  clean(page);
  await leave(context);
});

test('a kit for an old phone is warned of before and after, and is sealed so that it opens there', async () => {
  const { page, context } = await open(r, 'admin', { size: 'phone' });
  await show(page, 'Eszközök', true);
  const invite = panel(page, 'Új eszköz');
  await invite.getByLabel('Az eszköz neve').fill('Régi telefon');
  assert.equal(await invite.locator('.trouble').count(), 0);
  await invite.getByText('Android 13 vagy régebbi telefon').tap();
  await invite.getByText('gyengébben van lezárva').waitFor();
  await accessible(page, 'devices, old phone');
  await touchable(page, 'devices, old phone');
  await picture(page, 'devices-old-phone-hu');
  await invite.getByRole('button', { name: 'Új eszköz' }).tap();
  await invite.getByText('gyengébben van lezárva').waitFor();
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'A .p12 fájl mentése' }).tap();
  await (await saving).saveAs(join(r.work, 'old.p12'));
  const secret = await keepSecret(page, () => page.getByRole('button', { name: 'Eltettem' }).tap());
  const { stderr } = spawnSync('openssl', ['pkcs12', '-legacy', '-info', '-noout', '-in', join(r.work, 'old.p12'), '-passin', `pass:${secret}`], { encoding: 'utf8' });
  assert.match(stderr, /^MAC: sha1,[^]*^Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC/m);
  assert.ok(!await invite.getByLabel('Android 13 vagy régebbi telefon').isChecked(), 'the next one is sealed well again');
  clean(page);
  await context.close();
});

const profile = (page) => page.locator('.panel', { has: page.getByLabel('fogad új ügyfelet') });

test('a house: what a manager types stays when an administrator was sooner, and only that is written', async () => {
  const { page, context } = await open(r, 'shelter_manager');
  await show(page, 'Intézmény adatai');
  const form = profile(page);
  await form.getByRole('checkbox', { name: 'háziállat' }).press('Space');
  await form.getByLabel('Engedélyezett férőhely').fill('41');
  const manager = await r.as('shelter_manager');
  const { id } = (await manager.get('/v1/shelters')).json.data[0];
  const path = `/v1/shelters/${id}`;
  const before = (await manager.get(path)).json;
  const admin = await r.as('admin');
  const { etag } = (await admin.get(path)).headers;
  const other = await admin.patch(path, { is_open: !before.is_open, admission: { waitlist: !before.admission.waitlist } }, { 'If-Match': etag });
  assert.equal(other.status, 200, other.text);
  await form.getByRole('button', { name: 'Mentés' }).press('Enter');
  await form.locator('.trouble').waitFor();
  assert.equal(await form.getByLabel('Engedélyezett férőhely').inputValue(), '41');
  assert.equal(await form.getByRole('checkbox', { name: 'fogad új ügyfelet' }).isChecked(), !before.is_open); // shown as it is now
  await accessible(page, 'house, changed meanwhile');
  await picture(page, 'houses-changed-desktop-hu');
  await form.getByRole('button', { name: 'Mentés' }).press('Enter');
  await form.getByText('Mentve').waitFor();
  const now = (await manager.get(path)).json;
  assert.deepEqual([now.licensed_capacity, now.is_open, now.admission.pets, now.admission.waitlist],
    [41, !before.is_open, !before.admission.pets, !before.admission.waitlist]);
  await form.getByRole('checkbox', { name: 'fogad új ügyfelet' }).press('Space');
  const saved = page.waitForResponse((a) => a.url().endsWith(path) && a.request().method() === 'PATCH');
  await form.getByRole('button', { name: 'Mentés' }).press('Enter');
  assert.equal((await saved).status(), 200); // as it was, for the tests that follow
  clean(page);
  await context.close();
});

test('an admin makes an operator and its house by keyboard, changes a room, and is told who goes on', async () => {
  const { page, context } = await open(r, 'admin');
  await show(page, 'Szervezetek');
  const org = panel(page, 'Új szervezet');
  await org.getByLabel('Név').fill('Tündérkert Alapítvány (minta)');
  await page.keyboard.press('Enter');
  await unsaid(page, 'Fajta'); // it has no default
  assert.equal(await org.getByLabel('Név').inputValue(), 'Tündérkert Alapítvány (minta)');
  await accessible(page, 'organisations, refused');
  await org.getByLabel('Fajta').selectOption('shelter_operator');
  await org.getByRole('button', { name: 'Új szervezet' }).press('Enter');
  const row = card(page, 'Tündérkert Alapítvány (minta)');
  await row.getByRole('button', { name: 'Módosítás' }).press('Enter');
  await row.getByLabel('Név').fill('Tündérkert (minta)');
  await picture(page, 'organisations-change-desktop-hu');
  await page.keyboard.press('Enter');
  await card(page, 'Tündérkert (minta)').waitFor();

  await show(page, 'Intézmény adatai');
  const add = page.locator('.panel', { has: page.locator('summary', { hasText: 'Új intézmény' }) });
  await add.locator('summary').press('Enter');
  await add.getByLabel('Fedőnév').fill('Nyugat 77');
  await add.getByLabel('Szervezet').selectOption({ label: 'Tündérkert (minta)' });
  await add.getByLabel('Típus').selectOption('crisis_centre');
  await add.getByLabel('Engedélyezett férőhely').fill('8');
  await add.getByRole('button', { name: 'Új intézmény' }).press('Enter');
  await unsaid(page, 'Megye'); // never taken by oversight
  await accessible(page, 'house, refused');
  await picture(page, 'houses-new-desktop-hu');
  await add.getByLabel('Megye').selectOption('HU222');
  await add.getByRole('button', { name: 'Új intézmény' }).press('Enter');
  await add.getByText('vegye fel a vezetőjét').waitFor();
  await page.getByRole('heading', { name: 'Nyugat 77' }).waitFor(); // and is picked
  await page.waitForFunction(() => [...document.querySelectorAll('select')].some((s) => s.selectedOptions[0]?.label === 'Nyugat 77'));
  const rooms = panel(page, 'Szobák');
  await rooms.locator('summary').press('Enter');
  await rooms.locator('details').getByLabel('Név').fill('Első szoba');
  await rooms.locator('details').getByRole('button', { name: 'Új szoba' }).press('Enter');
  const room = rooms.locator('.unit', { hasText: 'Első szoba' });
  await room.getByRole('button', { name: 'Módosítás' }).press('Enter');
  await room.getByLabel('Kiságy').fill('2');
  await room.getByRole('button', { name: 'Mentés' }).press('Enter');
  await room.getByText('3 hely').waitFor();
  await picture(page, 'houses-room-desktop-hu');
  const made = (await (await r.as('admin')).get('/v1/shelters?limit=100')).json.data.find((s) => s.code_name === 'Nyugat 77');
  assert.deepEqual([made.type, made.licensed_capacity, made.is_open], ['crisis_centre', 8, false]);
  clean(page);
  await context.close();
});

test('rooms are added, changed and retired by touch', async () => {
  const { page, context } = await open(r, 'shelter_manager', { size: 'phone' });
  await show(page, 'Intézmény adatai', true);
  const rooms = panel(page, 'Szobák');
  await rooms.locator('summary').tap();
  const add = rooms.locator('details');
  await add.getByLabel('Név').fill('Kék szoba');
  await add.getByLabel('Gyermekágy').fill('2');
  await add.getByRole('checkbox', { name: 'akadálymentes hely' }).tap();
  await add.getByRole('button', { name: 'Új szoba' }).tap();
  const room = rooms.locator('.unit', { hasText: 'Kék szoba' });
  await room.getByText('3 hely').waitFor();
  await room.getByRole('button', { name: 'Módosítás' }).tap();
  await room.getByLabel('Felnőtt ágy').fill('2');
  await accessible(page, 'room');
  await picture(page, 'houses-room-phone-hu');
  await room.getByRole('button', { name: 'Mentés' }).tap();
  await room.getByText('4 hely').waitFor();
  await room.getByRole('button', { name: 'Módosítás' }).tap();
  await room.getByRole('button', { name: 'Megszüntetés' }).tap();
  await room.getByRole('button', { name: /^Igen/ }).tap();
  await room.waitFor({ state: 'detached' });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'scrolls sideways');
  clean(page);
  await context.close();
});

test('the own location: covered until asked for, written, covered again after a minute, and the look is in the list', async () => {
  const { page, context } = await open(r, 'shelter_manager');
  await page.clock.install();
  await show(page, 'Intézmény adatai');
  const place = panel(page, 'Cím és felvételi telefon');
  await place.waitFor();
  assert.doesNotMatch(await page.locator('main').innerText(), /\+36/);
  await place.getByRole('button', { name: 'Új adatok beírása' }).press('Enter');
  for (const field of await place.locator('textarea, input').all()) // nor does a browser send it to a speller, or keep it
    assert.deepEqual(await field.evaluate((e) => [e.spellcheck, e.autocomplete]), [false, 'off']);
  await place.getByLabel('Cím').fill('9999 Mintafalva, Próba utca 1.');
  await place.getByLabel('Felvételi telefon').fill('nem szám');
  await place.getByRole('button', { name: 'Mentés' }).press('Enter');
  await place.locator('.wrong').waitFor();
  assert.equal(await place.getByLabel('Cím').inputValue(), '9999 Mintafalva, Próba utca 1.');
  await place.getByLabel('Felvételi telefon').fill('+36 1 999 0000');
  await accessible(page, 'location');
  await place.getByRole('button', { name: 'Mentés' }).press('Enter');
  await place.getByText('Mentve').waitFor();
  await place.getByRole('button', { name: 'Megmutatás' }).press('Enter');
  await place.getByLabel('Cím').waitFor();
  assert.equal(await place.getByLabel('Cím').inputValue(), '9999 Mintafalva, Próba utca 1.');
  await page.clock.fastForward(61_000);
  await place.getByRole('button', { name: 'Megmutatás' }).waitFor();
  assert.doesNotMatch(await page.content(), /Mintafalva|999 0000/);
  await place.getByRole('button', { name: 'Megmutatás' }).press('Enter');
  await place.getByLabel('Cím').waitFor();
  await page.clock.setSystemTime(await page.evaluate(() => Date.now() + 61_000)); // a laptop slept: no timer ran
  await place.getByLabel('Cím').waitFor({ state: 'detached' });
  await place.locator('summary').press('Enter');
  await place.getByText('vezeto.nyugat1').first().waitFor();
  clean(page);
  await context.close();
});

test('a location that was not written says so also after its form has covered itself', async () => {
  const { page, context } = await open(r, 'shelter_manager');
  await page.clock.install();
  await show(page, 'Intézmény adatai');
  const place = panel(page, 'Cím és felvételi telefon');
  await place.getByRole('button', { name: 'Új adatok beírása' }).press('Enter');
  await place.getByLabel('Cím').fill('9999 Mintafalva, Másik utca 2.');
  await place.getByLabel('Felvételi telefon').fill('+36 1 999 0001');
  await page.route('**/location', (route) => route.abort(), { times: 1 });
  await place.getByRole('button', { name: 'Mentés' }).press('Enter');
  await place.locator('.trouble').waitFor();
  await page.clock.fastForward(61_000);
  await place.getByRole('button', { name: 'Megmutatás' }).waitFor();
  assert.equal(await place.locator('.trouble').count(), 1, 'nobody is told that the old one still stands');
  assert.doesNotMatch(await page.content(), /Mintafalva|999 0001/);
  await place.getByRole('button', { name: 'Újra' }).press('Enter');
  await place.getByText('Mentve').waitFor();
  const manager = await r.as('shelter_manager');
  const { id } = (await manager.get('/v1/shelters')).json.data[0];
  assert.equal((await manager.get(`/v1/shelters/${id}/location`)).json.intake_phone, '+36 1 999 0001');
  clean(page);
  await leave(context);
});

test('a house: what is typed after a save that was not sent is sent with it', async () => {
  const { page, context } = await open(r, 'shelter_manager');
  await show(page, 'Intézmény adatai');
  const form = profile(page);
  const capacity = form.getByLabel('Engedélyezett férőhely');
  await capacity.fill('43');
  await page.route(/\/v1\/shelters\/\w+$/, (route) => (route.request().method() === 'PATCH' ? route.abort() : route.continue()));
  await form.getByRole('button', { name: 'Mentés' }).press('Enter');
  await form.locator('.trouble').waitFor();
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await capacity.fill('44');
  const sent = page.waitForRequest((q) => q.method() === 'PATCH');
  await form.getByRole('button', { name: 'Újra', exact: true }).press('Enter');
  assert.equal((await sent).postDataJSON().licensed_capacity, 44);
  await form.getByText('Mentve').waitFor();
  clean(page);
  await leave(context);
});

test('of a location the one that was corrected is written, not the one that was not sent', async () => {
  const { page, context } = await open(r, 'shelter_manager');
  await show(page, 'Intézmény adatai');
  const place = panel(page, 'Cím és felvételi telefon');
  await place.getByRole('button', { name: 'Új adatok beírása' }).press('Enter');
  await place.getByLabel('Cím').fill('9999 Mintafalva, Harmadik utca 3.');
  await place.getByLabel('Felvételi telefon').fill('+36 1 999 0020');
  await page.route('**/location', (route) => route.abort(), { times: 1 });
  await place.getByRole('button', { name: 'Mentés' }).press('Enter');
  await place.locator('.trouble').waitFor();
  await place.getByLabel('Felvételi telefon').fill('+36 1 999 0002');
  const sent = page.waitForRequest((q) => q.method() === 'PUT'); // not read: the house has a few looks an hour
  await place.getByRole('button', { name: 'Újra', exact: true }).press('Enter');
  assert.equal((await sent).postDataJSON().intake_phone, '+36 1 999 0002');
  await place.getByText('Mentve').waitFor();
  let go;
  const held = new Promise((done) => { go = done; });
  await page.route('**/location', async (route) => {
    await held;
    await route.continue();
  }, { times: 1 });
  await place.getByRole('button', { name: 'Új adatok beírása' }).press('Enter');
  await place.getByLabel('Cím').fill('9999 Mintafalva, Negyedik utca 4.');
  await place.getByLabel('Felvételi telefon').fill('+36 1 999 0003');
  await place.getByRole('button', { name: 'Mentés' }).press('Enter');
  await place.locator('[inert]').waitFor(); // what is typed now would be called saved
  go();
  await place.getByText('Mentve').waitFor();
  clean(page);
  await leave(context);
});

test('a slow look at the location takes the place of nothing that is being typed', async () => {
  const { page, context } = await open(r, 'shelter_manager');
  const looks = () => page.waitForResponse('**/looks*'); // read anew whenever a look begins and ends
  let read = looks();
  await show(page, 'Intézmény adatai');
  await read;
  const place = panel(page, 'Cím és felvételi telefon');
  let go;
  const held = new Promise((done) => { go = done; });
  await page.route('**/location', async (route) => {
    await held;
    await route.fulfill({ json: { address: '9999 Mintafalva, Régi utca 1.', intake_phone: '+36 1 999 0000', travel_notes: '' } });
  }, { times: 1 });
  read = looks();
  await place.getByRole('button', { name: 'Megmutatás' }).press('Enter');
  await read;
  await place.getByRole('button', { name: 'Új adatok beírása' }).press('Enter');
  await place.getByLabel('Cím').fill('9999 Mintafalva, Ötödik utca 5.');
  read = looks();
  go();
  await read;
  assert.equal(await place.getByLabel('Cím').inputValue(), '9999 Mintafalva, Ötödik utca 5.');
  clean(page);
  await leave(context);
});

test('who is added once more after no answer gets what is ticked now, and her keyboard goes on where it was', async () => {
  const { page, context } = await open(r, 'admin');
  await show(page, 'Munkatársak');
  const add = panel(page, 'Új munkatárs');
  const sent = [];
  let held = Promise.resolve();
  await page.route('**/v1/users', async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    sent.push(route.request().postDataJSON().roles);
    await held;
    return route.abort();
  });
  await add.getByLabel('Felhasználónév').fill('uj.mari');
  for (const role of ['Krízistanácsadó', 'Ügyeletvezető']) await add.getByRole('checkbox', { name: role }).press('Space');
  await add.getByLabel('Felhasználónév').press('Enter');
  await add.locator('.trouble').waitFor();
  await add.getByRole('checkbox', { name: 'Ügyeletvezető' }).press('Space');
  await add.getByRole('button', { name: 'Újra', exact: true }).press('Enter');
  await comes(async () => sent.length === 2 && (await add.locator('.trouble').count()) === 1, 'it is not sent again');
  assert.deepEqual(sent.map((roles) => roles.length), [2, 1], 'a role that was unticked is not given');
  let go;
  held = new Promise((done) => { go = done; });
  await add.getByLabel('Felhasználónév').press('Enter');
  await add.locator('[inert]').waitFor();
  await page.waitForFunction(() => document.activeElement === document.body);
  go();
  await focused(page, 'input[maxlength="31"]');
  clean(page);
  await leave(context);
});

test('who looked at the house can be read to its end, and a hundred later looks hide no break-glass', async () => {
  const { page, context } = await open(r, 'shelter_manager');
  const at = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
  await page.route(/\/looks(\?|$)/, (route) => {
    const query = new URL(route.request().url()).searchParams;
    const limit = Number(query.get('limit') ?? 50);
    const data = query.has('cursor') ? [{ at: at(190), kind: 'break_glass', person: 'okit.vezeto' }]
      : Array.from({ length: limit }, (_, i) => ({ at: at(i), kind: 'candidate', person: 'okit.tanacsado' }));
    return route.fulfill({ json: { data, limit, ...(!query.has('cursor') && { next_cursor: 'x' }) } });
  });
  await show(page, 'Munkatársak');
  await show(page, 'Intézmény');
  await page.locator('.banner.bad', { hasText: 'okit.vezeto' }).waitFor();
  const list = page.locator('details', { has: page.locator('li', { hasText: 'okit.tanacsado' }) });
  await list.locator('summary').press('Enter');
  const older = list.getByRole('button', { name: 'Régebbiek' });
  await older.press('Enter');
  await list.locator('li', { hasText: 'okit.vezeto' }).waitFor();
  await older.waitFor({ state: 'detached' });
  clean(page);
  await leave(context);
});

test('an administrator never sees a location, a county or whose house it is', async () => {
  const { page, context } = await open(r, 'admin');
  const read = [];
  page.on('response', (a) => { if (a.url().includes('/v1/shelters')) read.push(a.text().then((text) => [a.url(), text], () => [a.url(), ''])); });
  await show(page, 'Intézmény adatai');
  await profile(page).waitFor();
  await page.getByLabel('Melyik intézmény').selectOption({ label: 'Nyugat 1' });
  await profile(page).getByLabel('Fedőnév').waitFor();
  assert.equal(await panel(page, 'Cím és felvételi telefon').count(), 0);
  const rooms = panel(page, 'Szobák');
  await rooms.getByText('1. szoba').waitFor();
  assert.doesNotMatch(await rooms.innerText(), /szabad|fogva|foglalt|megerősít/, 'how rooms stand is no business of an administrator');
  assert.ok(read.length > 0);
  for (const [url, text] of await Promise.all(read)) {
    assert.doesNotMatch(url, /location|looks|availability/);
    assert.doesNotMatch(text, /"(county|org|address)"/);
  }
  const counties = (await (await r.as('admin')).get('/v1/codes')).json.county.map((c) => c.hu);
  const shown = await page.locator('main').innerText();
  for (const county of counties) assert.ok(!shown.includes(county), county);
  await accessible(page, 'houses, admin');
  clean(page);
  await context.close();
});

// A quarter with something in every kind of cell: the sample has no past.
const QUARTER = {
  table: 'placements', period: '2026-Q3', from: '2026-07-01', to: '2026-09-30',
  rows: [
    ['crisis_centre', 'west', 31], ['crisis_centre', 'centre', 22], ['crisis_centre', 'north_east', 17], ['crisis_centre', 'south_east', 0],
    ['secret_house', 'west', 0, true], ['secret_house', 'centre', 0, true], ['family_home', 'west', 12], ['family_home', 'south_east', 44],
  ].map(([key, column, value, withheld = false]) => ({ key, column, value, withheld })),
};

test('statistics: table, picture with the letters of its columns, what is withheld seen and explained, CSV, a page to print', async () => {
  for (const [lang, size, withheld] of [['hu', 'desktop', 'Nem közöljük'], ['en', 'phone', 'Not told']]) {
    const { page, context } = await open(r, 'statistician', { lang, size, touch: false });
    await page.route('**/v1/statistics?*', (route) => (route.request().url().includes('format=csv')
      ? route.fulfill({ contentType: 'text/csv', body: 'key,column,value\r\n' })
      : route.fulfill({ json: QUARTER })));
    await page.locator('select').nth(1).selectOption({ index: 2 });
    await page.locator('.picture').waitFor();
    assert.deepEqual(await page.locator('.picture g > g text').allTextContents(), ['A', 'B', 'C', 'A', 'D']);
    const text = await page.locator('main').innerText();
    assert.match(text, lang === 'hu' ? /A: Nyugat · B: Közép · C: Északkelet · D: Délkelet/ : /A: West · B: Centre · C: North-east · D: South-east/);
    assert.equal(await page.locator('.picture rect[fill^=url]').count(), 2, 'what is withheld is hatched');
    assert.equal(await page.locator('abbr').count(), 2);
    assert.ok(text.includes(withheld), text);
    await accessible(page, `statistics, ${lang}`);
    await touchable(page, `statistics, ${lang}`);
    await picture(page, `statistics-picture-${size}-${lang}`);
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'CSV' }).press('Enter');
    assert.match((await saving).suggestedFilename(), /^placements-.*\.csv$/);
    await page.emulateMedia({ media: 'print' });
    assert.ok(await page.locator('.picture').isVisible());
    assert.equal(await page.getByRole('button', { name: 'CSV' }).isVisible(), false);
    assert.equal(await page.locator('nav.tabs:visible, select:visible').count(), 0, 'nothing to press on paper');
    await picture(page, `statistics-print-${size}-${lang}`);
    clean(page);
    await leave(context);
  }
});
