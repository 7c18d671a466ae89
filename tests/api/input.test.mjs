// SPDX-License-Identifier: Apache-2.0
// Bad input gets its 4xx with a stable code, a place and the caller's language, and changes nothing.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Registry } from './lib/registry.mjs';
import { say } from './lib/raw.mjs';
import { openEpisode, ownHouse } from './lib/scenes.mjs';

const GOOD = { channel: 'phone', household: { case_type: 'partner_violence', women: 1 } };
const GOOD_TEXT = JSON.stringify(GOOD);
const around = (before, bytes, behind) => Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(behind)]);
const withWomen = (text) => GOOD_TEXT.replace('"women":1', `"women":${text}`);

let r;
let desk;
let staff;
let house;
let atFirst;

async function everything() {
  const availability = (await staff.get(`/v1/shelters/${house}/availability`)).json;
  const episodes = (await desk.get('/v1/episodes?limit=100')).json.data;
  return { units: availability.units, persons: availability.persons, episodes: episodes.map((e) => e.id).sort() };
}

before(async () => {
  r = await new Registry().start();
  desk = await r.as('counsellor');
  staff = await r.as('shelter_staff');
  house = await ownHouse(staff);
  await openEpisode(desk);
  await openEpisode(desk);
  atFirst = await everything();
});
after(() => r.close());

const open = (body, headers) => desk.post('/v1/episodes', body, headers);

function assertProblem(answer, status, code) {
  assert.deepEqual([answer.status, answer.json?.code], [status, code], answer.text);
  assert.equal(answer.json.status, status);
  assert.equal(answer.json.request_id, answer.headers['request-id']);
}

const unchanged = async () => assert.deepEqual(await everything(), atFirst);

const MALFORMED = {
  'nothing': '',
  'white space': ' \n ',
  'a word': 'hello',
  'half an object': '{"channel":"phone"',
  'a trailing comma': '{"channel":"phone",}',
  'single quotes': "{'channel':'phone'}",
  'a comment': `/* x */ ${GOOD_TEXT}`,
  'a byte order mark': `\ufeff${GOOD_TEXT}`,
  'something behind it': `${GOOD_TEXT} {}`,
  'a NUL behind it': `${GOOD_TEXT}\0`,
  'UTF-16': Buffer.from(GOOD_TEXT, 'utf16le'),
  'a member given twice': GOOD_TEXT.replace('{', '{"channel":"in_person",'),
  'a member given twice, once escaped': GOOD_TEXT.replace('{', '{"\\u0063hannel":"in_person",'),
  'a member given twice, deep inside': withWomen('1,"women":2'),
  'invalid UTF-8': around('{"channel":"', [0xff], '"}'),
  'an overlong slash': around('{"channel":"', [0xc0, 0xaf], '"}'),
  'a surrogate in UTF-8': around('{"channel":"', [0xed, 0xa0, 0x80], '"}'),
  'UTF-8 beyond Unicode': around('{"channel":"', [0xf4, 0x90, 0x80, 0x80], '"}'),
  'UTF-8 cut off': around('{"channel":"', [0xc3], '"}'),
  'a lone high surrogate': '{"channel":"\\ud800"}',
  'a lone low surrogate': '{"channel":"\\udc00x"}',
  'U+0000': '{"channel":"phone\\u0000"}',
  'a raw NUL': '{"channel":"pho\0ne"}',
  'a raw line end in a string': '{"channel":"pho\nne"}',
  'an unknown escape': '{"channel":"\\x41"}',
  'depth 17': `${'['.repeat(17)}${']'.repeat(17)}`,
  'depth 15000': `${'['.repeat(15000)}${']'.repeat(15000)}`,
  'depth without end': '{"a":'.repeat(6000),
  'a number beyond double': withWomen('1e400'),
  'a number of 10,000 digits': withWomen('1'.repeat(10000)),
  'an integer beyond 2^53': withWomen('9007199254740993'),
  'a leading zero': withWomen('01'),
  'a plus sign': withWomen('+1'),
  'hexadecimal': withWomen('0x1'),
  'NaN': withWomen('NaN'),
  'infinity': withWomen('-Infinity'),
  '300 members': `{${Array.from({ length: 300 }, (_, i) => `"a${i}":1`).join(',')}}`,
};

for (const [what, body] of Object.entries(MALFORMED))
  test(`400: ${what}`, async () => {
    const answer = await open(body);
    assertProblem(answer, 400, 'malformed');
    assert.equal(typeof answer.json.errors[0].pointer, 'string');
  });

test('nothing of all this has changed anything', unchanged);

const household = (changes) => ({ ...GOOD, household: { ...GOOD.household, ...changes } });
const INVALID = {
  'an array': [[GOOD], ''],
  'null': ['null', ''],
  'a text': ['"phone"', ''],
  'an unknown member': [{ ...GOOD, name: 'Kovács Anna' }, '/name'],
  'an unknown member inside': [household({ name: 'Kovács Anna' }), '/household/name'],
  'an unknown member in a list': [household({ children: [{ sex: 'female', band: '0-2', name: 'x' }] }),
    '/household/children/0/name'],
  'an unknown member whose name must be escaped': [{ ...GOOD, 'a/b~c': 1 }, '/a~1b~0c'],
  'a prototype': ['{"__proto__":{},"channel":"phone","household":{"case_type":"partner_violence","women":1}}', '/__proto__'],
  'another case of letters': [{ ...GOOD, Channel: 'phone' }, '/Channel'],
  'a missing member': [{ channel: 'phone' }, '/household'],
  'a wrong type': [{ ...GOOD, channel: 1 }, '/channel'],
  'null for a text': [{ ...GOOD, channel: null }, '/channel'],
  'a word that is no code': [{ ...GOOD, channel: 'smoke' }, '/channel'],
  'a code with another behind it': [{ ...GOOD, channel: 'phone phone' }, '/channel'],
  'a fraction of a woman': [household({ women: 1.5 }), '/household/women'],
  'a negative woman': [household({ women: -1 }), '/household/women'],
  'too many women': [household({ women: 7 }), '/household/women'],
  'the greatest integer': [withWomen('9007199254740991'), '/household/women'],
  'a text for a number': [household({ women: '1' }), '/household/women'],
  'too many children': [household({ children: Array(13).fill({ sex: 'female', band: '0-2' }) }), '/household/children'],
  'a code given twice': [household({ languages: ['hu', 'hu'] }), '/household/languages'],
  'a day that is not': [household({ earliest_arrival: '2026-02-30T00:00:00Z' }), '/household/earliest_arrival'],
};

for (const [what, [body, pointer]] of Object.entries(INVALID))
  test(`422: ${what}`, async () => {
    const answer = await open(body);
    assertProblem(answer, 422, 'invalid');
    assert.ok(answer.json.errors.some((e) => e.pointer.startsWith(pointer) && e.detail !== ''), answer.text);
  });

test('what was wrong is never told back', async () => {
  const answer = await open({ ...GOOD, channel: 'Kovács Anna' });
  assert.ok(!answer.text.includes('Kovács'));
});

test('each reads the refusal in their own language', async () => {
  const title = async (language) => {
    const { json } = await open({}, { 'Accept-Language': language });
    assert.equal(json.code, 'invalid');
    return [json.title, json.errors[0].detail];
  };
  const hu = ['A kérés tartalma nem megfelelő', 'Hiányzó mező: channel'];
  assert.deepEqual(await title(null), hu);
  for (const language of ['hu', 'hu-HU,hu;q=0.9,en;q=0.8', 'de', 'xx;;q=,,']) assert.deepEqual(await title(language), hu);
  const en = await title('en');
  assert.match(en[0], /^[\x20-\x7e]+$/);
  assert.equal(en[1], 'Missing member: channel');
  for (const language of ['en-GB,en;q=0.9', 'de, en;q=0.5']) assert.deepEqual(await title(language), en);
});

for (const type of [null, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonx',
  'application/json; charset=latin1', 'multipart/form-data; boundary=x', 'text/json', 'application/json,text/plain', ''])
  test(`415: ${type ?? 'no media type'}`, async () =>
    assertProblem(await open(GOOD, { 'Content-Type': type }), 415, 'media_type_unsupported'));

const head = (more) => `POST /v1/episodes HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${desk.token}\r\n`
  + `Content-Type: application/json\r\nIdempotency-Key: ${randomUUID()}\r\n${more}\r\n`;

for (const [what, more] of Object.entries({
  'declared': 'Content-Length: 1048576\r\n',
  'declared, and waiting for 100': 'Content-Length: 1048576\r\nExpect: 100-continue\r\n',
  'by one byte': 'Content-Length: 32769\r\n',
  'beyond 32 bits': 'Content-Length: 4294967300\r\n',
}))
  test(`413 before the body is sent: ${what}`, async () => {
    const { statuses, text, closed } = await say(r, 'counsellor', head(more));
    assert.deepEqual([statuses, closed], [[413], true], text);
    assert.match(text, /"code":"body_too_large"/);
  });

test('413: a chunked body that does not end', async () => {
  const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`;
  const { statuses, text } = await say(r, 'counsellor', `${head('Transfer-Encoding: chunked\r\n')}${chunk.repeat(4)}0\r\n\r\n`);
  assert.deepEqual(statuses, [413], text);
});

const astray = async () => Object.assign(await r.person('okit.eszter', 'counsellor'), { isAstray: true });

test('405 with what is allowed', async () => {
  const tries = [['DELETE', '/v1/me', 'GET'], ['PUT', '/v1/episodes', 'GET, POST'], ['GET', '/v1/tokens', 'POST'],
    ['PATCH', `/v1/episodes/${atFirst.episodes[0]}`, 'GET'], ['OPTIONS', '/v1/me', 'GET']];
  const stray = await astray();
  for (const [verb, path, allow] of tries) {
    const answer = await stray.send(verb, path);
    assertProblem(answer, 405, 'method_not_allowed');
    assert.equal(answer.headers.allow, allow);
  }
});

test('404: paths that are none of ours', async () => {
  const stray = await astray();
  for (const path of ['/index', '/v1', '/v1/', '/v1/me/', '//v1/me', '/v1//me', '/v2/me', '/v1/ME', '/v1/me.json', '/v1/../v1/me',
    '/v1/episodes/x', `/v1/episodes/${'z'.repeat(26)}`, `/v1/episodes/${atFirst.episodes[0].toUpperCase()}`,
    `/v1/episodes/${atFirst.episodes[0]}0`])
    assertProblem(await stray.get(path), 404, 'not_found');
});

test('pages: a wrong limit or cursor is 400', async () => {
  for (const limit of ['0', '101', '-1', '1x', 'x', '', '1.0', '+1', '%31', '99999999999999999999', '1;2'])
    assertProblem(await desk.get(`/v1/episodes?limit=${limit}`), 400, 'malformed');
  const page = await desk.get('/v1/episodes?limit=1');
  const cursor = page.json.next_cursor;
  assert.equal((await desk.get(`/v1/episodes?limit=1&cursor=${cursor}`)).json.data.length, 1);
  const flipped = (cursor[9] === 'A' ? 'B' : 'A') + cursor.slice(10);
  for (const wrong of ['x', '', 'A'.repeat(cursor.length), cursor.slice(0, 9) + flipped, `${cursor}A`, cursor.slice(1),
    `${cursor}=`])
    assertProblem(await desk.get(`/v1/episodes?cursor=${wrong}`), 400, 'malformed');
  const lead = await r.as('shift_lead'); // a cursor is the person's own
  assertProblem(await lead.get(`/v1/episodes?cursor=${cursor}`), 400, 'malformed');
});

test('statistics: a period that is no quarter or year, or not over, or an unknown table is 400', async () => {
  const statistician = await r.as('statistician');
  const year = new Date(Date.now() + 2 * 3600e3).getUTCFullYear(); // in Budapest it begins first
  for (const query of [`period=${year + 1}`, `period=${year}`, `period=${year + 1}-Q1`, 'period=2024-Q5', 'period=2024-Q0',
    'period=2024-q1', 'period=2024-01', 'period=2024-01-01', 'period=', 'period=x', 'period=1999', 'period=3000',
    'period=%32024', 'table=people', 'table=%70lacements'])
    assertProblem(await statistician.get(`/v1/statistics?${query}`), 400, 'malformed');
  const { errors } = (await statistician.get('/v1/statistics?period=x')).json;
  assert.equal(errors[0].pointer, '/period');
});

test('a change that must be safe to repeat has a key', async () => {
  assertProblem(await open(GOOD, { 'Idempotency-Key': null }), 400, 'idempotency_key_missing');
  for (const key of ['', 'x'.repeat(65), 'a b']) {
    const answer = await open(GOOD, { 'Idempotency-Key': key });
    assert.equal(answer.status, 400, answer.text);
  }
});

test('nothing has changed yet', unchanged);

test('a repeated request is answered again and done once', async () => {
  const headers = { 'Idempotency-Key': randomUUID() };
  const refused = await open({ channel: 'phone' }, headers);
  assert.equal(refused.status, 422); // and a refusal does not use the key up
  const first = await open(GOOD, headers);
  assert.equal(first.status, 201, first.text);
  assert.equal(first.headers['idempotency-replayed'], undefined);
  const again = await open(GOOD, headers);
  assert.deepEqual([again.status, again.text, again.headers.etag], [201, first.text, first.headers.etag]);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assertProblem(await open({ ...GOOD, channel: 'in_person' }, headers), 422, 'idempotency_key_reused');
  assertProblem(await open(`${GOOD_TEXT} `, headers), 422, 'idempotency_key_reused');
  const mine = (await everything()).episodes.filter((id) => !atFirst.episodes.includes(id));
  assert.deepEqual(mine, [first.json.id]);
  // the key is this person's and this operation's: elsewhere it is new
  const lead = await r.as('shift_lead');
  const other = await lead.post('/v1/episodes', GOOD, headers);
  assert.equal(other.status, 201);
  assert.notEqual(other.json.id, first.json.id);
  for (const { id } of [first.json, other.json])
    assert.equal((await desk.post(`/v1/episodes/${id}/close`, { outcome: 'other_help' })).status, 200);
});

test('eight at the same time with one key: done once', async () => {
  const headers = { 'Idempotency-Key': randomUUID() };
  const answers = await Promise.all(Array.from({ length: 8 }, () => open(GOOD, headers)));
  assert.ok(answers.every((a) => a.status === 201), answers.map((a) => a.status).join(' '));
  assert.equal(new Set(answers.map((a) => a.text)).size, 1);
  assert.equal((await desk.post(`/v1/episodes/${answers[0].json.id}/close`, { outcome: 'other_help' })).status, 200);
});

test('a change of what others change too names its version', async () => {
  const unit = atFirst.units[0];
  const path = `/v1/shelters/${house}/units/${unit.id}/availability`;
  assertProblem(await staff.put(path, { state: 'out_of_use' }), 428, 'if_match_required');
  for (const etag of ['"x"', '""', 'x', 'W/"x"']) {
    const stale = await staff.put(path, { state: 'out_of_use' }, { 'If-Match': etag });
    assertProblem(stale, 412, 'version_stale');
    assert.deepEqual([stale.json.current.id, stale.json.current.state], [unit.id, unit.state]);
  }
  await unchanged();
  const first = await staff.put(path, { state: 'out_of_use' }, { 'If-Match': '*' });
  assert.equal(first.status, 200, first.text);
  const second = await staff.put(path, { state: unit.state }, { 'If-Match': first.headers.etag });
  assert.equal(second.status, 200, second.text);
  const late = await staff.put(path, { state: 'out_of_use' }, { 'If-Match': first.headers.etag });
  assertProblem(late, 412, 'version_stale');
  assert.equal(late.json.current.state, unit.state);
});

test('faults that take much room to write are faults all the same, and no failure of ours', async () => {
  const names = Array.from({ length: 8 }, (_, i) => `${i}${'\u0001'.repeat(80)}`);
  const answer = await open(JSON.stringify({ ...GOOD, ...Object.fromEntries(names.map((n) => [n, 1])) }));
  assertProblem(answer, 422, 'invalid');
  assert.equal(answer.json.errors.length, 8);
});

test('and after all of it everything is as it was', async () => {
  const now = await everything();
  const states = (x) => x.units.map(({ id, state }) => [id, state]);
  assert.deepEqual([states(now), now.persons, now.episodes], [states(atFirst), atFirst.persons, atFirst.episodes]);
});
