// SPDX-License-Identifier: Apache-2.0
// Signing in, locking, hiding, several tabs, losing the connection or the right to be here.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { comes, took, within } from '../api/lib/patience.mjs';
import { Registry, keptPort } from '../api/lib/registry.mjs';
import { accessible, clean, focused, leave, open, picture, profile, quit, shiftThrice, signIn, tab } from './lib/browser.mjs';

let r;
before(async () => { r = await new Registry().start({}, [], await keptPort()); });
after(async () => {
  await quit();
  await r.close();
});

const main = (page) => page.locator('main#main:visible');

for (const lang of ['hu', 'en'])
  test(`signing in is accessible and can be read (${lang})`, async () => {
    for (const size of ['phone', 'desktop', 'narrow']) {
      const p = await profile(r, 'shelter_staff', { lang, size });
      const page = await tab(p);
      await page.locator('input[name=user]').waitFor();
      await focused(page, '[name=user]');
      await accessible(page, `signin ${lang} ${size}`);
      await picture(page, `signin-${size}-${lang}`);
      clean(page);
      await p.context.close();
    }
  });

test('texts that do not come at first are asked for again, and only those of the language in use', async () => {
  const p = await profile(r, 'shelter_staff');
  const asked = [];
  await p.context.route('**/*.json', (route) => (asked.push(route.request().url()) === 1 ? route.abort() : route.continue()));
  const page = await tab(p);
  await page.locator('input[name=user]').waitFor();
  assert.deepEqual(asked.map((url) => url.match(/assets\/(\w+)-/)[1]), ['hu', 'hu']);
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  assert.match(asked[2], /\/en-/);
  await leave(p.context);
});

test('the title and the address tell nothing', async () => {
  const { page, context, origin } = await open(r, 'shelter_staff');
  assert.equal(await page.title(), 'Nyilvántartás');
  assert.equal(page.url(), `${origin}/`);
  await context.close();
});

test('a wrong passphrase is refused in words, and the name stays', async () => {
  const p = await profile(r, 'shelter_staff');
  const page = await tab(p);
  const { user } = r.credentials('shelter_staff');
  await page.locator('input[name=user]').fill(user);
  await page.locator('input[name=passphrase]').fill('not this one');
  await page.keyboard.press('Enter');
  await page.locator('.trouble').waitFor();
  assert.equal(await page.locator('input[name=user]').inputValue(), user);
  assert.equal(await page.locator('input[name=passphrase]').inputValue(), '');
  await accessible(page, 'signin refused');
  clean(page);
  await p.context.close();
});

test('nothing but the language is kept in the browser', async () => {
  const { page, context } = await open(r, 'shelter_staff');
  await main(page).locator('.units').waitFor();
  const kept = await page.evaluate(async () => ({
    local: Object.keys(localStorage), session: Object.keys(sessionStorage), cookies: document.cookie,
    databases: (await indexedDB.databases()).length, caches: (await caches.keys()).length,
    workers: (await navigator.serviceWorker.getRegistrations()).length,
  }));
  assert.deepEqual(kept, { local: ['lang'], session: [], cookies: '', databases: 0, caches: 0, workers: 0 });
  await context.close();
});

/** Milliseconds from the third Shift to the cover; behind it is the lock. */
async function cover() {
  const { page, context } = await open(r, 'shelter_staff');
  await main(page).locator('.units').waitFor();
  await page.evaluate(() => {
    addEventListener('keydown', (e) => { if (e.key === 'Shift') globalThis.pressed = performance.now(); }, true);
    new MutationObserver(() => { if (document.querySelector('.cover')) globalThis.covered ??= performance.now(); }).observe(document.body, { childList: true, subtree: true });
  });
  await shiftThrice(page);
  await page.keyboard.up('Shift');
  await page.locator('.cover').waitFor();
  const delay = await page.evaluate(() => globalThis.covered - globalThis.pressed);
  assert.equal(await page.locator('.units').count() === 0 || !(await page.locator('.units').isVisible()), true);
  assert.doesNotMatch(await page.locator('body').innerText(), /szoba|Nyugat/);
  await accessible(page, 'cover');
  await picture(page, 'cover-desktop-hu');
  await page.keyboard.press('Enter'); // behind the cover is the lock
  await page.locator('input[name=passphrase]').waitFor();
  assert.equal(await page.locator('input[name=user]').inputValue(), r.credentials('shelter_staff').user);
  clean(page);
  await context.close();
  return delay;
}

test('Shift three times covers everything within a tenth of a second and locks', () => within(100, cover, 'covered'));

test('behind the cover the work stays as it was typed', async () => {
  const { page, context } = await open(r, 'counsellor');
  const women = page.getByRole('spinbutton', { name: 'Nő', exact: true });
  await women.fill('3');
  await shiftThrice(page);
  await page.keyboard.up('Shift');
  await page.locator('.cover').waitFor();
  assert.equal(await page.locator('.intake').isVisible(), false);
  await focused(page, '.cover button');
  await page.keyboard.press('Enter');
  await page.locator('input[name=passphrase]').fill(r.credentials('counsellor').passphrase);
  await page.keyboard.press('Enter');
  await women.waitFor();
  assert.equal(await women.inputValue(), '3');
  clean(page);
  await context.close();
});

test('covered while the answer to signing in is on its way, it stays covered, and the new token ends', async () => {
  const p = await profile(r, 'shelter_staff');
  const page = await tab(p);
  for (const path of ['/v1/tokens', '/v1/me']) { // the passphrase is found right; who it is is asked then
    let go;
    const held = new Promise((done) => { go = done; });
    await p.context.route(`**${path}`, async (route) => {
      await held;
      await route.continue();
    }, { times: 1 });
    const asked = page.waitForRequest((q) => q.url().endsWith(path));
    const { user, passphrase } = r.credentials('shelter_staff');
    await page.locator('input[name=user]').fill(user);
    await page.locator('input[name=passphrase]').fill(passphrase);
    await page.keyboard.press('Enter');
    await asked;
    const ended = page.waitForRequest((q) => q.url().endsWith('/v1/tokens/current') && q.method() === 'DELETE');
    const answered = page.waitForResponse((a) => a.url().endsWith(path));
    await shiftThrice(page);
    await page.keyboard.up('Shift');
    await page.locator('.cover').waitFor();
    go();
    await answered;
    await Promise.race([ended, page.locator('.units:visible').waitFor()]);
    assert.equal(await page.locator('.cover').isVisible(), true, path);
    assert.equal(await page.locator('.units').count(), 0, path);
    const used = (await (await ended).allHeaders()).authorization;
    await comes(async () => (await r.bare('shelter_staff').get('/v1/me', { Authorization: used })).status === 401, 'the token is still good');
    await page.keyboard.press('Enter');
    await page.locator('input[name=passphrase]').waitFor();
  }
  await signIn(page, r.credentials('shelter_staff'));
  clean(page);
  await leave(p.context);
});

test('a sign-in that is broken off after the passphrase lets no tab in, and its token ends', async () => {
  const p = await profile(r, 'shelter_staff');
  const page = await tab(p);
  await p.context.route('**/v1/me', (route) => route.abort(), { times: 1 });
  const ended = page.waitForRequest((q) => q.url().endsWith('/v1/tokens/current') && q.method() === 'DELETE');
  const { user, passphrase } = r.credentials('shelter_staff');
  await page.locator('input[name=user]').fill(user);
  await page.locator('input[name=passphrase]').fill(passphrase);
  await page.keyboard.press('Enter');
  const used = (await (await ended).allHeaders()).authorization;
  await comes(async () => (await r.bare('shelter_staff').get('/v1/me', { Authorization: used })).status === 401, 'the token is still good');
  const second = await tab(p);
  await second.locator('input[name=passphrase]').waitFor();
  assert.equal(await second.locator('.units').count(), 0);
  await second.close();
  await signIn(page, r.credentials('shelter_staff'));
  await leave(p.context);
});

test('a tab that its neighbour could not let in keeps no token: it lets in nobody once that one is closed', async () => {
  const p = await profile(r, 'shelter_staff');
  const waiting = await tab(p);
  await waiting.locator('input[name=passphrase]').waitFor();
  await waiting.route('**/v1/me', (route) => route.abort()); // of this tab alone
  const page = await tab(p);
  const failed = waiting.waitForEvent('requestfailed', (q) => q.url().endsWith('/v1/me'));
  await signIn(page, r.credentials('shelter_staff'));
  await failed;
  await waiting.evaluate(() => fetch('/v1/me').catch(() => {})); // the one before it has been heard of by then
  await page.close(); // by its cross: nobody signs out
  const third = await tab(p);
  await third.locator('input[name=passphrase], .units').first().waitFor();
  assert.equal(await third.locator('.units').count(), 0, 'in without a passphrase');
  await waiting.unroute('**/v1/me');
  await signIn(waiting, r.credentials('shelter_staff'));
  await main(third).locator('.units').waitFor();
  await leave(p.context);
});

/** Two tabs: one that its neighbour could not let in stays at its form, beside the one that is in. */
async function besideForm(role) {
  const p = await profile(r, role);
  const form = await tab(p);
  await form.locator('input[name=passphrase]').waitFor();
  await form.route('**/v1/me', (route) => route.abort()); // of this tab alone
  const page = await tab(p);
  const failed = form.waitForEvent('requestfailed', (q) => q.url().endsWith('/v1/me'));
  await signIn(page, r.credentials(role));
  await failed;
  await form.unroute('**/v1/me');
  return { form, page, context: p.context };
}

const ending = (page) => page.waitForRequest((q) => q.url().endsWith('/v1/tokens/current') && q.method() === 'DELETE');
const ended = async (token) => (await r.bare('shelter_staff').get('/v1/me', { Authorization: token })).status === 401;

test('a tab does nothing in the name of another who signed in beside it: it shows the work of that one', async () => {
  const { form, page, context } = await besideForm('shelter_staff');
  const first = ending(page);
  await signIn(form, r.credentials('shelter_manager')); // of the same house, at the same machine
  await page.getByRole('button', { name: 'Intézmény adatai' }).waitFor();
  const token = (await (await first).allHeaders()).authorization;
  await comes(() => ended(token), 'the first token is still good');
  await leave(context);
});

test('a lock from a tab that has no token of its own ends that of its neighbour, at the server, too', async () => {
  const { form, page, context } = await besideForm('shelter_staff');
  const asked = page.waitForRequest((q) => 'authorization' in q.headers());
  await main(page).getByRole('button', { name: /Minden adat helyes/ }).click();
  const token = (await (await asked).allHeaders()).authorization;
  await shiftThrice(form);
  await form.keyboard.up('Shift');
  await page.locator('input[name=passphrase]').waitFor();
  await comes(() => ended(token), 'the token is still good');
  await leave(context);
});

test('a token that a neighbour told just before the lock does not open it', async () => {
  const { page, context } = await open(r, 'shelter_staff');
  await main(page).locator('.units').waitFor();
  const { user, passphrase } = r.credentials('shelter_staff');
  const { json } = await r.bare('shelter_staff').post('/v1/tokens', { user, passphrase }); // the neighbour's renewal
  const me = (await (await r.as('shelter_staff')).get('/v1/me')).json.user;
  const at = await page.evaluate(() => Date.now());
  await shiftThrice(page);
  await page.keyboard.up('Shift');
  await focused(page, '.cover button');
  const used = [];
  page.on('request', (q) => q.headers().authorization === `Bearer ${json.access_token}` && used.push(q.url()));
  await page.evaluate((m) => new Promise((done) => { // whoever listens since earlier has heard it first
    new BroadcastChannel('menedek-session').onmessage = done;
    new BroadcastChannel('menedek-session').postMessage(m);
  }), { kind: 'have', token: json.access_token, until: at + 600_000, user: me, at });
  await page.keyboard.press('Enter');
  await page.locator('input[name=passphrase]').waitFor();
  assert.deepEqual(used, []);
  clean(page);
  await leave(context);
});

test('a token that is renewed just when the screen is locked opens nothing, and ends', async () => {
  const p = await profile(r, 'shelter_staff');
  await p.context.route('**/v1/tokens', async (route) => { // so that it is renewed after six seconds
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...await response.json(), expires_in: 10 } });
  });
  let go;
  const held = new Promise((done) => { go = done; });
  await p.context.route('**/v1/tokens/renew', async (route) => {
    const response = await route.fetch();
    await held;
    await route.fulfill({ response });
  });
  const neighbour = await tab(p);
  const page = await tab(p);
  const renewed = page.waitForRequest((q) => q.url().endsWith('/v1/tokens/renew'));
  const answered = page.waitForResponse((a) => a.url().endsWith('/v1/tokens/renew'));
  await signIn(page, r.credentials('shelter_staff'));
  await main(neighbour).locator('.units').waitFor();
  await renewed;
  await shiftThrice(page);
  await page.keyboard.up('Shift');
  await page.locator('.cover').waitFor();
  await neighbour.locator('input[name=passphrase]').waitFor();
  const ended = page.waitForRequest((q) => q.url().endsWith('/v1/tokens/current') && q.method() === 'DELETE');
  go();
  const token = `Bearer ${(await (await answered).json()).access_token}`;
  await Promise.race([ended, neighbour.locator('.units:visible').waitFor()]);
  assert.equal(await neighbour.locator('.units:visible').count(), 0, 'the neighbour is open');
  const third = await tab(p);
  await third.locator('input[name=passphrase]').waitFor();
  await comes(async () => (await r.bare('shelter_staff').get('/v1/me', { Authorization: token })).status === 401, 'the second token is still good');
  await leave(p.context);
});

test('a dialog that was open, or is asked for behind the cover, keeps nobody from the cover and the lock', async () => {
  const { page, context } = await open(r, 'counsellor');
  const women = page.getByRole('spinbutton', { name: 'Nő', exact: true });
  await women.fill('3');
  await page.getByRole('button', { name: 'Gombok (?)' }).click();
  await page.locator('dialog[open]').waitFor();
  await shiftThrice(page);
  await page.keyboard.up('Shift');
  await focused(page, '.cover button');
  await page.keyboard.press('?');
  assert.equal(await page.locator('dialog[open]').count(), 0);
  await page.keyboard.press('Enter');
  await focused(page, '[name=passphrase]');
  await page.keyboard.type(r.credentials('counsellor').passphrase);
  await page.keyboard.press('Enter');
  await women.waitFor();
  assert.equal(await women.inputValue(), '3');
  clean(page);
  await context.close();
});

test('the hide button does the same, and the token is void at the server', async () => {
  const { page, context } = await open(r, 'shelter_staff', { size: 'phone' });
  const token = page.waitForRequest((q) => q.url().endsWith('/v1/tokens/current') && q.method() === 'DELETE');
  await page.getByRole('button', { name: 'Elrejtés', exact: true }).tap();
  await page.locator('.cover').waitFor();
  const used = (await (await token).allHeaders()).authorization;
  const client = r.bare('shelter_staff');
  await comes(async () => (await client.get('/v1/me', { Authorization: used })).status === 401, 'the token is still good');
  await context.close();
});

test('a request from before a lock, refused after it, does not lock again what was opened meanwhile', async () => {
  const { page, context } = await open(r, 'shelter_staff');
  let go;
  const held = new Promise((done) => { go = done; });
  const sent = new Promise((done) => {
    page.route('**/confirmations', async (route) => {
      done();
      await held;
      await route.continue();
    }, { times: 1 });
  });
  await page.getByRole('button', { name: /Minden adat helyes/ }).click();
  await sent;
  await shiftThrice(page);
  await page.keyboard.up('Shift');
  await focused(page, '.cover button');
  await page.keyboard.press('Enter');
  await page.locator('input[name=passphrase]').fill(r.credentials('shelter_staff').passphrase);
  await page.keyboard.press('Enter');
  await main(page).locator('.units').waitFor();
  go();
  await page.locator('.all-correct .trouble:visible, input[name=passphrase]').waitFor();
  assert.equal(await page.locator('input[name=passphrase]').count(), 0, 'it is locked again');
  await page.locator('.all-correct').getByRole('button', { name: 'Újra' }).click();
  await page.locator('.all-correct').getByText('Mentve').waitFor();
  clean(page);
  await leave(context);
});

test('what could be undone names a room: the lock ends it', async () => {
  const { page, context } = await open(r, 'shelter_staff');
  const unit = page.locator('.unit:visible', { has: page.getByRole('button', { name: 'Foglalt lett', exact: true }) }).first();
  const name = await unit.locator('strong').innerText();
  await unit.getByRole('button', { name: 'Foglalt lett', exact: true }).click();
  await page.locator('.undo').waitFor();
  await shiftThrice(page);
  await page.keyboard.up('Shift');
  await focused(page, '.cover button');
  await page.keyboard.press('Enter');
  await page.locator('input[name=passphrase]').waitFor();
  assert.equal(await page.locator('.undo').count(), 0);
  for (const said of await page.locator('[role=status].unseen').allTextContents()) assert.ok(!said.includes(name), said);
  await page.locator('input[name=passphrase]').fill(r.credentials('shelter_staff').passphrase);
  await page.keyboard.press('Enter');
  const again = page.locator('.unit:visible', { hasText: name });
  await again.getByRole('button', { name: 'Szabad lett', exact: true }).click();
  await again.locator('.state.good').waitFor();
  clean(page);
  await context.close();
});

test('a tab that is opened later is signed in by its neighbour, and one event stream serves all ten', async () => {
  const p = await profile(r, 'shelter_staff');
  const streams = [];
  p.context.on('request', (q) => q.url().endsWith('/v1/events') && streams.push(q));
  const first = await tab(p);
  await signIn(first, r.credentials('shelter_staff'));
  await main(first).locator('.units').waitFor();
  const tabs = [first];
  for (let i = 1; i < 10; i++) tabs.push(await tab(p));
  for (const page of tabs) await main(page).locator('.units').waitFor();
  assert.equal(streams.length, 1);
  // a change made elsewhere reaches every tab
  const staff = await r.as('shelter_staff');
  const house = (await staff.get('/v1/me')).json.shelters[0];
  const { units } = (await staff.get(`/v1/shelters/${house}/availability`)).json;
  const unit = units.find((u) => u.state === 'free');
  const reaches = async (state, tone) => {
    assert.equal((await staff.patch(`/v1/shelters/${house}/availability`, { units: [{ unit: unit.id, state }] })).status, 200);
    for (const page of tabs) await page.locator('.unit', { hasText: unit.name }).locator(`.state.${tone}`).waitFor();
  };
  await within(3000, async () => {
    const delay = await took(() => reaches('out_of_use', 'bad'));
    await reaches('free', 'good');
    return delay;
  }, 'every tab had it');
  // signing out in one tab signs out of all
  await first.getByRole('button', { name: 'Kijelentkezés' }).click();
  for (const page of tabs) await page.locator('input[name=passphrase]').waitFor();
  for (const page of tabs) clean(page);
  await p.context.close();
});

test('a tab that nobody touches does not lock the one in which somebody works, and both lock once nobody does', async () => {
  const p = await profile(r, 'shelter_staff');
  const tabs = [await tab(p), await tab(p)];
  await signIn(tabs[0], r.credentials('shelter_staff'));
  for (const page of tabs) {
    await main(page).locator('.units').waitFor();
    await page.evaluate(() => { // its clock can be put on: no timer runs the faster for it, and none is missed
      const real = Date.now;
      let more = 0;
      Date.now = () => real() + more;
      globalThis.later = (by) => { more += by; };
    });
  }
  const later = async (seconds) => { for (const page of tabs) await page.evaluate((by) => globalThis.later(by), seconds * 1000); };
  const warning = (page) => page.locator('[role=alert]', { hasText: 'másodperc múlva zárolódik' });
  await later(275); // of the 300
  for (const page of tabs) await warning(page).waitFor();
  const spoken = await warning(tabs[0]).innerText();
  const counted = tabs[0].locator('.banner', { hasText: 'másodperc múlva zárolódik' });
  const shown = await counted.innerText();
  await tabs[0].waitForFunction((was) => ![...document.querySelectorAll('.banner')].some((e) => e.innerText === was), shown);
  assert.equal(await warning(tabs[0]).innerText(), spoken, 'it is counted down to the eye, not spoken each second');
  await tabs[0].keyboard.press('ArrowDown');
  for (const page of tabs) await warning(page).waitFor({ state: 'detached' });
  for (const page of tabs) assert.equal(await main(page).locator('.units').isVisible(), true);
  await later(275);
  for (const page of tabs) await warning(page).waitFor();
  await later(30);
  for (const page of tabs) await page.locator('input[name=passphrase]').waitFor();
  for (const page of tabs) clean(page);
  await p.context.close();
});

for (const [title, by, passed] of [
  ['the press that wakes a laptop after an hour opens nothing', 3600, 0],
  ['a clock that is put back keeps nothing open', -7200, 301],
])
  test(title, async () => {
    const { page, context } = await open(r, 'shelter_staff');
    await main(page).locator('.units').waitFor();
    await page.evaluate(([wall, steady]) => { // in one go: no timer comes between the leap and the press
      const [day, since] = [Date.now, performance.now.bind(performance)];
      Date.now = () => day() + wall * 1000;
      performance.now = () => since() + steady * 1000;
      if (steady === 0) dispatchEvent(new KeyboardEvent('keydown', { key: 'a' }));
    }, [by, passed]);
    await page.locator('input[name=passphrase]').waitFor();
    assert.equal(await page.locator('.units').isVisible(), false);
    clean(page);
    await leave(context);
  });

test('a page that the back button brings back out of the memory of the browser begins anew', async () => {
  const { page, context } = await open(r, 'statistician');
  await main(page).locator('select').first().waitFor();
  // Chromium keeps none while it is driven from outside: what it would say
  await page.evaluate(() => void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await page.locator('input[name=user]').waitFor();
  assert.equal(await page.locator('select').count(), 0);
  clean(page);
  await leave(context);
});

test('a trail that is read anew after the lock has no gap and nothing twice', async () => {
  const { page, context } = await open(r, 'shift_lead');
  let newest = 100;
  let late; // the page of older entries that is answered only after the lock
  await page.route(/\/v1\/audit(\?|$)/, async (route) => {
    const cursor = new URL(route.request().url()).searchParams.get('cursor');
    const from = cursor ? Number(cursor) : newest;
    const data = Array.from({ length: 20 }, (_, i) => ({ number: from - i, at: '2026-11-22T10:00:00Z', action: 'tokens_create', outcome: 'ok', roles: [] }));
    const answer = () => route.fulfill({ json: { data, limit: 50, ...(from > 20 ? { next_cursor: String(from - 20) } : {}) } });
    if (cursor === '60') late = answer;
    else await answer();
  });
  const numbers = async () => (await page.locator('tbody tr td:first-child .quiet').allInnerTexts()).map((text) => parseInt(text, 10));
  const whole = async (from, rows) => {
    await page.locator('tbody tr', { hasText: new RegExp(`^${from - rows + 1} ·`) }).waitFor();
    assert.deepEqual(await numbers(), Array.from({ length: rows }, (_, i) => from - i));
  };
  const older = page.getByRole('button', { name: 'Régebbiek' });
  await page.getByRole('navigation', { name: 'Nézetek' }).getByRole('button', { name: 'Napló', exact: true }).click();
  await whole(100, 20);
  await older.evaluate((b) => { b.click(); b.click(); });
  await whole(100, 40);
  await older.press('Enter');
  await older.and(page.locator('[aria-busy]')).waitFor();
  newest = 110;
  await shiftThrice(page);
  await page.keyboard.up('Shift');
  await focused(page, '.cover button');
  await page.keyboard.press('Enter');
  await page.locator('input[name=passphrase]').fill(r.credentials('shift_lead').passphrase);
  await page.keyboard.press('Enter');
  await page.locator('tbody tr', { hasText: /^110 ·/ }).waitFor();
  await late();
  await older.and(page.locator(':not([aria-busy])')).waitFor();
  await whole(110, 20);
  await older.press('Enter');
  await whole(110, 40);
  await leave(context);
});

test('a tab for which another reads the stream says that it is live, and no longer once that one is silent', async () => {
  const p = await profile(r, 'shelter_staff');
  const first = await tab(p);
  await signIn(first, r.credentials('shelter_staff'));
  await first.locator('header').getByText('Élő').waitFor();
  const second = await tab(p);
  await main(second).locator('.units').waitFor();
  await second.locator('header').getByText('Élő').waitFor();
  await second.clock.install();
  await first.evaluate(() => { BroadcastChannel.prototype.postMessage = () => {}; }); // it sleeps
  await second.evaluate(() => new Promise((done) => { // its last word; whoever listens since earlier has heard it first
    new BroadcastChannel('menedek-live').onmessage = done;
    new BroadcastChannel('menedek-live').postMessage({ state: { is: 'live', since: Date.now() } });
  }));
  await second.clock.runFor(41_000);
  await second.getByText('Nincs élő kapcsolat').waitFor();
  clean(second);
  await leave(p.context);
});

test('a stream that never opens is asked for anew', async () => {
  const p = await profile(r, 'shelter_staff');
  const page = await tab(p);
  await page.clock.install();
  let streams = 0;
  await page.route('**/v1/events', (route) => (++streams > 1 ? route.continue() : undefined)); // the first is left hanging
  await signIn(page, r.credentials('shelter_staff'));
  await comes(() => streams === 1, 'no stream is asked for');
  await page.clock.runFor(41_000);
  await page.getByText('Nincs élő kapcsolat').waitFor();
  await page.clock.runFor(10_000);
  await page.locator('header').getByText('Élő').waitFor();
  clean(page);
  await leave(p.context);
});

test('a request that is never answered can be sent again after a while', async () => {
  const { page, context } = await open(r, 'shelter_staff');
  await main(page).locator('.units').waitFor();
  let sent = 0;
  await page.route('**/confirmations', (route) => (++sent > 1 ? route.continue() : undefined)); // the first is left hanging
  await page.evaluate(() => { // the limit goes by the browser's own clock; what is read beside the press has as long
    const { timeout } = AbortSignal;
    AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 20);
    globalThis.asEver = () => { AbortSignal.timeout = timeout; };
  });
  await page.getByRole('button', { name: /Minden adat helyes/ }).click();
  await page.locator('.all-correct .trouble').waitFor();
  await page.evaluate(() => globalThis.asEver());
  await page.locator('.all-correct').getByRole('button', { name: 'Újra' }).click();
  await page.locator('.all-correct').getByText('Mentve').waitFor();
  clean(page);
  await leave(context);
});

test('offline is said, the stream comes back by itself, and nothing is lost', async () => {
  const { page, context } = await open(r, 'shelter_staff');
  await main(page).locator('.units').waitFor();
  await r.stop();
  await page.getByText('Nincs élő kapcsolat').waitFor();
  await page.getByRole('button', { name: /Minden adat helyes/ }).click();
  await page.locator('.all-correct .trouble').waitFor();
  await picture(page, 'offline-desktop-hu');
  const port = r.port;
  await r.start({}, [], port);
  await page.locator('.all-correct').getByRole('button', { name: 'Újra' }).click();
  await page.locator('.all-correct').getByText('Mentve').waitFor();
  await page.getByText('Élő', { exact: false }).first().waitFor();
  clean(page);
  await context.close();
});

test('a person whose access is withdrawn sees the lock, not the work', async () => {
  const { page, context } = await open(r, 'shelter_staff');
  await main(page).locator('.units').waitFor();
  const admin = await r.as('admin');
  const people = [];
  for (let cursor; ;) {
    const list = (await admin.get(`/v1/users?limit=100${cursor ? `&cursor=${cursor}` : ''}`)).json;
    people.push(...list.data);
    if (!(cursor = list.next_cursor)) break;
  }
  const person = people.find((u) => u.name === r.credentials('shelter_staff').user);
  const { headers } = await admin.get(`/v1/users/${person.id}`);
  assert.equal((await admin.patch(`/v1/users/${person.id}`, { retired: true }, { 'If-Match': headers.etag })).status, 200);
  await page.locator('input[name=passphrase]').waitFor();
  assert.equal(await page.locator('.units').isVisible(), false);
  const now = (await admin.get(`/v1/users/${person.id}`)).headers.etag;
  const back = await admin.patch(`/v1/users/${person.id}`, { retired: false }, { 'If-Match': now });
  await r.agree(back.json.pending); // it leads to a location: a second person
  await context.close();
});
