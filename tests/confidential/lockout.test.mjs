// SPDX-License-Identifier: Apache-2.0
// Guessing passphrases: it gets slower and slower, it costs no hash, it tells nothing, and it shuts no colleague out.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { clockTest as test, Clockwork, DAY, HOUR, MINUTE, noClock } from '../api/lib/clockwork.mjs';
import { comes } from '../api/lib/patience.mjs';

let clock;
let r;
before(async () => {
  if (noClock) return;
  clock = await new Clockwork().start();
  r = clock.registry;
});
after(() => r?.close());

const guess = (client, user, passphrase = 'not the right one') => client.send('POST', '/v1/tokens', { user, passphrase });
const wait = (answer) => Number(answer.headers['retry-after']);

/** All that may differ between two refusals is the request's own id. */
const anonymous = ({ status, headers, text, json }) => ({
  status,
  text: text.replaceAll(json.request_id, ''),
  names: Object.keys(headers).filter((h) => h !== 'date').sort(),
  wait: headers['retry-after'],
});

/** Guess until ${times} guesses counted, waiting as told; returns the waits. */
async function guesses(client, user, times) {
  const waits = [];
  for (let counted = 0; counted < times;) {
    const answer = await guess(client, user);
    if (answer.status === 401) {
      counted++;
      continue;
    }
    assert.equal(answer.status, 429, answer.text);
    waits.push(wait(answer));
    clock.jump(wait(answer));
  }
  return waits;
}

test('waits grow to a quarter of an hour, for a person and for nobody alike', async () => {
  const device = r.bare('counsellor');
  const known = await guesses(device, 'okit.dora', 15);
  const unknown = await guesses(device, 'nobody.here', 15);
  // the first waits, of a few seconds, may be over before the next guess comes; a wait is told less what has passed of it
  const grown = [64, 128, 256, 512, 900, 900];
  for (const waits of [known, unknown]) {
    const last = waits.slice(-grown.length);
    last.forEach((w, i) => assert.ok(w <= grown[i] && w > grown[i] - 10, `${waits}`));
  }
});

test('a refusal that waits is the same for a person and for nobody, and for the right passphrase', async () => {
  const device = r.bare('shift_lead');
  await guesses(device, 'okit.eszter', 14); // longer than the clock moves for the other
  await guesses(device, 'no.such.one', 9);
  const answers = [
    await guess(device, 'okit.eszter'),
    await guess(device, 'no.such.one'),
    await guess(device, 'okit.eszter', r.passphrase('okit.eszter')),
  ];
  for (const a of answers) {
    assert.equal(a.json.code, 'too_many_requests', a.text);
    assert.ok(wait(a) > 0 && wait(a) <= 900);
  }
  const plain = answers.map((a) => ({ ...anonymous(a), wait: 0, text: anonymous(a).text.replace(/\d+ másodperc/, '') }));
  assert.deepEqual(plain[1], plain[0]);
  assert.deepEqual(plain[2], plain[0]);
});

test('a refusal that waits costs no hash', async () => {
  const device = r.bare('statistician');
  await guesses(device, 'statisztika', 8);
  const hashed = [];
  const refused = [];
  for (let i = 0; i < 8; i++) {
    const start = performance.now();
    assert.equal((await guess(device, 'statisztika')).status, 429);
    refused.push(performance.now() - start);
  }
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    assert.equal((await guess(device, `made.up.${i}`)).status, 401);
    hashed.push(performance.now() - start);
  }
  assert.ok(Math.min(...refused) * 3 < Math.min(...hashed), `${Math.min(...refused)} ms and ${Math.min(...hashed)} ms`);
});

test('trying on while one has to wait does not make the wait longer', async () => {
  const device = r.bare('auditor');
  await guesses(device, 'ellenor', 9);
  const first = wait(await guess(device, 'ellenor'));
  for (let i = 0; i < 20; i++) await guess(device, 'ellenor');
  assert.ok(wait(await guess(device, 'ellenor')) <= first);
});

test('guesses that run at the same moment are not more guesses', async () => {
  const clients = Array.from({ length: 12 }, () => r.bare('family_support'));
  const began = performance.now();
  const answers = await Promise.all(clients.map((c) => guess(c, 'csalad.bela')));
  const counted = answers.filter((a) => a.status === 401).length;
  // four, and one more for each wait (of 2 s, 4 s; in whole seconds) that could pass until the last was answered
  let most = 4;
  for (let left = (performance.now() - began) / 1000, wait = 2; left > wait - 1; left -= wait - 1, wait *= 2) most++;
  assert.ok(counted <= most, `${counted} of 12 were looked at, ${most} could be`);
  for (const c of clients) c.end();
});

test('nobody keeps a colleague out: her own device does not wait for another, a new one half a minute at most', async () => {
  const passphrase = r.passphrase('okit.anna');
  const own = r.bare('counsellor');
  assert.equal((await guess(own, 'okit.anna', passphrase)).status, 201);
  const attacker = r.bare('shift_lead'); // of the same organisation
  await guesses(attacker, 'okit.anna', 20);
  assert.equal((await guess(own, 'okit.anna', passphrase)).status, 201, 'at once where she is at home');
  const fresh = r.bare('auditor'); // where she never was
  const refused = await guess(fresh, 'okit.anna', passphrase);
  assert.equal(refused.status, 429);
  assert.ok(wait(refused) <= 30, `${wait(refused)} s`);
});

test('a night of guesses on her own device costs her a quarter of an hour', async () => {
  const desk = r.bare('shelter_staff');
  await guesses(desk, 'haz.nyugat1', 30);
  clock.jump(15 * MINUTE);
  assert.equal((await guess(desk, 'haz.nyugat1', r.passphrase('haz.nyugat1'))).status, 201);
  assert.equal((await guess(desk, 'haz.nyugat1')).status, 401, 'and all is as it was');
});

test('a restart forgets nothing', async () => {
  const device = r.bare('shelter_manager');
  await guesses(device, 'vezeto.nyugat1', 12);
  const before_it = wait(await guess(device, 'vezeto.nyugat1'));
  await r.kill9();
  await r.start(clock.environment);
  const after_it = await guess(r.bare('shelter_manager'), 'vezeto.nyugat1', r.passphrase('vezeto.nyugat1'));
  assert.equal(after_it.status, 429);
  assert.ok(wait(after_it) > 100 && wait(after_it) <= before_it);
});

test('a clock that was days ahead keeps nobody out when it is put back, and lets a guesser in once', async () => {
  const device = r.bare('shelter_manager');
  const right = () => guess(device, 'vezeto.nyugat1', r.passphrase('vezeto.nyugat1'));
  clock.jump(2 * DAY);
  await guesses(device, 'vezeto.nyugat1', 12);
  clock.jump(-2 * DAY);
  assert.equal((await guess(device, 'vezeto.nyugat1')).status, 401);
  const again = await right();
  assert.equal(again.status, 429, 'a second try at once');
  assert.ok(wait(again) <= 900);
  clock.jump(wait(again));
  assert.equal((await right()).status, 201);
});

test('an open session is no place to find the passphrase out', async () => {
  const admin = await r.as('admin');
  const codes = [];
  let failed = -Infinity;
  for (let i = 0; i < 12 && codes.at(-1) !== 429; i++) { // the first waits, of 2 s, 4 s, may be over before the next guess comes
    const sent = performance.now();
    const answer = await admin.put('/v1/me/passphrase', { old_passphrase: `guess ${i}`, new_passphrase: 'kilenc kék kancsó' });
    codes.push(answer.status);
    if (i >= 4 && performance.now() - failed < 1000) assert.equal(answer.status, 429, `the wait of 2 s was not over: ${codes}`);
    failed = sent;
  }
  assert.deepEqual([codes.slice(0, 4), codes.at(-1)], [[401, 401, 401, 401], 429], `${codes}`);
});

test('wrong passphrases stand in the trail', async () => {
  const auditor = r.bare('auditor');
  clock.jump(16 * MINUTE);
  await auditor.signIn('ellenor', r.passphrase('ellenor'));
  const { data } = (await auditor.get('/v1/audit?limit=100')).json;
  assert.ok(data.some((e) => e.action === 'tokens_create' && e.outcome === 'sign_in_refused'));
});

test('what was forgotten is removed, and the trail knows of every row', async () => {
  const rows = () => Number(JSON.parse(r.run('check', '--json').trim().split('\n').at(-1)).records);
  const device = r.bare('counsellor'), names = Array.from({ length: 12 }, (_, i) => `forgotten.${i}`); // each is two rows
  for (const name of names) await guesses(device, name, 1); // more than the checkpoints signed meanwhile, rows too
  await r.stop();
  const many = rows();
  await r.start(clock.environment);
  const auditor = await r.bare('auditor').signIn('ellenor', r.passphrase('ellenor'));
  const [{ number }] = (await auditor.get('/v1/audit?limit=1')).json.data; // a leap of before made it forget, too
  clock.jump(13 * HOUR);
  await auditor.signIn('ellenor', r.passphrase('ellenor'));
  await comes(async () => (await auditor.get('/v1/audit?limit=20')).json.data.some((e) => e.number > number && e.action === 'clock_forget_attempts'),
    'nothing is forgotten');
  await r.stop();
  assert.ok(rows() < many);
  await r.start(clock.environment);
});
