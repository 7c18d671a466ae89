// SPDX-License-Identifier: Apache-2.0
// What administrators and house managers do: people, devices, houses; by keyboard and by touch.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Registry } from '../api/lib/registry.mjs';
import { accessible, clean, leave, open, picture, quit, touchable } from './lib/browser.mjs';

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
  await place.locator('summary').press('Enter');
  await place.getByText('vezeto.nyugat1').first().waitFor();
  clean(page);
  await context.close();
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
