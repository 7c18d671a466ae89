// SPDX-License-Identifier: Apache-2.0
// One's own access: a first passphrase must be changed, a second factor is turned on and then asked for, signing out
// everywhere closes every browser.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { codeAt, STEP } from '../api/lib/authenticator.mjs';
import { Registry } from '../api/lib/registry.mjs';
import { accessible, clean, focused, leave, picture, profile, quit, signIn, tab } from './lib/browser.mjs';

const USER = 'okit.eszter';
const OWN = 'hét barna mackó fut';
const ACCOUNT = 'Saját hozzáférés';

let r, first, page, secret, backup;

before(async () => {
  r = new Registry();
  first = r.run('user', 'passphrase', '--name', USER).match(/\S+-\S+-\S+/)[0];
  await r.start();
  page = await tab(await profile(r, 'counsellor'));
});
after(async () => {
  await quit();
  await r.close();
});

const view = (on, name) => on.getByRole('navigation', { name: 'Nézetek' }).getByRole('button', { name });
const press = (on, name) => on.getByRole('button', { name, exact: true }).press('Enter');
const field = (on, name) => on.locator('input:visible').and(on.getByLabel(name, { exact: true }));
const codeNow = (ahead = 0) => codeAt(secret, Math.floor(Date.now() / 1000 / STEP) + ahead);

test('a passphrase that somebody else gave must be changed before the work begins', async () => {
  await signIn(page, { user: USER, passphrase: first });
  await page.getByText('A jelmondatát más adta meg').waitFor();
  assert.equal(await page.locator('.intake').count(), 0);
  assert.equal(await page.getByRole('navigation', { name: 'Nézetek' }).count(), 0);
  await accessible(page, 'first passphrase');
  await picture(page, 'account-first-desktop-hu');
  await field(page, 'Mostani jelmondat').fill('not the first one');
  await field(page, 'Új jelmondat').fill(OWN);
  await page.keyboard.press('Enter');
  await page.locator('.trouble').waitFor();
  assert.equal(await field(page, 'Új jelmondat').inputValue(), OWN, 'what was typed stays');
  await field(page, 'Mostani jelmondat').fill(first);
  await page.keyboard.press('Enter');
  await page.locator('.intake').waitFor();
});

test('the second factor is on once a right code was typed, and its backup codes are shown', async () => {
  await view(page, ACCOUNT).press('Enter');
  await field(page, 'Jelmondat').fill(OWN);
  await press(page, 'Bekapcsolás');
  secret = (await page.locator('.secret').innerText()).replace(/\s/g, '');
  await accessible(page, 'enrolling');
  await picture(page, 'account-enrol-desktop-hu');
  const right = codeNow();
  await field(page, 'Egyszeri kód').fill(right === '000000' ? '000001' : '000000');
  await press(page, 'Megerősítés');
  await page.locator('.trouble').waitFor();
  await field(page, 'Egyszeri kód').fill(codeNow());
  await press(page, 'Megerősítés');
  await page.locator('.codes li').first().waitFor();
  backup = await page.locator('.codes li').allInnerTexts();
  assert.equal(new Set(backup).size, 10);
  await accessible(page, 'backup codes');
  await picture(page, 'account-codes-desktop-hu');
  await press(page, 'Eltettem');
  await page.getByText('Bekapcsolva. Tartalék kód még: 10').waitFor();
  clean(page);
});

let other; // a second browser

test('from then on signing in asks for the code, and a wrong one is refused in words', async () => {
  other = await tab(await profile(r, 'counsellor', { size: 'phone' }));
  await other.locator('input[name=user]').fill(USER);
  await other.locator('input[name=passphrase]').fill(OWN);
  await other.keyboard.press('Enter');
  const code = other.locator('input[name=code]');
  await code.waitFor();
  await focused(other, '[name=code]');
  assert.equal(await other.locator('input[name=passphrase]').inputValue(), OWN, 'the passphrase was right: it stays');
  await accessible(other, 'code');
  await picture(other, 'signin-code-phone-hu');
  await code.fill(codeNow() === '000000' ? '000001' : '000000');
  await other.keyboard.press('Enter');
  await other.locator('.trouble', { hasText: 'Ez a kód nem jó' }).waitFor();
  assert.equal(await other.locator('.intake').count(), 0);
  await picture(other, 'signin-code-wrong-phone-hu');
  assert.notEqual(await code.getAttribute('inputmode'), 'numeric', 'a backup code has letters: a phone must offer them');
  await focused(other, '[name=code]');
  await other.locator('input[name=passphrase]').fill('');
  await other.locator('input[name=passphrase]').focus();
  await other.keyboard.type(OWN); // as a person does: not one key of it may stand in the field that shows what is typed
  assert.equal(await code.inputValue(), '');
  assert.equal(await other.locator('input[name=passphrase]').inputValue(), OWN);
  await code.fill(backup[0].toUpperCase());
  await other.keyboard.press('Enter');
  await other.locator('.intake').waitFor();
});

test('a colleague without a second factor, at a form that has asked for a code, is not held up by it', async () => {
  const one = await tab(await profile(r, 'counsellor'));
  await one.locator('input[name=user]').fill(USER);
  await one.locator('input[name=passphrase]').fill(OWN);
  await one.keyboard.press('Enter');
  await one.locator('input[name=code]').waitFor();
  await signIn(one, r.credentials('counsellor'));
  clean(one);
  await leave(one.context());
});

test('signing out everywhere closes the other browser too', async () => {
  await press(page, 'Kijelentkezés mindenhonnan');
  await page.locator('input[name=user]').waitFor();
  await other.locator('input[name=passphrase]').waitFor();
  assert.equal(await other.locator('.intake:visible').count(), 0);
  for (const one of [page, other]) clean(one);
});

const to = (path) => (message) => message.url().endsWith(path);
const asked = async (request) => (await request.allHeaders()).authorization;

/** A page of ${role} in which ${renewal} is done with the first request to renew the token: at once, not after nine minutes. */
async function renewing(role, renewal) {
  const p = await profile(r, role);
  await p.context.route('**/v1/tokens', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...await response.json(), expires_in: 1 } });
  });
  await p.context.route('**/v1/tokens/renew', renewal, { times: 1 });
  const mine = await tab(p);
  await mine.evaluate(() => { // what it tells its neighbours it has taken into use
    const channel = new BroadcastChannel('menedek-session');
    globalThis.renewed = new Promise((done) => {
      channel.onmessage = ({ data }) => { if (data.kind === 'have' && data.until > Date.now() + 2000) done(data.token); };
    });
  });
  return { mine, context: p.context, renewed: () => mine.evaluate(() => globalThis.renewed) };
}

/** Fails if the lock comes before ${wanted} does. */
async function unlocked(mine, wanted) {
  const locked = mine.locator('input[name=passphrase]').waitFor().then(() => 'locked');
  const came = await Promise.race([wanted, locked]);
  assert.notEqual(came, 'locked', 'the screen is locked');
  return came;
}

test('backup codes stay to be read, though the events came by an earlier token, which is void by then', async () => {
  let go;
  const listening = new Promise((done) => { go = done; });
  const { mine, context, renewed } = await renewing('shelter_staff', async (route) => {
    await listening;
    await route.continue();
  });
  const { user, passphrase } = r.credentials('shelter_staff');
  const opened = mine.waitForResponse(to('/v1/events'));
  await signIn(mine, { user, passphrase });
  const first = await opened;
  assert.equal(first.status(), 200);
  go();
  const token = `Bearer ${await renewed()}`;
  await view(mine, ACCOUNT).press('Enter');
  await field(mine, 'Jelmondat').fill(passphrase);
  await press(mine, 'Bekapcsolás');
  const key = (await mine.locator('.secret').innerText()).replace(/\s/g, '');
  await field(mine, 'Egyszeri kód').fill(codeAt(key, Math.floor(Date.now() / 1000 / STEP)));
  const again = mine.waitForResponse(to('/v1/events')); // the earlier token's stream ends
  const confirmed = mine.waitForRequest(to('/v1/me/totp/confirm'));
  await press(mine, 'Megerősítés');
  assert.equal(await asked(await confirmed), token);
  assert.notEqual(await asked(first.request()), token);
  const second = await unlocked(mine, again);
  assert.equal(second.status(), 200);
  assert.equal(await asked(second.request()), token);
  await mine.locator('.codes li').first().waitFor();
  assert.equal(await mine.locator('.codes li:visible').count(), 10);
  clean(mine);
  await leave(context);
});

test('a renewal that a new passphrase overtook locks nobody out: the token that asked for it goes on', async () => {
  let given, go;
  const isGiven = new Promise((done) => { given = done; });
  const changed = new Promise((done) => { go = done; });
  const { mine, context, renewed } = await renewing('counsellor', async (route) => {
    const response = await route.fetch();
    given();
    await changed;
    await route.fulfill({ response });
  });
  const { user, passphrase } = r.credentials('counsellor');
  const opened = mine.waitForResponse(to('/v1/events'));
  await signIn(mine, { user, passphrase });
  await opened;
  await isGiven;
  await view(mine, ACCOUNT).press('Enter');
  await field(mine, 'Mostani jelmondat').fill(passphrase);
  await field(mine, 'Új jelmondat').fill('kilenc kék kancsó');
  const answer = mine.waitForResponse(to('/v1/me/passphrase'));
  await mine.keyboard.press('Enter');
  assert.equal((await answer).status(), 204);
  go();
  await renewed(); // with a token that is void
  await field(mine, 'Jelmondat').fill('kilenc kék kancsó');
  const better = mine.waitForResponse(to('/v1/tokens/renew'));
  await press(mine, 'Bekapcsolás');
  assert.equal((await unlocked(mine, better)).status(), 201);
  await press(mine, 'Bekapcsolás');
  await unlocked(mine, mine.locator('.secret').waitFor());
  clean(mine);
  await leave(context);
});

test('the token that goes on is renewed until there is an answer', async () => {
  const p = await profile(r, 'shift_lead');
  let tries = 0;
  await p.context.route('**/v1/tokens/renew', async (route) => {
    if (++tries > 1) return route.continue();
    return route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ code: 'busy', status: 503 }) });
  });
  const mine = await tab(p);
  const { user, passphrase } = r.credentials('shift_lead');
  const opened = mine.waitForResponse(to('/v1/events'));
  await signIn(mine, { user, passphrase });
  await opened;
  await view(mine, ACCOUNT).press('Enter');
  const me = (await (await r.as('shift_lead')).get('/v1/me')).json.user;
  await mine.evaluate((user) => { // as a neighbour that renewed it just before others were voided
    new BroadcastChannel('menedek-session').postMessage({ kind: 'have', token: 'void', until: Date.now() + 800_000, user, at: Date.now() });
  }, me);
  await field(mine, 'Jelmondat').fill(passphrase);
  const first = mine.waitForResponse(to('/v1/tokens/renew'));
  await press(mine, 'Bekapcsolás'); // is refused
  assert.equal((await unlocked(mine, first)).status(), 503);
  const second = mine.waitForResponse(to('/v1/tokens/renew')); // five seconds later
  assert.equal((await unlocked(mine, second)).status(), 201);
  await leave(p.context);
});
