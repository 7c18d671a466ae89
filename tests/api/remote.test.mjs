// SPDX-License-Identifier: Apache-2.0
// The remote commands, and with them the client library: a house's script publishes its places, answers and watches; what
// a network, a stranger in the registry's place or a careless profile does to it is said and harms nothing.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import tls from 'node:tls';
import { after, before, test } from 'node:test';
import { keptPort, Registry, root, sleep } from './lib/registry.mjs';
import { Remote, runProgram } from './lib/remote.mjs';
import { hold, openEpisode, ownHouse, reservationIn, settle } from './lib/scenes.mjs';

const ok = (r) => assert.equal(r.code, 0, r.err);
const rows = (r) => r.out.trim().split('\n').map((l) => JSON.parse(l));

let r, staff, remote;
before(async () => {
  r = await new Registry().start();
  staff = await r.as('shelter_staff');
  remote = new Remote(r, 'shelter_staff');
});
after(() => r.close());

test("a house's script reads its units and says how they stand", async () => {
  const shown = await remote.run('avail', 'show', '--json');
  ok(shown);
  const units = rows(shown);
  const { json } = await staff.get(`/v1/shelters/${await ownHouse(staff)}/availability`);
  assert.deepEqual(units.map((u) => [u.id, u.name, u.state, u.places]), json.units.map((u) => [u.id, u.name, u.state, u.places]));
  assert.match((await remote.run('avail', 'show')).err, /^Nyugat 1/);
  const unit = units.find((u) => u.state === 'free');
  const occupied = await remote.run('avail', 'set', unit.name, '0', '--json');
  ok(occupied);
  assert.deepEqual([rows(occupied)[0].state, rows(occupied)[0].free_places], ['occupied', 0]);
  const free = await remote.run('avail', 'set', unit.id, 'all', '--json');
  assert.deepEqual([rows(free)[0].state, rows(free)[0].free_places], ['free', unit.places]);
  const confirmed = await remote.run('avail', 'confirm');
  ok(confirmed);
  assert.match(confirmed.err, /stand as they were said to \.+ ok/);
});

test('a number that the room cannot have, or a room that is none, changes nothing', async () => {
  const before_it = (await remote.run('avail', 'show')).out.replace(/\d{4}-\d\d-\d\dT\S+/g, '');
  const [unit] = rows(await remote.run('avail', 'show', '--json'));
  for (const [args, code, says] of [
    [['avail', 'set', unit.name, String(unit.places - 1)], 2, /one household: all its \d+ places are free, or none/],
    [['avail', 'set', unit.name, '40'], 2, /has \d+ places/],
    [['avail', 'set', 'No such room', '0'], 3, /no unit "No such room"/],
    [['avail', 'set', unit.name, '-1'], 2, /how many places/],
    [['avail', 'set', unit.name], 2, /how many places/],
    [['confirm', 'abc'], 2, /no id of a reservation/],
    [['confirm', '0'.repeat(26)], 3, /not_found/],
    [['decline', '0'.repeat(26), '--reason', 'x","y":"z'], 2, /a word of decline_reason/],
  ]) {
    const answer = await remote.run(...args);
    assert.equal(answer.code, code, `${args}: ${answer.err}`);
    assert.match(answer.err, says);
  }
  assert.equal((await remote.run('avail', 'show')).out.replace(/\d{4}-\d\d-\d\dT\S+/g, ''), before_it);
});

test('a desk holds, the house sees the request and takes or declines it', async () => {
  const desk = new Remote(r, 'counsellor');
  const counsellor = await r.as('counsellor');
  const episode = await openEpisode(counsellor);
  const codes = ['--need', 'no_safe_place_tonight', '--contact', 'client_calls_house'];
  const unasked = await desk.run('hold', episode.id, ...codes);
  assert.equal(unasked.code, 2);
  assert.match(unasked.err, /ask her, then say --consent/);
  const held = await desk.run('hold', episode.id, ...codes, '--consent', '--json');
  ok(held);
  assert.equal(rows(held)[0].state, 'held');
  assert.equal((await counsellor.get(`/v1/reservations/${rows(held)[0].id}`)).json.state, 'held');
  const twice = await desk.run('hold', episode.id, ...codes, '--consent');
  assert.equal(twice.code, 5);
  assert.match(twice.err, /already has a live reservation \(state_conflict\)/);
  await settle(r, { reservation: rows(held)[0], episode });

  const taken = await reservationIn(r, 'requested');
  const waiting = rows(await remote.run('requests', '--json')).find((v) => v.id === taken.reservation.id);
  assert.equal(waiting.state, 'requested');
  const confirmed = await remote.run('confirm', taken.reservation.id, '--json');
  ok(confirmed);
  assert.equal(rows(confirmed)[0].state, 'confirmed');
  const again = await remote.run('confirm', taken.reservation.id);
  assert.equal(again.code, 5);
  assert.match(again.err, /state_conflict/);
  await settle(r, taken);
  const refused = await reservationIn(r, 'requested');
  const declined = await remote.run('decline', refused.reservation.id, '--reason', 'no_staff_now', '--json');
  ok(declined);
  assert.equal(rows(declined)[0].state, 'declined_by_house');
  await settle(r, refused);
});

test('whoever watches hears in order, and after an end what came meanwhile, none missing', async () => {
  const mark = join(r.work, 'mark');
  const first = remote.start('watch', '--json', '--resume', mark);
  assert.ok(await first.says(/Watching/));
  const house = await ownHouse(staff);
  let heard_first;
  for (let i = 0; i < 20 && !heard_first; i++) { // the stream opens some time after the word
    assert.equal((await staff.post(`/v1/shelters/${house}/confirmations`)).status, 200);
    heard_first = await first.has(/availability\.changed/, 1000);
  }
  assert.ok(heard_first);
  assert.equal((await first.end()).code, 0);
  const scene = await hold(await r.as('counsellor'), { name: 'Nyugat 1' });
  const { id } = scene.reservation;
  await settle(r, scene);
  const second = remote.start('watch', '--json', '--resume', mark);
  assert.ok(await second.has(new RegExp(`reservation\\.cancelled.*${id}`)));
  const heard = second.lines.map((l) => JSON.parse(l)).filter((e) => e.subject === id).map((e) => e.event);
  assert.deepEqual(heard, ['reservation.held', 'reservation.cancelled']);
  await second.end();
  const third = remote.start('watch', '--resume', mark);
  assert.ok(await third.says(/Watching/));
  let heard_third;
  for (let i = 0; i < 30 && !heard_third; i++) {
    assert.equal((await staff.post(`/v1/shelters/${house}/confirmations`)).status, 200);
    heard_third = await third.has(/availability\.changed/, 1000);
  }
  assert.ok(heard_third, 'the stream never opened: no verdict');
  assert.ok(!third.lines.some((line) => line.includes(id)), 'what the mark has passed is told twice');
  await third.end();
});

test('a watcher goes on when the service was away', async () => {
  const port = await keptPort();
  const own = await new Registry().start({}, [], port);
  try {
    const watcher = new Remote(own, 'shelter_staff').start('watch');
    assert.ok(await watcher.says(/Watching/));
    await sleep(500);
    await own.kill9();
    await own.start({}, [], port);
    const person = await own.as('shelter_staff');
    let line;
    for (let i = 0; i < 10 && !line; i++) {
      await person.post(`/v1/shelters/${await ownHouse(person)}/confirmations`);
      line = await watcher.has(/availability\.changed/, 3000);
    }
    assert.ok(line);
    await watcher.end();
  } finally { await own.close(); }
});

test('the device may come as a .p12, and passphrases from a descriptor', async () => {
  const p12 = join(r.work, 'staff.p12');
  r.openssl('pkcs12', '-export', '-in', `${r.device('shelter_staff')}.crt`, '-inkey', `${r.device('shelter_staff')}.key`, '-out', p12,
    '-passout', 'pass:tizenkét szék');
  const opener = r.file('p12.passphrase', 'tizenkét szék\n');
  chmodSync(opener, 0o600);
  const more = { p12, 'p12-passphrase-file': opener, certificate: null, key: null, 'passphrase-file': null };
  const own = new Remote(r, 'shelter_staff', { more });
  const run = (input) => runProgram(resolve(root, process.env.MENEDEK ?? 'build/release/menedek'),
    ['avail', 'show', '--profile', own.profile, '--passphrase-fd', '0'], { input });
  const { passphrase } = r.credentials('shelter_staff');
  ok(await run(`${passphrase}\n`));
  const wrong = await run('not the passphrase\n');
  assert.equal(wrong.code, 4);
  assert.match(wrong.err, /sign_in_refused/);
  writeFileSync(opener, 'something else\n');
  const shut = await run(`${passphrase}\n`);
  assert.equal(shut.code, 4);
  assert.match(shut.err, /staff\.p12 cannot be used/);
  for (const text of [wrong.err, wrong.out, shut.err]) assert.ok(!text.includes(passphrase) && !text.includes('not the passphrase'));
});

test('a careless profile is told by its line, and a secret that others may read is not taken', async () => {
  const text = readFileSync(remote.profile, 'utf8');
  for (const [changed, says] of [
    [text.replace('server =', 'sever ='), /profile:1: there is no key "sever"; did you mean "server"\?/],
    [`${text}${text}`, /given twice/],
    [`${text}what is this\n`, /a line is: key = value/],
    [text.replace(/user = .*\n/, ''), /"user" is missing/],
    [text.replace(/key = .*\n/, ''), /"certificate" and "key", or by "p12"/],
    [text.replace('https:', 'http:'), /https:\/\/HOST:PORT/],
  ]) {
    r.file('bad.profile', changed);
    const answer = await runProgram(resolve(root, process.env.MENEDEK ?? 'build/release/menedek'),
      ['avail', 'show', '--profile', join(r.work, 'bad.profile')]);
    assert.equal(answer.code, 2, changed);
    assert.match(answer.err, says);
  }
  const secret = join(r.work, 'shelter_staff.passphrase');
  chmodSync(secret, 0o644);
  assert.notEqual((await remote.run('avail', 'show')).code, 0);
  chmodSync(secret, 0o600);
  ok(await remote.run('avail', 'show'));
});

test('who is not the registry gets no passphrase', async () => {
  const cert = r.openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'fake.key',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2');
  const heard = [];
  const fake = tls.createServer({ cert, key: readFileSync(join(r.work, 'fake.key')) }, (s) => {
    s.on('data', (d) => heard.push(d.toString()));
    s.on('error', () => {});
  });
  fake.on('tlsClientError', () => {});
  await new Promise((done) => fake.listen(0, '127.0.0.1', done));
  const answer = await new Remote(r, 'shelter_staff', { port: fake.address().port }).run('avail', 'show');
  fake.close();
  assert.equal(answer.code, 4, answer.err);
  assert.match(answer.err, /localhost does not prove to be the registry/);
  assert.deepEqual(heard, []);
  // the right authority's certificate, under an address that it does not name
  const elsewhere = await impostor(() => plain(TOKEN, '201 Created'), '127.0.0.2');
  const named = await elsewhere.remote.run('avail', 'show');
  elsewhere.close();
  assert.equal(named.code, 4, named.err);
  assert.match(named.err, /127\.0\.0\.2 does not prove to be the registry/);
  assert.deepEqual(elsewhere.requests, []);
  const stranger = new Remote(r, 'shelter_staff', { more: { certificate: join(r.work, 'own.crt'), key: join(r.work, 'fake.key') } });
  writeFileSync(join(r.work, 'own.crt'), cert);
  const shut = await stranger.run('avail', 'show');
  assert.equal(shut.code, 4, shut.err);
  assert.match(shut.err, /does not let this device in/);
});

// ---- a registry that answers badly ----

const TOKEN = JSON.stringify({ access_token: 'x'.repeat(40), token_type: 'Bearer', expires_in: 900, must_change: false });
const HOUSE = JSON.stringify({ code_name: 'Nyugat 1', units: [{ id: '0'.repeat(26), name: 'Room', state: 'free', places: 2, free_places: 2 }] });
const plain = (body, status = '200 OK', more = '') => `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`;
const problem = (status, code, more = '') => plain(JSON.stringify({ type: 'x', status, code, detail: 'told so' }), `${status} X`, more);

/** A server with the registry's own certificate; ${answer} gives the bytes for each request, or writes them itself. */
async function impostor(answer, host = '127.0.0.1') {
  const requests = [];
  const server = tls.createServer({ cert: readFileSync(join(r.dir, 'keys/tls/server.crt')), key: readFileSync(join(r.dir, 'keys/tls/server.key')),
    ca: r.ca, requestCert: true }, (s) => {
    s.setNoDelay(true);
    s.on('error', () => {});
    let text = '';
    s.on('data', (d) => {
      text += d;
      for (;;) {
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        const request = text.slice(0, end + 4 + length);
        text = text.slice(end + 4 + length);
        requests.push(request);
        const said = answer(request, s, requests.length);
        if (said !== undefined) s.write(said);
      }
    });
  });
  server.on('tlsClientError', () => {});
  await new Promise((done) => server.listen(0, host, done));
  const { port } = server.address();
  const server_name = host === '127.0.0.1' ? 'localhost' : host;
  const address = `https://${server_name}:${port}`;
  return { requests, server: address, remote: new Remote(r, 'shelter_staff', { more: { server: address, house: '0'.repeat(26) } }),
    close: () => server.close() };
}

const about = (fn) => (request, s, n) => {
  if (request.startsWith('POST /v1/tokens ')) return plain(TOKEN, '201 Created');
  if (request.startsWith('DELETE')) return 'HTTP/1.1 204 No Content\r\n\r\n';
  return fn(request, s, n);
};

async function against(fn, ...args) {
  const fake = await impostor(about(fn));
  try { return { ...await fake.remote.run(...args), requests: fake.requests }; } finally { fake.close(); }
}

test('an answer in pieces, in chunks or after 100 Continue is read as it was meant', async () => {
  const chunks = [...HOUSE].map((c) => `1;x=y\r\n${c}\r\n`).join('');
  const bytewise = (text) => (_, s) => { (async () => { for (const c of text) { s.write(c); await sleep(1); } })(); };
  for (const answer of [
    () => plain(HOUSE),
    bytewise(plain(HOUSE)),
    () => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
    bytewise(`HTTP/1.1 200 OK\r\ntransfer-encoding:Chunked\r\n\r\n${HOUSE.length.toString(16).toUpperCase()}\r\n${HOUSE}\r\n0\r\n\r\n`),
    () => `HTTP/1.1 100 Continue\r\n\r\n${plain(HOUSE)}`,
    () => plain(HOUSE, '200 OK', 'Connection: close\r\n'),
  ]) {
    const got = await against(answer, 'avail', 'show', '--json');
    ok(got);
    assert.equal(rows(got)[0].name, 'Room');
  }
});

test('what is no answer is refused, and not believed', async () => {
  const bad = [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
    'HTTP/1.1 2 OK\r\n\r\n', 'HTTP/1.0 200 OK\r\n\r\n', 'SSH-2.0-x\r\n\r\n', 'HTTP/1.1 200 OK\r\n folded: x\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20000)}\r\n\r\n`,
    'HTTP/1.1 200 OK\r\nX\0: y\r\n\r\n',
    plain('{"units": ['),
    plain(`"${'x'.repeat(2 << 20)}"`),
  ];
  for (const text of bad) {
    const got = await against(() => text, 'avail', 'show');
    assert.equal(got.code, 1, `${JSON.stringify(text.slice(0, 60))}: ${got.code} ${got.err}`);
    assert.equal(got.out, '');
  }
  const hostile = JSON.stringify({ units: [...Array(100)].map(() => ({ id: 7, name: 'n'.repeat(5000), places: 1e300, etag: null })) });
  ok(await against(() => plain(hostile), 'avail', 'show'));
});

test('a busy registry is asked again after the time it names, with the same key; a no is a no', async () => {
  let asked = 0;
  const busy = await against(() => (++asked < 3 ? problem(503, 'busy', 'Retry-After: 1\r\n') : plain('{"id":"x","state":"confirmed"}')),
    'confirm', '0'.repeat(26));
  ok(busy);
  const keys = busy.requests.filter((q) => q.includes('/confirm ')).map((q) => /Idempotency-Key: (\S+)/.exec(q)[1]);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  const later = await against(() => problem(429, 'too_many_requests', 'Retry-After: 900\r\n'), 'confirm', '0'.repeat(26));
  assert.equal(later.code, 6);
  assert.match(later.err, /told so \(too_many_requests\)\n.*try again in 900 seconds/);
  const no = await against(() => problem(403, 'forbidden'), 'confirm', '0'.repeat(26));
  assert.equal(no.code, 4);
  assert.equal(no.requests.filter((q) => q.includes('/confirm ')).length, 1);
});

test('an answer that is lost is asked for again with the same key, and a stale version is read anew', async () => {
  let lost = 0;
  const again = await against((_, s) => { if (++lost === 1) { s.destroy(); return undefined; } return plain('{"state":"confirmed"}'); },
    'confirm', '0'.repeat(26));
  ok(again);
  const keys = again.requests.filter((q) => q.includes('/confirm ')).map((q) => /Idempotency-Key: (\S+)/.exec(q)[1]);
  assert.deepEqual([keys.length, new Set(keys).size], [2, 1]);
  let version = 0;
  const stale = await against((q) => {
    if (q.startsWith('GET')) return plain(JSON.stringify({ units: [{ id: '0'.repeat(26), name: 'Room', places: 2, etag: `"${++version}"` }] }));
    return q.includes('If-Match: "3"') ? plain(JSON.stringify({ id: '0'.repeat(26), name: 'Room', state: 'free', places: 2 })) :
      problem(412, 'version_stale');
  }, 'avail', 'set', 'Room', '2');
  ok(stale);
  assert.equal(version, 3);
});

test('who watches where it is never quiet renews the token all the same', async () => {
  const short = TOKEN.replace('"expires_in":900', '"expires_in":4');
  const streams = new Set();
  const send = (s, kind) => {
    const event = `event: ${kind}\ndata: {}\n\n`;
    s.write(`${event.length.toString(16)}\r\n${event}\r\n`);
  };
  const fake = await impostor((request, s) => {
    if (request.startsWith('POST /v1/tokens/renew ')) for (const stream of streams) send(stream, 'token.renewed');
    if (request.startsWith('POST /v1/tokens')) return plain(short, '201 Created');
    if (!request.startsWith('GET /v1/events')) return 'HTTP/1.1 204 No Content\r\n\r\n';
    s.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
    streams.add(s);
    const often = setInterval(() => send(s, 'capacity.changed'), 200);
    s.on('close', () => { clearInterval(often); streams.delete(s); });
    return undefined;
  });
  const watcher = fake.remote.start('watch');
  try {
    assert.ok(await watcher.has(/capacity\.changed/));
    assert.ok(await watcher.has(/token\.renewed/), `${watcher.lines.length} events, and no renewal`);
  } finally {
    await watcher.end();
    fake.close();
  }
});

test('of a name with two addresses the second is tried when the first is silent', async () => {
  const shim = join(r.work, 'two_addresses.so');
  ok(await runProgram(process.env.CC ?? 'cc', ['-shared', '-fPIC', '-O1', '-o', shim, join(import.meta.dirname, 'lib/two_addresses.c'), '-ldl']));
  const shown = await runProgram(resolve(root, 'build/release/menedek'), ['avail', 'show', '--json', '--profile', remote.profile],
    { env: { LD_PRELOAD: shim } }); // a sanitizer wants to be the first that is preloaded
  ok(shown);
  assert.ok(rows(shown).length > 0);
});

test('nobody there is said soon', async () => {
  const nobody = await new Remote(r, 'shelter_staff', { port: await keptPort() }).run('avail', 'show');
  assert.equal(nobody.code, 6);
  assert.match(nobody.err, /nobody answers at localhost:/);
});

test('who could not sign in does not sign out: a registry that does not answer is waited for once', async () => {
  const fake = await impostor(() => problem(401, 'sign_in_refused'));
  const refused = await fake.remote.run('avail', 'show');
  fake.close();
  assert.equal(refused.code, 4, refused.err);
  assert.deepEqual(fake.requests.map((q) => q.split(' ', 2).join(' ')), ['POST /v1/tokens']);
});

// ---- the library, as others build with it ----

let staged;
const installed = () => (staged ??= (async () => {
  const to = join(r.work, 'stage');
  ok(await runProgram('make', ['-s', 'install-client', `PREFIX=${to}`], { cwd: root, timeout: 300000 }));
  return to;
})());

test('a stranger builds with pkg-config against the installed library, shared and static', async () => {
  const stage = await installed();
  const env = { PKG_CONFIG_PATH: join(stage, 'lib/pkgconfig') };
  const flags = async (...more) => (await runProgram('pkg-config', ['--cflags', '--libs', ...more, 'libmenedek'], { env })).out.trim().split(/\s+/);
  const example = join(root, 'examples/c/publish.c');
  const program = join(r.work, 'publish');
  const { passphrase } = r.credentials('shelter_staff');
  const args = [`https://localhost:${r.port}`, r.certs, 'shelter_staff', r.credentials('shelter_staff').user];
  for (const [libs, runs] of [
    [await flags(), { LD_LIBRARY_PATH: join(stage, 'lib') }],
    [(await flags('--static')).map((f) => (f === '-lmenedek' ? '-l:libmenedek.a' : f)), {}],
  ]) {
    ok(await runProgram('cc', ['-std=c17', '-Wall', '-Wextra', '-Werror', example, ...libs, '-o', program]));
    const said = await runProgram(program, args, { env: runs, input: `${passphrase}\n` });
    ok(said);
    assert.match(said.out, /: \d+ of \d+ free/);
  }
  // nothing leaves the shared library but what its header names
  const names = (await runProgram('nm', ['-D', '--defined-only', join(stage, 'lib/libmenedek.so.1')])).out.trim().split('\n').map((l) => l.split(' ')[2]);
  const header = readFileSync(join(stage, 'include/menedek.h'), 'utf8');
  assert.ok(names.length > 10);
  for (const name of names) assert.match(header, new RegExp(`\\b${name}\\(`), name);
  assert.ok(existsSync(join(stage, 'lib/libmenedek.so')) && readdirSync(join(stage, 'lib')).length >= 4);
});

test('who watches is asked whether to go on, however long the registry says to wait', async () => {
  const at = await installed();
  const program = join(r.work, 'impatient');
  ok(await runProgram('cc', ['-std=c17', '-Wall', '-Wextra', '-Werror', join(import.meta.dirname, 'lib/impatient.c'), `-I${join(at, 'include')}`,
    `-L${join(at, 'lib')}`, '-l:libmenedek.a', '-lcjson', '-lssl', '-lcrypto', '-o', program]));
  const fake = await impostor(() => problem(503, 'busy', 'Retry-After: 86400\r\n'));
  const device = r.device('shelter_staff');
  const ended = await runProgram(program, [fake.server, join(r.certs, 'ca.crt'), `${device}.crt`, `${device}.key`]);
  fake.close();
  assert.equal(ended.signal, null, 'it still waits');
  ok(ended);
  assert.equal(fake.requests.length, 1);
});
