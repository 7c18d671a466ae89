// SPDX-License-Identifier: Apache-2.0
// When nothing works: the sealed sheet that the shift lead opens on any computer.  Who has the file and not the passphrase has
// nothing; what stands on it is what the console prints, and no more.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Clockwork, clockTest, HOUR } from './lib/clockwork.mjs';
import { control, report } from './lib/control.mjs';
import { comes } from './lib/patience.mjs';
import { hold, holdBody, openEpisode, reservationIn, search, settle } from './lib/scenes.mjs';
import { Registry, root, sleep } from './lib/registry.mjs';

const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const OKIT = 'OKIT (minta)';
const PASS = 'kilenc piros alma a fán';

let r;
let sheets;
const run = (args, { input = '', lang = 'C' } = {}) =>
  spawnSync(program, args, { input, encoding: 'utf8', timeout: 60_000, env: { ...process.env, LC_ALL: lang } });
const open = (file, options = {}) => run(['sheet', 'open', file], { input: `${PASS}\n`, ...options });
const sheet = () => join(sheets, 'okit.sheet');
/** Have the sheets of ${registry} written, when the service is done with what it does by itself. */
async function write(registry = r, ...more) {
  let said;
  await comes(() => {
    said = run(['sheet', 'write', '--dir', registry.dir, ...more]);
    return !/Other upkeep is under way/.test(said.stderr);
  }, 'it is busy without an end');
  return said;
}
async function until(what, found) {
  for (const end = Date.now() + 30_000; !found(); await sleep(50)) assert.ok(Date.now() < end, what);
}
function giveKey(registry, ...more) {
  const made = run(['sheet', 'key', '--dir', registry.dir, '--org', OKIT, '--name', 'okit', '--passphrase-stdin', ...more], { input: `${PASS}\n` });
  assert.equal(made.status, 0, made.stderr);
}

before(async () => {
  r = new Registry();
  sheets = join(r.work, 'sheets');
  giveKey(r);
  await r.start({}, ['--sheets', sheets]);
});
after(() => r.close());

test('without a key nobody serves with sheets, and says what to do', () => {
  const other = new Registry();
  const refused = run(['serve', '--dir', other.dir, '--listen', '127.0.0.1:0', '--sheets', join(other.work, 'sheets')]);
  assert.equal(refused.status, 3, refused.stderr);
  assert.match(refused.stderr, /menedek sheet key/);
  for (const hours of ['0', '49', 'x', '-1'])
    assert.equal(run(['serve', '--dir', other.dir, '--listen', '127.0.0.1:0', '--sheets', 'x', '--sheets-every', hours]).status, 2, hours);
  rmSync(other.work, { recursive: true, force: true });
});

test('a key is made once, never replaced unasked, and the registry keeps nothing that opens', () => {
  const text = readFileSync(join(r.dir, 'sheets/okit.key'), 'utf8');
  assert.match(text, /^menedek-sheet-key 1 [0-9a-z]{26} scrypt\$17\$8\$1\$[\w-]{22}\$[\w-]{43}\n$/i);
  const again = run(['sheet', 'key', '--dir', r.dir, '--org', OKIT, '--name', 'okit']);
  assert.equal(again.status, 5, again.stderr);
  assert.match(again.stderr, /--force/);
  assert.equal(readFileSync(join(r.dir, 'sheets/okit.key'), 'utf8'), text);
  assert.equal(run(['sheet', 'key', '--dir', r.dir, '--org', 'nobody', '--name', 'x']).status, 3);
  assert.equal(run(['sheet', 'key', '--dir', r.dir, '--org', OKIT, '--name', '../x']).status, 2);
  const made = run(['sheet', 'key', '--dir', r.dir, '--org', OKIT, '--name', 'second']);
  assert.match(made.stdout, /^second [a-z2-9-]{19}\n$/);
  rmSync(join(r.dir, 'sheets/second.key'));
});

test('at its start the service writes a sheet, and again when it is asked', async () => {
  await until('no sheet', () => existsSync(sheet()));
  const first = statSync(sheet()).mtimeMs;
  const scene = await reservationIn(r, 'requested');
  const asked = await write(r, '--json');
  assert.equal(asked.status, 0, asked.stderr);
  assert.deepEqual({ ...JSON.parse(asked.stdout), job: undefined, step: undefined }, { desks: 1, reservations: 1, job: undefined, step: undefined });
  assert.ok(statSync(sheet()).mtimeMs > first);
  assert.deepEqual(readdirSync(sheets), ['okit.sheet'], 'one file a desk: the newest counts, older ones would only be more to lose');
  await settle(r, scene);
});

test('who has heard the end of a job may ask for the next at once', async () => {
  const own = async () => { const { purge_run: run, running } = await report(r, 'status'); return `${run} ${running}`; };
  let was, refused;
  do { // once more if a day began meanwhile and the service was at work by itself
    was = await own();
    refused = 0;
    for (let i = 0; i < 300; i++) refused += (await report(r, 'purge dry-run')).step !== 'done';
  } while (await own() !== was);
  assert.equal(refused, 0);
});

test('a desk whose sheet cannot be written keeps no other from its own', async () => {
  const two = new Registry();
  const [there, names] = [join(two.work, 'sheets'), ['okit', 'child']];
  const file = (name) => join(there, `${name}.sheet`);
  giveKey(two);
  assert.equal(run(['sheet', 'key', '--dir', two.dir, '--org', 'Gyermekvédelmi hívószám (minta)', '--name', 'child']).status, 0);
  await two.start({}, ['--sheets', there]);
  await until('no sheets', () => names.every((n) => existsSync(file(n))));
  for (const [hurt, other] of [names, names.toReversed()]) {
    rmSync(file(hurt));
    mkdirSync(join(file(hurt), 'in the way'), { recursive: true });
    rmSync(file(other));
    assert.notEqual((await write(two)).status, 0);
    assert.ok(existsSync(file(other)), `${other} has none`);
    rmSync(file(hurt), { recursive: true });
    assert.equal((await write(two)).status, 0);
  }
  await two.close();
});

test('it opens on a computer that has only the program, the file and the passphrase: number, word, house, household, state', async () => {
  const desk = await r.as('counsellor');
  const scene = await reservationIn(r, 'requested');
  const family = await hold(desk); // a mother of two
  assert.equal((await write()).status, 0);
  const away = mkdtempSync(join(tmpdir(), 'menedek-away-'));
  cpSync(sheet(), join(away, 'okit.sheet'));
  const { status, stdout, stderr } = open(join(away, 'okit.sheet'));
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^<!doctype html>\n<html lang="en">/);
  assert.match(stdout, /Downtime sheet · OKIT \(minta\)/);
  for (const { reservation } of [scene, family]) {
    const shown = (await desk.get(`/v1/reservations/${reservation.id}`)).json;
    const row = stdout.split('\n').find((l) => l.includes(`>${shown.number}<`));
    assert.ok(row, shown.number);
    assert.ok(row.includes(`>${shown.check_word}<`) && row.includes(shown.code_name), row);
    assert.ok(row.includes(shown.state) && /\d{4}-\d\d-\d\d \d\d:\d\d</.test(row), row);
  }
  assert.match(stdout, /1 adult\(s\), 1 child\(ren\), 1 baby\(ies\) \(/);
  const hu = open(join(away, 'okit.sheet'), { lang: 'hu_HU.UTF-8' });
  assert.match(hu.stdout, /<html lang="hu">[^]*Leállási lap[^]*1 felnőtt, 1 gyermek, 1 csecsemő/);
  assert.doesNotMatch(stdout, /<script|https?:|src=/, 'a page that loads nothing');
  // the form that reconcile reads
  for (const head of ['Time', 'Number', 'Check word', 'What happened', 'Reason', 'Room', 'Free places']) assert.ok(stdout.includes(`<th>${head}</th>`), head);
  const to = join(away, 'page.html');
  assert.equal(run(['sheet', 'open', sheet(), '--out', to], { input: `${PASS}\n` }).status, 0);
  assert.equal(readFileSync(to, 'utf8'), stdout);
  assert.equal(statSync(to).mode & 0o777, 0o600);
  rmSync(away, { recursive: true });
  await settle(r, scene);
  await settle(r, family);
});

const codeNames = async () => (await (await r.as('admin')).get('/v1/shelters?limit=100')).json.data.map((s) => s.code_name);

test('a secret house stands on it under the name that it has in its request only; no id', async () => {
  const desk = await r.as('counsellor');
  const names = await codeNames();
  const episode = await openEpisode(desk, { case_type: 'danger_to_life', danger_to_life: true, women: 1, men: 0 });
  const candidate = (await search(desk, episode)).candidates.find((c) => c.type === 'secret_house');
  assert.ok(candidate && !names.includes(candidate.code_name), 'a house without a name of its own');
  const reservation = (await desk.post('/v1/reservations', holdBody(episode, candidate))).json;
  assert.equal((await write()).status, 0);
  const page = open(sheet()).stdout;
  assert.ok(page.includes(`<td>${candidate.code_name} ·`), candidate.code_name);
  for (const name of names) assert.ok(!page.includes(`>${name} ·`), name);
  assert.ok(!page.includes(reservation.id) && !page.includes(episode.id));
  await settle(r, { reservation, episode });
});

test('without the passphrase the file is noise, and one changed byte is refused', async () => {
  const sealed = readFileSync(sheet());
  assert.ok(!/menedek-sheet|OKIT|row\t/.test(sealed.toString('latin1').split('\n').slice(1).join('\n')));
  const wrong = open(sheet(), { input: 'kilenc piros alma a fan\n' });
  assert.equal(wrong.status, 4);
  assert.equal(wrong.stdout, '');
  const changed = Buffer.from(sealed);
  changed[sealed.length - 40] ^= 1;
  const file = r.file('changed.sheet', changed);
  assert.equal(open(file).status, 4);
  assert.equal(open(r.file('cut.sheet', sealed.subarray(0, 90))).status, 1);
  assert.equal(open(join(r.work, 'none')).status, 3);
  assert.equal(run(['sheet', 'open']).status, 2);
});

test('each sheet stands in the trail; nothing of it in the log', async () => {
  const entries = (await (await r.as('auditor')).get('/v1/audit?limit=100')).json.data;
  const told = entries.filter((e) => e.action === 'clock_sheet');
  assert.ok(told.length >= 1, JSON.stringify(entries.slice(-5)));
  assert.match(r.logText(), /^note sheets_written desks=1 reservations=\d+$/m);
});

test('where nobody serves, nobody writes one', () => {
  const other = new Registry();
  const asked = run(['sheet', 'write', '--dir', other.dir]);
  assert.equal(asked.status, 6);
  assert.match(asked.stderr, /start the service/);
  rmSync(other.work, { recursive: true, force: true });
});

test('a service without --sheets says so', async () => {
  const other = await new Registry().start();
  assert.equal((await control(other, 'sheets')).at(-1).step, 'failed');
  await other.close();
});

test('a registry that was put back from its backup writes sheets for the same passphrases', async () => {
  const other = new Registry();
  const longest = 'a'.repeat(32), out = join(other.work, 'one.backup'), keys = join(other.work, 'kept-keys'), back = join(other.work, 'back');
  giveKey(other);
  assert.equal(run(['sheet', 'key', '--dir', other.dir, '--org', OKIT, '--name', longest]).status, 0);
  writeFileSync(join(other.dir, 'sheets/notes.txt'), 'not ours');
  const files = (dir) => readdirSync(join(dir, 'sheets')).filter((n) => n.endsWith('.key')).sort().map((n) => [n, readFileSync(join(dir, 'sheets', n), 'utf8')]);
  const had = files(other.dir);
  assert.deepEqual(had.map(([n]) => n), [`${longest}.key`, 'okit.key']);
  const taken = run(['backup', '--dir', other.dir, '--out', out]);
  assert.equal(taken.status, 0, taken.stderr);
  const verified = run(['backup', 'verify', '--dir', other.dir, '--from', out]);
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  cpSync(join(other.dir, 'keys'), keys, { recursive: true });
  const done = run(['restore', '--from', out, '--dir', back, '--keys', keys]);
  assert.equal(done.status, 0, done.stderr);
  assert.deepEqual(files(back), had);
  assert.deepEqual(readdirSync(join(back, 'sheets')).sort(), [`${longest}.key`, 'okit.key']);
  cpSync(keys, join(back, 'keys'), { recursive: true });
  other.dir = back;
  await other.start({}, ['--sheets', join(other.work, 'written')]);
  await until('no sheet', () => existsSync(join(other.work, 'written/okit.sheet')));
  const opened = open(join(other.work, 'written/okit.sheet'));
  assert.equal(opened.status, 0, opened.stderr);
  await other.close();
});

clockTest('every four hours a new one, and none before', async () => {
  const clock = await new Clockwork().start(['--sheets', (x) => join(x.work, 'sheets')], (x) => giveKey(x));
  const file = join(clock.registry.work, 'sheets/okit.sheet');
  const written = () => clock.registry.logText().match(/sheets_written/g)?.length ?? 0;
  await until('the first', () => written() === 1 && existsSync(file));
  clock.jump(3 * HOUR);
  await sleep(5000); // the service looks every two seconds
  assert.equal(written(), 1);
  clock.jump(HOUR + 5);
  await until('the second', () => written() === 2);
  await clock.registry.close();
});
