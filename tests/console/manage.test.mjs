// SPDX-License-Identifier: Apache-2.0
// What administrators and house managers do: people, devices, houses; by keyboard and by touch.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Registry } from '../api/lib/registry.mjs';
import { accessible, clean, open, picture, quit } from './lib/browser.mjs';

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
