// SPDX-License-Identifier: Apache-2.0
// Heads and bodies that two readers could understand differently: one refusal, the end of the connection, and what was
// hidden in them is never done.  And who is slow keeps nobody else waiting.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { PATIENCE, SLOWER, took, within } from './lib/patience.mjs';
import { Registry, sleep } from './lib/registry.mjs';
import { dial, say } from './lib/raw.mjs';

const BODY = JSON.stringify({ channel: 'phone', household: { case_type: 'partner_violence', women: 1 } });
const CRLF = '\r\n';

let r;
let desk;
let other; // somebody else on the same device, for whom the connection is as good
let atFirst;
let slowest; // dribbles through all of this file's tests

const episodes = async () => (await desk.get('/v1/episodes?limit=100')).json.data.length;

/** A connection that sends a byte of its head now and then. */
async function dribble(role) {
  const socket = await dial(r, role);
  socket.on('error', () => {});
  const text = 'GET /v1/me HTTP/1.1\r\nHost: localhost\r\nX: ';
  let at = 0;
  const timer = setInterval(() => socket.write(at < text.length ? text[at++] : 'x'), 200);
  socket.on('close', () => clearInterval(timer));
  return socket;
}

before(async () => {
  r = await new Registry().start();
  desk = await r.as('counsellor');
  other = await r.person('okit.dora', 'counsellor');
  atFirst = await episodes();
  const start = Date.now();
  const socket = await dribble('shift_lead');
  slowest = new Promise((done) => { socket.on('close', () => done(Date.now() - start)); });
});
after(() => r.close());

const bearer = () => `Authorization: Bearer ${desk.token}`;
const fresh = () => `Idempotency-Key: ${randomUUID()}`;
const chunked = (text) => `${text.length.toString(16)}${CRLF}${text}${CRLF}0${CRLF}${CRLF}`;
const length = (text = BODY) => `Content-Length: ${text.length}`;

/** A request that opens an episode; ${lines} is what is wrong with it. */
function opening({ start = 'POST /v1/episodes HTTP/1.1', host = 'Host: localhost', lines = [length()], body = BODY } = {}) {
  const all = [start, host, bearer(), 'Content-Type: application/json', fresh(), ...lines, '', body];
  return all.filter((line) => line !== null).join(CRLF);
}
const asking = (lines = [], start = 'GET /v1/me HTTP/1.1') => [start, 'Host: localhost', bearer(), ...lines, '', ''].join(CRLF);

/** Two honest requests behind a wrong one, the second in another's name: they must not be answered, let alone done. */
const asOther = (text) => text.replace(bearer(), `Authorization: Bearer ${other.token}`);
const hidden = () => opening() + asOther(asking());
const withHidden = (lines, body) => opening({ lines, body: body + hidden() });

test('the request is good before anything is done to it, also chunked and in a pipeline', async () => {
  const whole = await say(r, 'counsellor', opening());
  assert.deepEqual([whole.statuses, whole.closed], [[201], false], whole.text);
  const inChunks = await say(r, 'counsellor', opening({ lines: ['Transfer-Encoding: chunked'], body: chunked(BODY) }));
  assert.deepEqual(inChunks.statuses, [201], inChunks.text);
  const many = await say(r, 'counsellor', opening() + asking() + opening(), { answers: 3 });
  assert.deepEqual(many.statuses, [201, 200, 201]);
  assert.equal(await episodes(), atFirst + 4);
  atFirst += 4;
});

const TABLE = {
  'a length and chunks': () => withHidden([length(), 'Transfer-Encoding: chunked'], chunked(BODY)),
  'chunks and a length': () => withHidden(['Transfer-Encoding: chunked', 'Content-Length: 4'], chunked(BODY)),
  'chunks and no length at all': () => withHidden(['Transfer-Encoding: chunked', 'Content-Length: 0'], `0${CRLF}${CRLF}`),
  'two lengths': () => withHidden([length(), 'Content-Length: 4'], BODY),
  'twice the same length': () => withHidden([length(), length()], BODY),
  'a list of lengths': () => withHidden([`Content-Length: ${BODY.length}, ${BODY.length}`], BODY),
  'a length with a sign': () => withHidden([`Content-Length: +${BODY.length}`], BODY),
  'a negative length': () => withHidden(['Content-Length: -1'], BODY),
  'a length in hexadecimal': () => withHidden([`Content-Length: 0x${BODY.length.toString(16)}`], BODY),
  'no digits in the length': () => withHidden(['Content-Length: '], BODY),
  'two lengths in two cases': () => withHidden([`content-length: ${BODY.length}`, 'CONTENT-LENGTH: 4'], BODY),
  'a length and a letter': () => withHidden([`Content-Length: ${BODY.length}a`], BODY),
  'a length and a space within': () => withHidden(['Content-Length: 1 0'], BODY),
  'a length of 2^64': () => withHidden(['Content-Length: 18446744073709551616'], BODY),
  'a length that wraps to the right one': () => withHidden([`Content-Length: ${2n ** 64n + BigInt(BODY.length)}`], BODY),
  'a space before the colon of the length': () => withHidden([`Content-Length : ${BODY.length}`], BODY),
  'a space before the colon of the coding': () => withHidden([length(), 'Transfer-Encoding : chunked'], BODY),
  'a body where none belongs': () => asking([length(hidden())]) + hidden(),
  'chunks where none belong': () => asking(['Transfer-Encoding: chunked']) + chunked(hidden()),
  'chunked with a tab before it': () => withHidden(['Transfer-Encoding: \tchunked'], chunked(BODY)),
  'chunked with a parameter': () => withHidden(['Transfer-Encoding: chunked;q=1'], chunked(BODY)),
  'chunked twice in one line': () => withHidden(['Transfer-Encoding: chunked, chunked'], chunked(BODY)),
  'chunks as an underscore would have them': () => withHidden(['Transfer_Encoding: chunked', 'Transfer-Encoding: identity'], chunked(BODY)),
  'xchunked': () => withHidden(['Transfer-Encoding: xchunked'], chunked(BODY)),
  'gzip, chunked': () => withHidden(['Transfer-Encoding: gzip, chunked'], chunked(BODY)),
  'chunked, identity': () => withHidden(['Transfer-Encoding: chunked, identity'], chunked(BODY)),
  'two codings': () => withHidden(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], chunked(BODY)),
  'an empty coding': () => withHidden(['Transfer-Encoding: '], chunked(BODY)),
  'chunked with a vertical tab': () => withHidden(['Transfer-Encoding: \x0bchunked'], chunked(BODY)),
  'two hosts': () => asking(['Host: localhost']) + hidden(),
  'no host': () => opening({ host: null }) + hidden(),
  'an empty host': () => opening({ host: 'Host: ' }) + hidden(),
  'two tokens': () => asking([bearer()]) + hidden(),
  'two idempotency keys': () => opening({ lines: [fresh(), length()] }) + hidden(),
  'two media types': () => opening({ lines: ['Content-Type: text/plain', length()] }) + hidden(),
  'two If-Match': () => asking(['If-Match: "a"', 'If-Match: "b"']) + hidden(),
  'a folded line': () => asking(['X: a', ' b']) + hidden(),
  'a folded line that hides a length': () => withHidden(['X: a', ` ${length()}`], BODY),
  'a folded first line': () => asking([], `GET /v1/me HTTP/1.1${CRLF} X: y`) + hidden(),
  'a line without a colon': () => asking(['nonsense']) + hidden(),
  'a field without a name': () => asking([': a']) + hidden(),
  'a name with a space': () => asking(['X Y: a']) + hidden(),
  'a name with a bracket': () => asking(['X(Y): a']) + hidden(),
  'a control byte': () => asking(['X: a\x01b']) + hidden(),
  'a tab in a value': () => asking(['X: a\tb']) + hidden(),
  'a byte beyond ASCII': () => asking(['X: \u00e1']) + hidden(),
  'a NUL in a value': () => asking(['X: a\0b']) + hidden(),
  'a NUL in a name': () => asking(['X\0Y: a']) + hidden(),
  'a NUL behind the path': () => asking([], 'GET /v1/me\0x HTTP/1.1') + hidden(),
  'a NUL behind the verb': () => asking([], 'GET\0 /v1/me HTTP/1.1') + hidden(),
  'a bare CR in a value': () => asking(['X: a\rb']) + hidden(),
  'a bare CR that hides a length': () => asking([`X: a\r${length(hidden())}`]) + hidden(),
  'a bare LF that hides a field': () => asking([`X: a\n${bearer().replace('Authorization', 'Y')}`]) + hidden(),
  'bare LF throughout': () => asking().replaceAll(CRLF, '\n') + hidden(),
  '%00 in the path': () => asking([], 'GET /v1/me%00x HTTP/1.1') + hidden(),
  'an escaped slash': () => asking([], 'GET /v1%2fme HTTP/1.1') + hidden(),
  'an escaped dot': () => asking([], 'GET /v1/%2e%2e/v1/me HTTP/1.1') + hidden(),
  'a backslash': () => asking([], 'GET /v1\\me HTTP/1.1') + hidden(),
  'a semicolon': () => asking([], 'GET /v1/me;x=y HTTP/1.1') + hidden(),
  'a fragment': () => asking([], 'GET /v1/me#x HTTP/1.1') + hidden(),
  'a quote in the query': () => asking([], 'GET /v1/me?x=" HTTP/1.1') + hidden(),
  'the absolute form': () => asking([], 'GET https://localhost/v1/me HTTP/1.1') + hidden(),
  'the authority form': () => asking([], 'CONNECT localhost:443 HTTP/1.1') + hidden(),
  'the asterisk form': () => asking([], 'OPTIONS * HTTP/1.1') + hidden(),
  'no path': () => asking([], 'GET  HTTP/1.1') + hidden(),
  'a long path': () => asking([], `GET /${'a'.repeat(300)} HTTP/1.1`) + hidden(),
  'a long query': () => asking([], `GET /v1/me?${'a'.repeat(600)} HTTP/1.1`) + hidden(),
  'a verb of our own': () => asking([], 'BREW /v1/me HTTP/1.1') + hidden(),
  'a verb in small letters': () => asking([], 'get /v1/me HTTP/1.1') + hidden(),
  'TRACE': () => asking([], 'TRACE /v1/me HTTP/1.1') + hidden(),
  'HTTP/1.0': () => asking(['Connection: keep-alive'], 'GET /v1/me HTTP/1.0') + hidden(),
  'HTTP/1.9': () => asking([], 'GET /v1/me HTTP/1.9') + hidden(),
  'HTTP/2.0': () => asking([], 'GET /v1/me HTTP/2.0') + hidden(),
  'http in small letters': () => asking([], 'GET /v1/me http/1.1') + hidden(),
  'HTTP/0.9': () => `GET /v1/me${CRLF}${CRLF}${hidden()}`,
  'the preface of HTTP/2': () => `PRI * HTTP/2.0${CRLF}${CRLF}SM${CRLF}${CRLF}${hidden()}`,
  'words': () => `hello${CRLF}${CRLF}${hidden()}`,
  'bytes': () => `\x01\x02\x03${CRLF}${CRLF}${hidden()}`,
};

// The library refuses these before we are asked: in its own words, and some of them twice.  The connection ends all the same.
const BY_LIBRARY = {
  'a list of lengths': [400, 400],
  'a length with a sign': [400, 400],
  'a negative length': [400, 400],
  'a length in hexadecimal': [400, 400],
  'no digits in the length': [400, 400],
  'a length and a letter': [400, 400],
  'a length and a space within': [400, 400],
  'a length of 2^64': [413, 413],
  'a length that wraps to the right one': [413, 413],
  'a line without a colon': [400],
  'a NUL in a name': [400],
  'no path': [400],
  'http in small letters': [400],
  'HTTP/0.9': [400],
  'HTTP/2.0': [505],
  'the preface of HTTP/2': [505],
  'words': [],
  'bytes': [],
};

for (const [what, bytes] of Object.entries(TABLE))
  test(`refused, the end, and nothing done: ${what}`, async () => {
    const { statuses, text, closed } = await say(r, 'counsellor', bytes(), { closes: true });
    assert.deepEqual([statuses, closed], [BY_LIBRARY[what] ?? [400], true], text);
    assert.ok(what in BY_LIBRARY || /"code":"malformed"/.test(text), text);
    assert.ok(!/okit\./.test(text), `it tells of a person: ${text}`);
  });

test('each of a pipeline gets the answer to its own question, whoever asks before and after', async () => {
  const [mine, others] = ['okit.anna', 'okit.dora'];
  const { statuses, text } = await say(r, 'counsellor', (asking() + asOther(asking())).repeat(10), { answers: 20 });
  assert.deepEqual(statuses, Array(20).fill(200), text);
  const told = [...text.matchAll(/okit\.(anna|dora)/g)].map(([name]) => name);
  assert.deepEqual(told, Array.from({ length: 20 }, (_, i) => (i % 2 ? others : mine)));
  // a refusal in between answers nobody's question
  const broken = await say(r, 'counsellor', asking() + asOther(asking(['Host: again'])) + asking(), { closes: true });
  assert.deepEqual([broken.statuses, broken.closed], [[200, 400], true], broken.text);
  assert.deepEqual([...broken.text.matchAll(/okit\.(anna|dora)/g)].map(([name]) => name), [mine]);
});

test('what stands behind a body in chunks gives nobody a name, a length or a place', async () => {
  for (const line of [`Authorization: Bearer ${other.token}`, `Content-Length: ${hidden().length}`, 'Transfer-Encoding: chunked', 'Host: again']) {
    const trailer = `${BODY.length.toString(16)}${CRLF}${BODY}${CRLF}0${CRLF}${line}${CRLF}${CRLF}`;
    const { statuses, text } = await say(r, 'counsellor', opening({ lines: ['Transfer-Encoding: chunked'], body: trailer }) + asking());
    if (statuses[0] === 201) atFirst++;
    assert.ok([201, 400].includes(statuses[0]), text);
    assert.ok(!/okit\.dora/.test(text), text);
    assert.ok(statuses.length === 1 || statuses[1] === 200, text);
  }
});

test('431: more fields than we read, or more bytes', async () => {
  const many = await say(r, 'counsellor', asking(Array.from({ length: 70 }, (_, i) => `X${i}: y`)) + hidden(), { closes: true });
  assert.deepEqual([many.statuses, many.closed], [[431], true], many.text);
  const long = await say(r, 'counsellor', asking([`X: ${'y'.repeat(40000)}`]) + hidden(), { closes: true });
  assert.deepEqual([long.statuses.filter((s) => s !== 431), long.closed], [[], true], long.text);
});

const CHUNKS = {
  'a size in 0x': `0x${BODY.length.toString(16)}${CRLF}${BODY}${CRLF}0${CRLF}${CRLF}`,
  'a negative size': `-5${CRLF}${BODY}${CRLF}0${CRLF}${CRLF}`,
  'a size beyond 64 bits': `FFFFFFFFFFFFFFFFF${CRLF}${BODY}${CRLF}0${CRLF}${CRLF}`,
  'no size': `${CRLF}${BODY}${CRLF}0${CRLF}${CRLF}`,
  'a size too small': `2${CRLF}${BODY}${CRLF}0${CRLF}${CRLF}`,
};

for (const [what, body] of Object.entries(CHUNKS))
  test(`a body in chunks with ${what}: refused, the end, and nothing done`, async () => {
    const { statuses, text, closed } = await say(r, 'counsellor', withHidden(['Transfer-Encoding: chunked'], body), { closes: true });
    assert.ok(statuses.every((s) => s === 400 || s === 413), text);
    assert.ok(closed);
  });

test('a refusal in a pipeline ends it: what came before is answered, what comes after is not', async () => {
  const refused = asking(['Host: again']);
  const first = await say(r, 'counsellor', refused + hidden() + hidden(), { closes: true });
  assert.deepEqual([first.statuses, first.closed], [[400], true], first.text);
  const second = await say(r, 'counsellor', asking() + refused + hidden(), { closes: true });
  assert.deepEqual([second.statuses, second.closed], [[200, 400], true], second.text);
});

test('HEAD is no verb of ours: its refusal has no body, and the next answer on the connection is the next', async () => {
  const { statuses, text, closed } = await say(r, 'counsellor', asking([], 'HEAD /v1/me HTTP/1.1') + asking(), { answers: 2 });
  assert.deepEqual([statuses, closed], [[405, 200], false], text);
  const [head] = text.split(`${CRLF}${CRLF}`);
  assert.match(head, /^Allow: GET\r?$/m);
  assert.ok(!text.includes('method_not_allowed'));
});

test('a body for a refused head is not taken for the next request', async () => {
  const { statuses, text, closed } = await say(r, 'counsellor',
    opening({ start: 'POST /v1/nothing HTTP/1.1', lines: [length(hidden())], body: hidden() }), { closes: true });
  assert.deepEqual([statuses, closed], [[404], true], text);
});

test('nothing of what was hidden has been done', async () => assert.equal(await episodes(), atFirst));

test('50 slow clients keep nobody waiting', async () => {
  const slow = await Promise.all(Array.from({ length: 50 }, () => dribble('family_support')));
  await sleep(500);
  for (let i = 0; i < 10; i++) {
    await within(2000 * SLOWER, () => took(async () => {
      const { statuses } = await say(r, 'counsellor', asking(['Connection: close']));
      assert.deepEqual(statuses, [200]);
    }), 'answered');
    await sleep(100);
  }
  for (const socket of slow) socket.destroy();
});

test('a body that never comes, and clients that are gone, hold nothing', async () => {
  const silent = await Promise.all(Array.from({ length: 30 }, () => dial(r, 'family_support')));
  for (const socket of silent) {
    socket.on('error', () => {});
    socket.write(opening({ body: '' }));
  }
  for (const socket of silent.slice(0, 15)) socket.destroy();
  await within(2000 * SLOWER, () => took(async () => assert.equal((await desk.get('/v1/me')).status, 200)), 'answered');
  for (const socket of silent) socket.destroy();
});

test('who is slow is hung up on in the end', { timeout: 2 * PATIENCE }, async () => {
  const spent = await slowest;
  assert.ok(spent > 15000 && spent < 20000 + PATIENCE, `${spent} ms`); // LIMIT_REQUEST_MS, on a machine that is busy
});
