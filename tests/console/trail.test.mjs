// SPDX-License-Identifier: Apache-2.0
// The state of the audit trail as an auditor sees it: calm while it is whole, an alarm once somebody was at it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { comes } from '../api/lib/patience.mjs';
import { Registry } from '../api/lib/registry.mjs';
import { hold } from '../api/lib/scenes.mjs';
import { checkpointKey, entryKey, tamper } from '../api/lib/tamper.mjs';
import { accessible, clean, open, picture, quit, touchable } from './lib/browser.mjs';

let r;
before(async () => { r = await new Registry().start(); });
after(async () => {
  await quit();
  await r.close();
});

const TEXTS = {
  hu: { screen: 'Napló', state: 'A napló állapota', fine: 'A napló ép', checkpoint: 'Egy ellenőrzőpont hiányzik vagy megváltoztatták', entry: 'Az első hibás bejegyzés: 5.' },
  en: { screen: 'Trail', state: 'State of the trail', fine: 'The trail is whole', checkpoint: 'A checkpoint is missing or was altered', entry: 'The first wrong entry: 5.' },
};

/** The panel on the screen of ${role}, once the service has read its trail. */
async function stateOf(role, options = {}) {
  const who = await r.as('auditor');
  await comes(async () => (await who.get('/v1/audit/state')).json.checked_at, 'the service does not read its trail');
  const words = TEXTS[options.lang ?? 'hu'];
  const seen = await open(r, role, options);
  await seen.page.locator('nav.tabs').first().getByRole('button', { name: words.screen, exact: true }).click();
  const panel = seen.page.locator('.panel', { has: seen.page.getByRole('heading', { name: words.state, exact: true }) });
  await panel.waitFor();
  return { ...seen, panel, words };
}

test('a whole trail is said to be whole, with the last checkpoint and when it was read', async () => {
  for (const role of ['auditor', 'admin']) {
    const { page, panel, words, context } = await stateOf(role);
    await panel.getByText(words.fine).waitFor();
    let text;
    await comes(async () => { // the next checkpoint may be signed meanwhile
      const s = (await (await r.as('auditor')).get('/v1/audit/state')).json;
      await panel.getByRole('button', { name: 'Ellenőrzés most' }).press('Enter');
      text = await panel.innerText();
      return text.includes(s.key) && text.includes(`${s.checkpoint.root.slice(0, 16)}…`);
    }, () => text);
    assert.equal(await panel.locator('[role=alert]').count(), 0);
    await accessible(page, `trail, whole, ${role}`);
    clean(page);
    await context.close();
  }
});

test('who may not prove the trail is shown no state', async () => {
  await hold(await r.as('counsellor')); // with a reason of a list
  const { page, context } = await open(r, 'shift_lead');
  await page.locator('nav.tabs').first().getByRole('button', { name: 'Napló', exact: true }).click();
  await page.locator('main table tbody tr').first().waitFor();
  assert.equal(await page.getByText(TEXTS.hu.state).count(), 0);
  const said = await page.locator('main table').innerText();
  assert.match(said, /bejelentkezett/, 'what was done is said in words');
  assert.match(said, /■\s*rendben/, 'how it ended too');
  assert.doesNotMatch(said, /[a-z]_[a-z]/, 'and not as the program calls it');
  await context.close();
});

for (const [what, key, lang, size] of [['checkpoint', checkpointKey(1), 'hu', 'desktop'], ['entry', entryKey(5), 'en', 'phone']])
  test(`an altered ${what} is an alarm`, async () => {
    await r.stop();
    tamper(r, key);
    await r.start();
    const { page, panel, words, context } = await stateOf('auditor', { lang, size });
    const alarm = panel.locator('[role=alert]');
    await alarm.getByText(words[what]).waitFor();
    assert.equal(await panel.getByText(words.fine).count(), 0);
    await accessible(page, `trail, altered ${what}`);
    await touchable(page, `trail, altered ${what}`);
    await picture(page, `trail-alarm-${what}-${size}-${lang}`);
    clean(page);
    await context.close();
  });
