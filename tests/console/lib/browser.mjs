// SPDX-License-Identifier: Apache-2.0
// Real Chromium over real mTLS: a page with the device certificate of a role, watched for everything that must not happen
// (violations of the content-security policy, errors, requests elsewhere), and pictures of what a person would see.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { chromium } from 'playwright-core';
import { PATIENCE } from '../../api/lib/patience.mjs';
import { root, sleep } from '../../api/lib/registry.mjs';

export const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 }, narrow: { width: 320, height: 640 } };
const pictures = join(root, 'build/screenshots');
mkdirSync(pictures, { recursive: true });

let browser = null;
export async function launch() {
  browser ??= await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
  return browser;
}
export async function quit() {
  await browser?.close();
  browser = null;
}

/** A browser profile on the device of ${role}; one profile may have many tabs. */
export async function profile(registry, role, { size = 'desktop', touch = size === 'phone', lang = 'hu', more = {} } = {}) {
  const origin = `https://localhost:${registry.port}`;
  const device = registry.device(role);
  const context = await (await launch()).newContext({
    ignoreHTTPSErrors: true,
    clientCertificates: [{ origin, certPath: `${device}.crt`, keyPath: `${device}.key` }],
    viewport: SIZES[size],
    hasTouch: touch,
    isMobile: touch,
    locale: lang === 'hu' ? 'hu-HU' : 'en-GB',
    ...more,
  });
  context.setDefaultTimeout(PATIENCE);
  await context.addInitScript((to) => localStorage.setItem('lang', to), lang);
  return { context, origin, role, registry, lang, size };
}

const TWICE_MS = 400; // as web/src/ui/parts.tsx has it

/** From here on every page is pressed as people do: two presses so soon after each other would be one double press. */
function unhurried(page) {
  const kind = Object.getPrototypeOf(page.locator('*'));
  if (Object.hasOwn(kind, 'isUnhurried')) return;
  kind.isUnhurried = true;
  let last = 0;
  for (const way of ['tap', 'click']) {
    const press = kind[way];
    kind[way] = async function (...how) {
      await sleep(Math.max(0, last + TWICE_MS - performance.now()));
      try {
        await press.apply(this, how);
      } finally {
        last = performance.now();
      }
    };
  }
}

/** A tab, with everything that went wrong in it. */
export async function tab(p) {
  const page = await p.context.newPage();
  unhurried(page);
  page.wrongs = [];
  page.on('pageerror', (e) => page.wrongs.push(`error: ${e.message}`));
  page.on('console', (m) => {
    if (/Content Security Policy|TrustedHTML|Refused to/.test(m.text())) page.wrongs.push(`policy: ${m.text()}`);
  });
  page.on('request', (r) => {
    if (!r.url().startsWith(p.origin)) page.wrongs.push(`request elsewhere: ${r.url()}`);
  });
  for (let tries = 0; ; tries++) // Chromium drops what is under way when any interface of the machine comes or goes
    try {
      await page.goto(`${p.origin}/`);
      break;
    } catch (e) { if (tries === 3 || !/ERR_NETWORK_CHANGED/.test(e.message)) throw e; }
  return page;
}

export const clean = (page) => assert.deepEqual(page.wrongs, []);

/** A panel of what is seen now, by its title. */
export const panel = (page, title) => page.locator('.panel:visible', { hasText: title });

/** Sign in by keyboard, as a person does. */
export async function signIn(page, { user, passphrase }) {
  await page.locator('input[name=user]').fill(user);
  await page.locator('input[name=passphrase]').fill(passphrase);
  await page.keyboard.press('Enter');
  await page.locator('header.top .tools button').nth(2).waitFor();
}

/** A signed-in page of ${role}. */
export async function open(registry, role, options = {}) {
  const p = await profile(registry, role, options);
  const page = await tab(p);
  await signIn(page, options.person ?? registry.credentials(role));
  return { ...p, page };
}

/** No violation of WCAG 2.2 A and AA that axe can find. */
export async function accessible(page, name) {
  const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  assert.deepEqual(found.violations.map((v) => `${name}: ${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`), []);
}

/** Everything that is touched is large enough for a thumb (WCAG 2.5.5), and nothing scrolls sideways. */
export async function touchable(page, name) {
  const small = await page.evaluate(() => [...document.querySelectorAll('button, summary, select, input, a')]
    .map((e) => e.closest('.pill') ?? e)
    .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.matches('.skip, [inert] *'))
    .map((e) => ({ what: `${e.tagName} ${e.textContent.slice(0, 30) || e.name || e.ariaLabel}`, ...e.getBoundingClientRect().toJSON() }))
    .filter((b) => b.width < 44 || b.height < 44)
    .map((b) => `${b.what}: ${b.width} x ${b.height}`));
  assert.deepEqual(small, [], name);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} scrolls sideways`);
}

export async function picture(page, name) {
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true, animations: 'disabled' });
}

/** Until what has the focus matches ${selector}: a screen gives it a moment after it is drawn. */
export const focused = (page, selector) => page.waitForFunction((wanted) => document.activeElement.matches(wanted), selector);

const SHIFTS_MS = 900; // as web/src/ui/shell.tsx has it

/** Shift for the third time, and it stays down.  Where a stall put too much time between them nothing is covered, rightly: again. */
export async function shiftThrice(page) {
  await page.evaluate(() => {
    globalThis.shifts = [];
    addEventListener('keydown', (e) => { if (e.key === 'Shift') globalThis.shifts.push(e.timeStamp); }, true);
  });
  for (;;) {
    for (let i = 0; i < 2; i++) await page.keyboard.press('Shift');
    await page.keyboard.down('Shift');
    if (await page.evaluate((most) => globalThis.shifts.at(-1) - globalThis.shifts.at(-3) < most, SHIFTS_MS)) return;
    await page.keyboard.up('Shift');
    await page.waitForTimeout(SHIFTS_MS); // they count no more
  }
}

/** End it.  A request that a route of the test's still holds cannot be answered any more: no fault of anybody's. */
export async function leave(context) {
  for (const held of [context, ...context.pages()]) await held.unrouteAll({ behavior: 'ignoreErrors' });
  await context.close();
}

export const source = (path) => readFileSync(join(root, path), 'utf8');
