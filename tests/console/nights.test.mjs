// SPDX-License-Identifier: Apache-2.0
// The nights when the clocks change (2026-10-25, an hour comes twice; 2027-03-28, an hour is missing) and midnights, in Budapest:
// times, countdowns, ages and days left.  The browser's clock is set; what the service says is moved to the night.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Registry } from '../api/lib/registry.mjs';
import { reservationIn } from '../api/lib/scenes.mjs';
import { clean, leave, panel, picture, profile, quit, signIn, tab } from './lib/browser.mjs';

let r;
before(async () => {
  r = await new Registry().start();
  for (const state of ['in_stay', 'confirmed', 'requested']) await reservationIn(r, state);
});
after(async () => {
  await quit();
  await r.close();
});

/** A signed-in page at ${time}, for which the service says ${night} of each reservation by its state. */
async function at(time, { role = 'shelter_staff', night = {}, confirmed = time, lang } = {}) {
  const p = await profile(r, role, { size: 'phone', lang });
  await p.context.clock.setFixedTime(new Date(time)); // it stands: however long a page takes, it is this moment
  await p.context.route(/\/v1\/(?!events)/, async (route) => {
    const response = await route.fetch();
    const { date, ...headers } = response.headers(); // the service's clock corrects a browser's: not tonight
    if (!/\/(reservations|availability)$/.test(new URL(route.request().url()).pathname) || response.status() !== 200) return route.fulfill({ response, headers });
    const json = await response.json();
    for (const x of json.data ?? []) Object.assign(x, night[x.state]);
    for (const u of json.units ?? []) Object.assign(u, { confirmed_at: confirmed, freshness: 'fresh' });
    return route.fulfill({ response, headers, json });
  });
  const page = await tab(p);
  const isAsked = () => page.locator('input[name=user]').waitFor({ timeout: 5000 }).then(() => true, () => false);
  for (let tries = 0; tries < 4 && !(await isAsked()); tries++) await page.reload(); // on a busy machine a clock that stands loses a timer now and then
  await signIn(page, r.credentials(role));
  if (role !== 'statistician') await page.locator('.units:visible').waitFor();
  return page;
}

const requests = (page) => panel(page, 'Válaszra váró kérések');
const expected = (page) => panel(page, 'Érkezők');
const here = (page) => panel(page, 'Itt laknak');

async function paper(page) {
  await page.evaluate(() => { globalThis.print = () => {}; });
  await page.getByRole('button', { name: /Leállási lap|Downtime sheet/ }).click();
  await page.locator('.paper').waitFor({ state: 'attached' });
  await page.emulateMedia({ media: 'print' });
  return page.locator('.paper').innerText();
}

const NIGHTS = {
  'summer time ends: the first of the two hours': {
    time: '2026-10-25T00:20:00Z', confirmed: '2026-10-24T22:10:00Z', // 02:20; 00:10
    night: { requested: { expires_at: '2026-10-25T01:10:00Z' }, confirmed: { earliest_arrival: '2026-10-25T00:40:00Z' }, in_stay: { stay_end: '2026-10-26' } },
    left: '50:00', from: /02:40 \(nyári idő\)/, until: /2026\. okt\. 25\. 02:10 \(téli idő\)/, age: /2 órája/, end: /2026\. október 26\. \(még 1 nap\)/,
  },
  'summer time ends: the second of the two hours': {
    time: '2026-10-25T01:20:00Z', confirmed: '2026-10-24T22:10:00Z',
    night: { requested: { expires_at: '2026-10-25T02:10:00Z' }, confirmed: { earliest_arrival: '2026-10-25T01:40:00Z' }, in_stay: { stay_end: '2026-10-25' } },
    left: '50:00', from: /02:40 \(téli idő\)/, until: /2026\. okt\. 25\. 03:10(?! \()/, age: /3 órája/, end: /Ma van az utolsó napja: 2026\. október 25\./,
  },
  'summer time ends: half past midnight after its 25 hours': {
    time: '2026-10-25T23:30:00Z', confirmed: '2026-10-25T00:30:00Z',
    night: { requested: { expires_at: '2026-10-26T00:30:00Z' }, confirmed: { earliest_arrival: '2026-10-25T22:45:00Z' }, in_stay: { stay_end: '2026-10-26' } },
    left: '1:00:00', from: /okt\. 25\. 23:45/, until: /2026\. okt\. 26\. 01:30/, age: /23 órája/, end: /Ma van az utolsó napja: 2026\. október 26\./,
  },
  'summer time begins: an hour is missing': {
    time: '2027-03-28T00:50:00Z', confirmed: '2027-03-27T23:50:00Z', // 01:50; the next hour is 03
    night: { requested: { expires_at: '2027-03-28T01:10:00Z' }, confirmed: { earliest_arrival: '2027-03-28T01:30:00Z' }, in_stay: { stay_end: '2027-03-29' } },
    left: '20:00', from: /: 03:30$/, until: /2027\. márc\. 28\. 03:10(?! \()/, age: /1 órája/, end: /2027\. március 29\. \(még 1 nap\)/,
  },
  'summer time begins: half past midnight after its 23 hours': {
    time: '2027-03-28T22:30:00Z', confirmed: '2027-03-28T00:30:00Z',
    night: { requested: { expires_at: '2027-03-28T23:00:00Z' }, confirmed: { earliest_arrival: '2027-03-28T21:30:00Z' }, in_stay: { stay_end: '2027-04-05' } },
    left: '30:00', from: /márc\. 28\. 23:30/, until: /2027\. márc\. 29\. 01:00/, age: /22 órája/, end: /2027\. április 5\. \(még 7 nap\)/,
  },
};

for (const [name, n] of Object.entries(NIGHTS))
  test(name, async () => {
    const page = await at(n.time, n);
    await requests(page).waitFor();
    assert.equal(await requests(page).locator('.countdown time').innerText(), n.left);
    assert.match((await expected(page).locator('.card').innerText()).split('\n').find((l) => /érkezés/.test(l)), n.from);
    assert.match(await here(page).innerText(), n.end);
    assert.match(await page.locator('.unit:visible').first().innerText(), n.age);
    await picture(page, `night-${n.time.slice(0, 13)}-phone-hu`);
    assert.match(await paper(page), n.until);
    clean(page);
    await leave(page.context());
  });

test('the same in English', async () => {
  const n = NIGHTS['summer time ends: the first of the two hours'];
  const page = await at(n.time, { ...n, lang: 'en' });
  await page.getByText('02:40 (summer time)').waitFor();
  assert.match(await paper(page), /25 Oct 2026, 02:10 \(winter time\)/);
  await leave(page.context());
});

test('a quarter is over with its last day in Budapest', async () => {
  for (const [time, newest] of [['2026-12-31T22:30:00Z', '2026-Q3'], ['2026-12-31T23:30:00Z', '2026'], ['2027-03-31T21:30:00Z', '2026'], ['2027-03-31T22:30:00Z', '2027-Q1']]) {
    const page = await at(time, { role: 'statistician' });
    const options = await page.locator('select option').evaluateAll((all) => all.map((o) => o.value).filter((v) => /^\d{4}/.test(v)));
    assert.equal(options[0], newest, time);
    await leave(page.context());
  }
});
