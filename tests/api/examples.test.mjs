// SPDX-License-Identifier: Apache-2.0
// What we tell others to copy works: each example reads units, sets one and watches, against the running service.
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Registry, root, sleep } from './lib/registry.mjs';
import { runProgram } from './lib/remote.mjs';
import { ownHouse } from './lib/scenes.mjs';

const EXAMPLES = { curl: ['sh', 'publish.sh'], Python: ['python3', 'publish.py'], JavaScript: [process.execPath, 'publish.mjs'] };
const WATCHED = 30; // seconds at most
const HEARD = /^event: availability\.changed$/m;
// what is tried is what we tell others to copy; the service below it is under sanitizers in every other test
const skip = ['asan', 'tsan'].includes(process.env.VARIANT) && 'once is enough';
let r, staff, env;

before(async () => {
  r = await new Registry().start();
  staff = await r.as('shelter_staff');
  const { user, passphrase } = r.credentials('shelter_staff');
  const secret = r.file('passphrase', `${passphrase}\n`);
  chmodSync(secret, 0o600);
  env = { MENEDEK_SERVER: `https://localhost:${r.port}`, MENEDEK_CA: join(r.certs, 'ca.crt'), MENEDEK_CERT: `${r.device('shelter_staff')}.crt`,
    MENEDEK_KEY: `${r.device('shelter_staff')}.key`, MENEDEK_USER: user, MENEDEK_PASSPHRASE_FILE: secret };
});
after(() => r.close());

const unitNow = async (name) => (await staff.get(`/v1/shelters/${await ownHouse(staff)}/availability`)).json.units.find((u) => u.name === name);

for (const [language, [interpreter, file]] of Object.entries(EXAMPLES)) {
  const start = (words, more) => runProgram(interpreter, [join(root, 'examples', file), ...words], { env, ...more });
  const run = (...words) => start(words);

  test(`${language}: reads the units and sets one`, { skip }, async () => {
    const read = await run('read');
    assert.equal(read.code, 0, read.err);
    const [, name] = /^(.+): free, (\d+) of \2 free$/m.exec(read.out);
    for (const state of ['occupied', 'free']) {
      const said = await run('set', name, state);
      assert.equal(said.code, 0, said.err);
      assert.equal(said.out, `${name}: ${state}\n`);
      assert.equal((await unitNow(name)).state, state);
    }
    const none = await run('set', 'No such room', 'free');
    assert.notEqual(none.code, 0);
    assert.match(none.err, /no unit called No such room/);
  });

  test(`${language}: watches`, { skip }, async () => {
    const house = await ownHouse(staff);
    const watching = start(['watch', String(WATCHED)], { until: HEARD });
    let ended = false;
    watching.then(() => { ended = true; });
    while (!ended) { // until the stream is open the event is nobody's
      assert.equal((await staff.post(`/v1/shelters/${house}/confirmations`)).status, 200);
      await sleep(500);
    }
    assert.match((await watching).out, HEARD, (await watching).err);
  });
}

test('Python: watches beyond the end of a stream, and hears what came meanwhile', { skip }, async () => {
  const twice = new RegExp(`${HEARD.source}[^]*^event: ended$[^]*${HEARD.source}`, 'm');
  const house = await ownHouse(staff);
  let heard = '';
  const watching = runProgram('python3', [join(root, 'examples/publish.py'), 'watch'], { env, until: { test: (out) => { heard = out; return twice.test(out); } } });
  let ended = false;
  watching.then(() => { ended = true; });
  const confirm = async (by) => assert.equal((await by.post(`/v1/shelters/${house}/confirmations`)).status, 200);
  while (!ended && !HEARD.test(heard)) {
    await confirm(staff);
    await sleep(500);
  }
  assert.equal((await staff.post('/v1/me/sign-out-everywhere')).status, 204); // the stream ends, and its token is worth no more
  const { user, passphrase } = r.credentials('shelter_staff');
  await staff.signIn(user, passphrase);
  await confirm(staff); // once, so that one who does not go on after the last event cannot hear it
  const { out, err } = await watching;
  assert.match(out, twice, err);
});
