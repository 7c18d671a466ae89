// SPDX-License-Identifier: Apache-2.0
// New keys while the service is at work and is killed in the middle, several times: nothing is lost, nothing stays under
// an old key, and the report says what happened.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, statSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { control, report, settled } from '../api/lib/control.mjs';
import { comes, took, within } from '../api/lib/patience.mjs';
import { isCopy } from '../api/lib/postgres.mjs';
import { Registry, root, sleep } from '../api/lib/registry.mjs';
import { openEpisode, ownHouse } from '../api/lib/scenes.mjs';

const maker = join(root, 'build/release/menedek');
let r;
let rotations = 0; // that are done
let confirmed = []; // the units of the house as it was last told that they are confirmed
before(async () => { r = await new Registry().start(); });
after(() => r?.close());

/** Requests are opened and rooms confirmed until told to stop or the service is gone. */
function load(kept) {
  let goes_on = true;
  const work = (async () => {
    const desk = await r.as('counsellor');
    const staff = await r.as('shelter_staff');
    const house = await ownHouse(staff);
    while (goes_on) {
      const [episode, said] = await Promise.all([openEpisode(desk), staff.post(`/v1/shelters/${house}/confirmations`)]);
      assert.equal(said.status, 200, said.text);
      confirmed = said.json.units;
      kept.push(episode.id);
      await sleep(5);
    }
  })().catch((e) => { if (goes_on && !/ECONN|socket|hang up|aborted|destroyed/i.test(`${e.code} ${e.message}`)) throw e; });
  return () => { goes_on = false; return work; };
}

/**
 * Rotate under load, kill -9 when the answer comes to ${step}, and start again.  False when that was too late for what has been
 * interrupted ${times} times: it may have come further before it was killed, and two seconds after its start the service goes
 * on by itself.
 */
async function killAt(step, nth, times, kept) {
  const stop = load(kept);
  await comes(() => kept.length > 10, 'the load was none'); // later rounds begin at once: the rotation goes on by itself
  let seen = 0, dead = null, isLate = false;
  const lines = await control(r, 'rotate-keys', (line) => {
    isLate ||= line.code === 'busy' || line.interruptions < times || (dead && line.step === 'done');
    if (!isLate && !dead && line.step === step && ++seen === nth) dead = r.kill9();
  });
  assert.ok(dead || isLate || times > 0, `the rotation never came to ${step} ${nth}: ${JSON.stringify(lines.map((l) => l.step))}`);
  await dead;
  await stop();
  if (dead) await r.start();
  return dead !== null && !isLate;
}

/** One rotation, killed in four places.  False when a kill came too late. */
async function rotateKilled(kept) {
  for (const [times, [step, nth]] of [['reseal', 1], ['reseal', 3], ['locations', 2], ['old keys', 1]].entries())
    if (!await killAt(step, nth, times, kept)) return false;
  return true;
}

function checked(dir) {
  const result = spawnSync(maker, ['check', '--json', '--dir', dir], { encoding: 'utf8' });
  return { status: result.status, ...JSON.parse(result.stdout || '{}'), err: result.stderr };
}

test('rotated under load and killed four times, everything opens and no old key is left', async () => {
  const backup = join(r.work, 'before');
  await r.stop();
  cpSync(r.dir, backup, { recursive: true });
  const records = checked(backup).records;
  assert.equal(checked(backup).status, 0);
  await r.start();

  const kept = [];
  const atRest = (s) => !s.running && (!s.rotation_run || s.rotation_finished_at);
  let isKilled = false;
  for (let round = 0; round < 3 && !isKilled; round++) {
    rotations = (await settled(r, atRest)).rotation_run ?? 0;
    isKilled = await rotateKilled(kept);
  }
  assert.ok(isKilled, 'each rotation was done before it could be killed four times');
  const before = kept.length, stop = load(kept);
  await comes(() => kept.length > before, 'the load was none'); // what the kill left unanswered is answered for
  const state = await settled(r, (s) => s.rotation_finished_at); // by itself: nobody asks for it again
  await stop();
  assert.equal(state.rotation_interruptions, 4);
  assert.equal(state.rotation_run, ++rotations);
  // what the load wrote meanwhile was under the new key already
  assert.ok(state.rotation_sealed_anew > records * 0.9, JSON.stringify(state));
  // of records and of details; the trail's, the events' of this week and the last one of tokens stay while something is under them
  assert.ok(state.rotation_keys_destroyed >= 2, JSON.stringify(state));

  const desk = await r.as('counsellor');
  for (const id of kept) assert.equal((await desk.get(`/v1/episodes/${id}`)).status, 200, 'an acknowledged request is gone');
  const staff = await r.as('shelter_staff');
  const { units } = (await staff.get(`/v1/shelters/${await ownHouse(staff)}/availability`)).json;
  const saidOf = (list) => list.map((u) => [u.id, u.state, u.free_places, u.confirmed_at]);
  assert.deepEqual(saidOf(units), saidOf(confirmed), 'an acknowledged confirmation is gone');
  const { user, passphrase } = r.credentials('auditor');
  const auditor = await (await r.as('auditor')).signIn(user, passphrase);
  let actions = [], cursor = '';
  do {
    const page = (await auditor.get(`/v1/audit?limit=100${cursor}`)).json;
    actions.push(...page.data);
    cursor = page.next_cursor ? `&cursor=${page.next_cursor}` : '';
  } while (cursor && !actions.some((e) => e.action === 'keys_rotation_started'));
  actions = actions.slice(0, actions.findIndex((e) => e.action === 'keys_rotation_started')); // of this rotation
  assert.equal(actions.filter((e) => e.action === 'keys_rotation_resumed').length, 4);
  const end = actions.find((e) => e.action === 'keys_rotation_finished');
  assert.match(end.reason, /^\d+ sealed anew, \d+ destroyed$/);
  await r.stop();

  const now = checked(r.dir);
  assert.equal(now.status, 0, now.err);
  JSON.parse(r.run('audit', 'verify', '--json'));
  if (isCopy) return r.start(); // a copy is brought up to date before it is looked at
  // with the keyring of before nothing of today opens, and with today's nothing of before
  const swap = (store, keys, name) => {
    const dir = join(r.work, name);
    cpSync(store, dir, { recursive: true });
    cpSync(join(keys, 'keyring'), join(dir, 'keyring'), { recursive: true, force: true });
    return checked(dir);
  };
  assert.equal(checked(backup).status, 0, 'the control: before, with the keyring of before');
  const broken = ({ status, err }, kinds) => {
    assert.notEqual(status, 0);
    const named = [...err.matchAll(/seal_broken kind=(\d+)/g)].map((m) => String.fromCharCode(m[1]));
    assert.deepEqual([...kinds].filter((k) => !named.includes(k)), [], 'records of these kinds opened');
  };
  broken(swap(r.dir, backup, 'old-keyring'), 'oundfsclep');
  broken(swap(backup, r.dir, 'old-store'), 'oundfscl');
  await r.start();
});

test('a rotation answers with what it did, and a second command meanwhile is refused with a sentence', async () => {
  const first = control(r, 'rotate-keys');
  const second = await report(r, 'purge');
  assert.equal(second.step, 'failed');
  assert.equal(second.code, 'busy');
  assert.ok(second.message.length > 10);
  const done = (await first).at(-1);
  assert.equal(done.step, 'done');
  assert.equal(done.run, ++rotations);
  assert.equal(done.locations_sealed_anew, 96);
  assert.equal(done.interruptions, 0);
  const again = spawnSync(maker, ['rotate-keys', '--json', '--quiet', '--dir', r.dir], { encoding: 'utf8' });
  assert.equal(again.status, 0, again.stderr);
  assert.equal(JSON.parse(again.stdout).run, ++rotations);
});

test('the socket is closed to others, takes one short line, and does nothing on anything else', async () => {
  const path = join(r.dir, 'control.sock');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  for (const line of ['', 'rotate', 'rotate-keys now', 'PURGE']) {
    const said = await report(r, line);
    assert.equal(said.code, 'malformed', JSON.stringify(line));
  }
  const before = await report(r, 'status');
  assert.deepEqual(await control(r, 'purge\0dry-run'), [], 'what stands behind a NUL does not count as nothing');
  assert.equal((await report(r, 'status')).purge_run, before.purge_run);
  const long = await control(r, 'x'.repeat(5000)).catch(() => []);
  assert.deepEqual(long, []);
  const state = await report(r, 'status');
  assert.equal(state.rotation_run, rotations);
  // who says nothing holds up nobody for long
  const mute = net.connect(path);
  await within(9000, () => took(async () => assert.equal((await report(r, 'status')).step, 'done')), 'answered');
  mute.destroy();
});

test('another user of the machine is refused, whatever the mode of the socket', { skip: process.getuid() !== 0 && 'needs root' }, async () => {
  const path = join(r.dir, 'control.sock');
  chmodSync(path, 0o777);
  for (const dir of [r.work, r.dir]) chmodSync(dir, 0o755);
  const script = r.file('ask.cjs', `const s = require('net').connect(${JSON.stringify(path)}, () => s.write('status\\n'));
    let said = ''; s.on('data', (d) => { said += d; }); s.on('close', () => console.log('said:' + said)); s.on('error', () => {});`);
  chmodSync(script, 0o644);
  const ask = (options) => execFileSync(process.execPath, [script], { encoding: 'utf8', ...options });
  assert.match(ask({}), /"job":"status"/, 'the control: root is answered');
  const node = process.execPath;
  const readable = spawnSync('setpriv', ['--reuid=65534', '--clear-groups', node, '-e', '0']);
  if (readable.status === 0)
    assert.equal(spawnSync('setpriv', ['--reuid=65534', '--clear-groups', node, script], { encoding: 'utf8' }).stdout.trim(), 'said:');
  for (const dir of [r.work, r.dir]) chmodSync(dir, 0o700);
  chmodSync(path, 0o600);
});
