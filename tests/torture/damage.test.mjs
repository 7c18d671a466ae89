// SPDX-License-Identifier: Apache-2.0
// The store's file is hurt while nobody serves it: bits flipped, pages swapped, zeroed or old, the file cut.  Afterwards every
// answer is the right one or an error, `menedek check` says so in words, and nothing ends by a bare signal.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { root } from '../api/lib/registry.mjs';
import { LONG, SEED, generator, rounds } from './lib/random.mjs';
import { Script } from './lib/script.mjs';
import { Tireless } from './lib/tireless.mjs';
import { ownHouse } from '../api/lib/scenes.mjs';

const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const PAGE = 4096;
const random = generator(SEED);

const ROLES = ['counsellor', 'shelter_staff'];
const TOKEN_MS = 8 * 60_000; // a token lives for a quarter of an hour, and whoever has none reads nothing

let r, people, signedIn, sound, older;
const answers = new Map(); // path -> [client, text]

async function signIn() {
  for (const [i, role] of ROLES.entries()) {
    const { user, passphrase } = r.credentials(role);
    await people[i].signIn(user, passphrase);
  }
  signedIn = performance.now();
}

/** In time, on a sound store: a hurt one may not know them. */
async function staySignedIn() {
  if (performance.now() - signedIn < TOKEN_MS) return;
  writeFileSync(join(r.dir, 'store/data.mdb'), sound);
  await r.start();
  await signIn();
  const me = answers.get('/v1/me'); // it says how long the token lives
  me[1] = (await me[0].get('/v1/me')).text;
  await r.kill9();
}

before(async () => {
  r = await new Tireless().start();
  people = ROLES.map((role) => r.bare(role));
  await signIn();
  const shelter = await ownHouse(people[1]);
  const nights = async (n) => {
    for (let i = 0; i < n; i++) {
      const script = Object.assign(new Script(...people), { shelter });
      assert.ok(await script.run(), script.wrong.join());
      answers.set(`/v1/reservations/${script.reservation}`, [people[0]]);
      answers.set(`/v1/episodes/${script.body.episode}`, [people[0]]);
    }
  };
  await nights(8);
  await r.stop();
  older = readFileSync(join(r.dir, 'store/data.mdb'));
  await r.start();
  await nights(8);
  answers.set(`/v1/shelters/${shelter}/units`, [people[1]]);
  answers.set(`/v1/shelters/${shelter}`, [people[1]]);
  answers.set('/v1/me', [people[1]]);
  for (const [path, kept] of answers) kept.push((await kept[0].get(path)).text);
  await r.stop();
  sound = readFileSync(join(r.dir, 'store/data.mdb'));
});
after(async () => {
  await r.kill9().catch(() => {});
  rmSync(r.work, { recursive: true, force: true });
});

// the pages that hold something; the file is kept longer than its last page
const used = () => {
  const list = [];
  for (let p = 2; p * PAGE < sound.length; p++) if (sound.subarray(p * PAGE + 16, (p + 1) * PAGE).some((b) => b !== 0)) list.push(p);
  return list;
};
const page = (b, p) => b.subarray(p * PAGE, (p + 1) * PAGE);

/** Each makes one hurt file out of the sound one. */
const HURTS = {
  'a flipped bit': (b) => { b[random.pick(used()) * PAGE + random(PAGE)] ^= 1 << random(8); },
  'a flipped bit in a page head': (b) => { b[random.pick(used()) * PAGE + random(24)] ^= 1 << random(8); },
  'a zeroed page': (b) => { page(b, random.pick(used())).fill(0); },
  'two swapped pages': (b) => {
    const [p, q] = [random.pick(used()), random.pick(used())];
    const kept = Buffer.from(page(b, p));
    page(b, q).copy(page(b, p));
    kept.copy(page(b, q));
  },
  'an old page': (b) => {
    const p = random.pick(used().filter((n) => (n + 1) * PAGE <= older.length && !page(older, n).equals(page(b, n))));
    page(older, p).copy(page(b, p));
  },
  'a flipped bit in a meta page': (b) => { b[random(2) * PAGE + random(160)] ^= 1 << random(8); },
  'noise over a page': (b) => { const t = page(b, random.pick(used())); for (let i = 0; i < PAGE; i++) t[i] = random(256); },
  'a cut file': (b) => b.subarray(0, random((used().at(-1) + 1) * PAGE)),
};

function check() {
  const done = spawnSync(program, ['check', '--dir', r.dir], { encoding: 'utf8', timeout: 30000 });
  return { status: done.status, signal: done.signal, text: `${done.stdout}${done.stderr}` };
}

/** What a served registry says otherwise than before: { wrong, errors, right, refused }. */
async function serveAndRead() {
  try { await r.start(); } catch (e) {
    const end = await r.ended;
    assert.equal(end.signal, null, `the service fell by ${end.signal}: ${e.message.slice(-600)}`);
    return { wrong: [], errors: 0, right: 0, refused: true };
  }
  const seen = { wrong: [], errors: 0, right: 0, refused: false };
  for (const [path, [client, text]] of answers) {
    const now = await client.get(path).catch((e) => ({ status: 599, text: e.code }));
    if (now.status >= 500) seen.errors++;
    else if (now.text === text) seen.right++;
    else seen.wrong.push(`${path}: ${now.status} ${now.text.slice(0, 120)}`);
  }
  const end = await r.kill9(); // of one that had fallen already it tells by what
  assert.ok([null, 'SIGKILL'].includes(end.signal), `the service fell by ${end.signal} ${r.logText().slice(-800)}`);
  return seen;
}

for (const [what, hurt] of Object.entries(HURTS)) {
  test(`${what}: found, or without effect; never a wrong answer (TORTURE_SEED=${SEED})`, { timeout: LONG ? 3600_000 : 120_000 }, async (t) => {
    const least = rounds(12, 500);
    const seen = { found: 0, unheard: 0, refused: 0, errors: 0 };
    let all = 0;
    // what is hurt may be in use or not, by chance
    for (; all < least || (seen.found === 0 && all < 20 * least); all++) {
      const copy = Buffer.from(sound);
      const bytes = hurt(copy) ?? copy;
      if (bytes.equals(sound)) continue;
      await staySignedIn();
      writeFileSync(join(r.dir, 'store/data.mdb'), bytes);
      const said = check();
      assert.equal(said.signal, null, `check fell by ${said.signal}: ${said.text.slice(-600)}`);
      if (said.status === 0) seen.unheard++;
      else {
        seen.found++;
        assert.ok(said.text.trim().length > 20, 'check says nothing');
      }
      writeFileSync(join(r.dir, 'store/data.mdb'), bytes);
      const served = await serveAndRead();
      if (served.wrong.length) assert.fail(`check said ${said.status}; served a wrong answer: ${served.wrong[0]}`);
      seen.refused += served.refused ? 1 : 0;
      seen.errors += served.errors > 0 ? 1 : 0;
    }
    assert.ok(seen.found > 0, 'nothing was ever found: no verdict');
    t.diagnostic(`${what}: ${all} rounds: ${seen.found} found by check, ${seen.unheard} hurt nothing that is used; refused to serve ${seen.refused}; wrong answers 0`);
  });
}

test('a sound file has no findings, and is served (the other half of the proof)', async () => {
  writeFileSync(join(r.dir, 'store/data.mdb'), sound);
  assert.equal(check().status, 0);
  await staySignedIn();
  writeFileSync(join(r.dir, 'store/data.mdb'), sound);
  const seen = await serveAndRead();
  assert.deepEqual(seen, { wrong: [], errors: 0, right: answers.size, refused: false });
});

test('the reader sees a whole store that is old (mutant: no part of it is hurt, so nothing but the reader can tell)', async () => {
  writeFileSync(join(r.dir, 'store/data.mdb'), older);
  const seen = await serveAndRead();
  assert.equal(seen.refused, false);
  assert.ok(seen.wrong.length > 0, 'the reader sees nothing: no verdict');
});
