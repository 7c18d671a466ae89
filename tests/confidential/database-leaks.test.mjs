// SPDX-License-Identifier: Apache-2.0
// L1 over PostgreSQL: who has the database, a dump of it, its files with all that was ever written to them, or a log of every
// word that was said to it, has no location, no name and no word of a request.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeDatabase, serverDir, sql } from '../api/lib/postgres.mjs';
import { Registry } from '../api/lib/registry.mjs';
import { openEpisode, ownHouse, reservationIn } from '../api/lib/scenes.mjs';
import { addresses, codeNames, operators, people, phones, ways } from './lib/secrets.mjs';

const isShared = { skip: process.env.MENEDEK_TEST_POSTGRES && 'the server is shared' };
const MOVED = { address: '0000 Mintafalva, Rejtett köz 31.', intake_phone: '+36 1 555 0177', travel_notes: 'A hátsó kapun, kettőt csengetve.' };
const IMPORTED = 'uj.munkatars';

let r, words;

before(async () => {
  if (isShared.skip) return;
  makeDatabase(); // the server is up
  // all that is said to it, with its values: more than anybody should ever let it write down
  for (const setting of ["log_statement = 'all'", 'log_min_duration_statement = 0', 'log_parameter_max_length = -1']) sql(`ALTER SYSTEM SET ${setting}`);
  sql('SELECT pg_reload_conf()');
  r = new Registry().share();
  words = await fill();
}, { timeout: 120000 });
after(() => r?.close());

/** A word that cannot stand somewhere by chance; nothing of a shorter one, as some check words are. */
const longEnough = (word) => (word?.length >= 6 ? [word] : []);

/** Live through what a night brings; gives all that must not be read. */
async function fill() {
  const made = join(r.work, 'new-people.txt');
  r.run('import', '--passphrases', made, `people=${r.file('people.csv', `name,organisation,roles,shelters\n${IMPORTED},OKIT (minta),counsellor,\n`)}`);
  await r.start();
  const desk = await r.as('counsellor'), staff = await r.as('shelter_staff');
  assert.equal((await staff.put(`/v1/shelters/${await ownHouse(staff)}/location`, MOVED)).status, 204);
  const scene = await reservationIn(r, 'confirmed');
  const path = `/v1/reservations/${scene.reservation.id}`;
  const reservation = (await desk.get(path)).json;
  const told = await desk.post(`${path}/disclosures`, { reason: 'client_travels_now' });
  assert.equal(told.json.address, MOVED.address, told.text);
  const lead = await r.as('shift_lead');
  assert.equal((await lead.post(`${path}/break-glass`, { reason: 'danger_to_life_now' })).status, 201);
  const bela = await r.as('family_support');
  const other = await openEpisode(bela);
  assert.equal((await desk.post(`/v1/episodes/${other.id}/take-over`)).status, 200);
  const all = [...addresses, ...phones, ...ways, ...codeNames, ...operators, ...people, ...Object.values(MOVED), IMPORTED,
    ...['shelter_staff', 'counsellor', 'admin'].map((role) => r.credentials(role).passphrase), readFileSync(made, 'utf8').trim().split(' ').slice(1).join(' '),
    desk.token, reservation.number, ...longEnough(`"${reservation.check_word}"`), 'partner_violence', 'no_safe_place_tonight', 'client_calls_house', 'client_travels_now', 'danger_to_life_now'];
  for (const word of all) assert.equal(longEnough(word).length, 1, `${word}: too short not to be there by chance`);
  return [...new Set(all)];
}

/** ${bytes}, and what stands in it as hex (as PostgreSQL prints bytes, in a log twice escaped). */
function opened(bytes) {
  const inside = [];
  for (const [, hex] of bytes.toString('latin1').matchAll(/\\x((?:[0-9a-f]{2})+)/g)) inside.push(Buffer.from(hex, 'hex'), Buffer.from('\n'));
  return Buffer.concat([bytes, ...inside]);
}

/** Bytes as PostgreSQL escapes them: \ooo, and \\ for one. */
const unescaped = (text) => Buffer.from(text.replace(/\\\\/g, '\\').replace(/\\([0-3][0-7]{2})|\\\\/g, (all, octal) => (octal ? String.fromCharCode(parseInt(octal, 8)) : '\\')), 'latin1');

/** As it stands, in hex and in base64, wherever in a text that begins. */
function forms(word) {
  const bytes = Buffer.from(word);
  const base64 = [0, 1, 2].map((n) => Buffer.concat([Buffer.alloc(n), bytes]).toString('base64').slice(n && n + 1, -4)).filter((s) => s.length >= 8);
  return [word, bytes.toString('hex'), ...base64];
}

/** Which of ${all} stand in ${bytes}; grep looks for hundreds at once. */
function found(bytes, all) {
  const from = new Map(all.flatMap((word) => forms(word).map((form) => [form, word])));
  const { status, stdout, error } = spawnSync('grep', ['-aoF', '-f', r.file('forms.txt', `${[...from.keys()].join('\n')}\n`)],
    { input: bytes, env: { ...process.env, LC_ALL: 'C' }, encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.ok(!error && status < 2, `grep: ${error ?? status}`);
  return [...new Set(stdout.split('\n').filter(Boolean).map((form) => from.get(form)))];
}

const client = (program, args, env = {}) => execFileSync(program, args, { maxBuffer: 1 << 28, env: { ...process.env, ...env } });
const tables = () => sql(`SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname !~ '^(pg_|information)'`).split('\n');
const conninfo = () => `host=${serverDir()} user=menedek dbname=postgres`;

/** Every file of the server but its log: the tables, and its write-ahead log with all that was overwritten since. */
function files(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    const path = join(dir, e.name);
    if (e.isDirectory()) return files(path);
    if (!e.isFile() || e.name === 'server.log') return [];
    try { return [readFileSync(path)]; } catch (gone) {
      if (gone.code === 'ENOENT') return []; // it makes some anew all the time
      throw gone;
    }
  });
}

const PLACES = {
  'a dump as statements': () => opened(client('pg_dump', ['--inserts', conninfo()])),
  'a dump as pg_dump makes it': () => opened(client('pg_dump', [conninfo()])),
  'all columns of all tables, escaped': () => Buffer.concat(tables().map((t) => unescaped(client('psql', ['-X', '-q', conninfo(), '-c', `COPY ${t} TO STDOUT`],
    { PGOPTIONS: '-c bytea_output=escape' }).toString('latin1')))),
  'the files of the server, its write-ahead log among them': () => {
    sql('CHECKPOINT');
    return Buffer.concat(files(join(serverDir(), 'data')));
  },
  'the log of all that was said to it': () => opened(readFileSync(join(serverDir(), 'data/server.log'))),
};

for (const [name, read] of Object.entries(PLACES)) {
  test(`in ${name} stands no location, no name and no word of a request`, isShared, () => {
    const bytes = read();
    assert.ok(bytes.length > 100000, `${bytes.length} bytes: nothing to look at`);
    assert.deepEqual(found(bytes, words), []);
  });
}

test('the log had the values, and the tables the records', isShared, () => {
  assert.match(readFileSync(join(serverDir(), 'data/server.log'), 'latin1'), /parameters: \$1 = .*\\x[0-9a-f]{64}/);
  assert.ok(Number(sql(`SELECT count(*) FROM ${tables().find((t) => t.endsWith('.menedek_kv'))}`)) > 300);
});

test('a word that is put there is found, in each of these places', isShared, () => {
  const planted = [MOVED.address, people[0]].sort();
  sql('CREATE TABLE planted (v bytea)');
  for (const word of planted) sql(`INSERT INTO planted VALUES ('\\x00${Buffer.from(`x${word}x`).toString('hex')}ff')`);
  for (const [name, read] of Object.entries(PLACES)) assert.deepEqual(found(read(), words).sort(), planted, name);
  sql('DROP TABLE planted');
});
