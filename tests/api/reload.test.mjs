// SPDX-License-Identifier: Apache-2.0
// The file of settings, read again while people work: what changes, what waits for a restart, and that nobody is cut off.
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { comes } from './lib/patience.mjs';
import { Registry, sleep } from './lib/registry.mjs';
import { hold, openEpisode, settle } from './lib/scenes.mjs';
import { listen } from './lib/stream.mjs';

let r;
let file;
const FIRST = ['hold-time = 20m', 'rate-burst = 1500', 'rate-per-second = 100'];

function write(lines) {
  writeFileSync(`${file}.new`, `${lines.join('\n')}\n`);
  renameSync(`${file}.new`, file);
}

/** Reload with these lines; gives what the log says of it. */
async function reload(lines) {
  const before = r.logText().length;
  if (lines) write(lines);
  process.kill(r.pid, 'SIGHUP');
  for (const until = Date.now() + 15000; Date.now() < until; await sleep(50)) {
    const said = r.logText().slice(before);
    if (/note reloaded certificates/.test(said)) return said; // the last step of each
  }
  assert.fail(`no reload: ${r.logText().slice(before)}`);
}

const policy = async (client) => (await client.get('/v1/me')).headers['ratelimit-policy'];
const minutes = (reservation) => Math.round((Date.parse(reservation.expires_at) - Date.now()) / 60000);

before(async () => {
  r = new Registry();
  mkdirSync(join(r.work, 'conf'));
  file = join(r.work, 'conf', 'menedek.conf');
  write(FIRST);
  await r.start({}, ['--config', file]);
});
after(() => r.close());

test('what the file says counts from the start', async () => {
  const desk = await r.as('counsellor');
  assert.equal(await policy(desk), '"device";q=1500;w=15');
  const { reservation } = await hold(desk);
  assert.equal(minutes(reservation), 20);
});

test('a reload changes what can be changed; a connection and an event stream go on, and each change is named', async () => {
  const { user, passphrase } = r.credentials('counsellor');
  const desk = r.bare('counsellor', { sockets: 1 });
  const connect = desk.agent.createConnection;
  let connections = 0;
  desk.agent.createConnection = (...args) => { connections++; return connect.apply(desk.agent, args); };
  await desk.signIn(user, passphrase);
  const stream = await listen(await r.as('shelter_staff'));
  const said = await reload(['hold-time = 45m', 'rate-burst = 3000', 'rate-per-second = 100', 'log-level = debug']);
  assert.match(said, /note reloaded setting=hold-time from=20m to=45m/);
  assert.match(said, /note reloaded setting=rate-burst from=1500 to=3000/);
  assert.match(said, /note reloaded setting=log-level from=note to=debug/);
  assert.doesNotMatch(said, /rate-per-second/);
  assert.equal(await policy(desk), '"device";q=3000;w=30');
  const scene = await hold(desk, { name: 'Nyugat 1' });
  assert.equal(minutes(scene.reservation), 45);
  assert.equal((await desk.post(`/v1/reservations/${scene.reservation.id}/request`)).status, 200);
  assert.ok(await stream.hears('reservation.requested', scene.reservation.id), 'the stream was cut off');
  assert.equal(connections, 1, 'its connection was cut off');
  stream.close();
  await settle(r, scene);
});

test('a file with one mistake changes no setting, the log says which, and certificates are read all the same', async () => {
  const desk = await r.as('counsellor');
  const said = await reload(['hold-time = 10m', 'rate-brust = 200', 'known-for = 1h']);
  assert.match(said, /world reload_refused .*menedek\.conf:2: there is no setting rate-brust; did you mean rate-burst\?/);
  assert.match(said, /world reload_refused .*menedek\.conf:3: known-for must not be less than fresh-for/);
  assert.match(said, /mistakes=2; no setting was changed/);
  assert.doesNotMatch(said, /note reloaded setting/);
  assert.equal(await policy(desk), '"device";q=3000;w=30');
  const { reservation } = await hold(desk);
  assert.equal(minutes(reservation), 45);
});

test('a file that is gone changes nothing either', async () => {
  renameSync(file, `${file}.away`);
  const said = await reload(null);
  renameSync(`${file}.away`, file);
  assert.match(said, /reload_refused .*menedek\.conf: No such file/);
});

test('what waits for a restart is said, each time, and not done', async () => {
  for (let i = 0; i < 2; i++) {
    const said = await reload(['hold-time = 45m', 'connections = 100', 'jwks = /tmp/a.json', 'issuer = i', 'audience = a', 'listen = 127.0.0.1:1']);
    assert.match(said, /world restart_needed setting=connections stays "4096" until a restart makes it "100"/);
    assert.match(said, /world restart_needed setting=jwks stays "" until a restart makes it "\/tmp\/a\.json"/);
    assert.doesNotMatch(said, /setting=listen/); // the command line goes before the file
  }
});

test('limits that are lowered bind at once', async () => {
  await reload(['rate-burst = 100', 'rate-per-second = 10']);
  const client = r.bare('auditor', { sockets: 8 });
  const all = await Promise.all(Array.from({ length: 200 }, () => client.get('/v1/codes')));
  assert.ok(all.some((a) => a.status === 429), 'one device went on');
  await reload([]);
  const raised = await client.get('/v1/codes'); // its bucket is empty still, and a reload may take less than a unit's 5 ms
  assert.equal(raised.headers['ratelimit-policy'], '"device";q=2000;w=10');
  await comes(async () => (await client.get('/v1/codes')).status === 200, 'the device stays refused');
});

test('reloading while many work disturbs nobody', async () => {
  await reload(['rate-burst = 100000', 'rate-per-second = 10000']);
  const desk = await r.as('counsellor');
  let done = false;
  const work = (async () => {
    for (let i = 0; i < 12; i++) {
      await openEpisode(desk);
      assert.equal((await desk.get('/v1/capacity')).status, 200);
    }
    done = true;
  })();
  for (let i = 0; !done && i < 40; i++, await sleep(50)) // of one event the log takes 50 lines a second
    await reload([`hold-time = ${10 + i}m`, 'rate-burst = 100000', 'rate-per-second = 10000']);
  await work;
});
