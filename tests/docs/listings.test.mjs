// SPDX-License-Identifier: Apache-2.0
// Listings of the other texts, run as they stand; only the places, the addresses and what a machine has once are others.  No
// listing with a command may be left out: it is run here, by the manual's test, or by the test that is named for it.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { makeDatabase } from '../api/lib/postgres.mjs';
import { makeHooks } from '../api/lib/receiver.mjs';
import { Registry } from '../api/lib/registry.mjs';
import { runProgram } from '../api/lib/remote.mjs';
import { ownHouse } from '../api/lib/scenes.mjs';
import { fenced, read, root, runnable, texts } from './lib/sources.mjs';

const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const PASS = 'tizenkét szék';
const left = [];
after(async () => { for (const r of left) await r.close().catch(() => {}); });

/** Where no systemd runs and no package is installed: what a listing asks of them is noted. */
function machine(r) {
  const bin = join(r.work, 'bin');
  mkdirSync(bin);
  symlinkSync(program, join(bin, 'menedek'));
  writeFileSync(join(bin, 'systemctl'), `#!/bin/sh\necho "$@" >>${r.work}/systemctl\n`, { mode: 0o755 });
  left.push(r);
  return { PATH: `${bin}:${process.env.PATH}`, HOME: r.work, MENEDEK_DIR: r.dir, LANG: 'C.UTF-8' };
}

async function follow(r, env, text, more = {}) {
  const done = await runProgram('bash', ['-euc', text], { env: { ...env, ...more.env }, cwd: r.work, ...more });
  assert.equal(done.code, 0, `${text}\n${done.out}${done.err}`);
  return done;
}

async function callForHelp(text) {
  const r = await new Registry().start();
  const done = await follow(r, machine(r), text.replaceAll('certs/dev/', `${r.certs}/`).replace(':8443', `:${r.port}`));
  assert.match(done.out, /"state":"open"/);
}

async function houseSoftware(text) {
  const r = await new Registry().start();
  const env = machine(r);
  const home = join(r.work, '.config/menedek');
  const device = r.device('shelter_staff');
  const { user, passphrase } = r.credentials('shelter_staff');
  mkdirSync(home, { recursive: true });
  copyFileSync(join(r.certs, 'ca.crt'), join(home, 'ca.crt'));
  r.openssl('pkcs12', '-export', '-in', `${device}.crt`, '-inkey', `${device}.key`, '-out', join(home, 'device.p12'), '-passout', `pass:${PASS}`);
  for (const [name, secret] of [['p12', PASS], ['own', passphrase]]) writeFileSync(join(home, name), `${secret}\n`, { mode: 0o600 });
  assert.ok(text.includes(`user = ${user}`), 'the sample has another');
  // who stands at no terminal: the passphrases from files, as the sentence below the listing says
  const script = text.replace('menedek.example.hu:8443', `localhost:${r.port}`)
    .replace('\nEND', '\np12-passphrase-file = p12\npassphrase-file = own\nEND')
    .replace(/^menedek watch.*$/m, (line) => `timeout 5 ${line.replace(/ #.*/, '')} || [ $? = 124 ]`);
  const done = await follow(r, env, script);
  assert.match(done.err, /Nyugat 1/);
  const units = (await (await r.as('shelter_staff')).get(`/v1/shelters/${await ownHouse(await r.as('shelter_staff'))}/availability`)).json.units;
  assert.equal(units.find((u) => u.name === '2. szoba').state, 'occupied');
}

async function dataInAndOut(text) {
  const r = new Registry();
  const env = machine(r);
  for (const [from, to] of [['shelters', 'houses'], ['units', 'rooms']]) copyFileSync(join(root, `data/sample-${from}.csv`), join(r.work, `${to}.csv`));
  await follow(r, env, text);
  assert.ok(JSON.parse(readFileSync(join(r.work, 'services.json'))));
  for (const kind of ['csv', 'hu.html', 'en.html']) assert.ok(existsSync(join(r.work, `report-2025.${kind}`)), kind);
}

async function tables(text) {
  const r = new Registry();
  const env = machine(r);
  for (const [from, to] of [['organisations', 'orgs'], ['shelters', 'houses'], ['units', 'rooms']]) copyFileSync(join(root, `data/sample-${from}.csv`), join(r.work, `${to}.csv`));
  await follow(r, env, text.replaceAll('/etc/menedek/keys', join(r.dir, 'keys')));
}

async function settings(text) {
  const r = new Registry();
  const env = machine(r);
  mkdirSync(join(r.work, 'etc/menedek/conf'), { recursive: true });
  writeFileSync(join(r.work, 'etc/menedek/conf/menedek.conf'), execFileSync(program, ['check-config', '--template', '--listen', '0.0.0.0:8443'], { env }));
  await follow(r, env, text.replaceAll('/etc/menedek', `${r.work}/etc/menedek`));
  assert.equal(readFileSync(join(r.work, 'systemctl'), 'utf8'), 'reload menedek\n');
}

async function intoPostgresql(text) {
  const r = new Registry();
  const env = machine(r);
  const done = await follow(r, env, text.replace(/"host=[^"]*"/, `"${makeDatabase()}"`));
  assert.match(done.out, /pairs moved to PostgreSQL, read back and compared/);
}

async function metrics(text) {
  const r = new Registry();
  const env = machine(r);
  const socket = join(r.work, 'health.sock');
  await r.start({}, [`--health=${socket}`]); // no port to wait for
  assert.match((await follow(r, env, text.replace('/run/menedek/health.sock', socket))).out, /^menedek_connections /m);
}

async function events(text) {
  const r = new Registry();
  const env = machine(r);
  const outbox = join(r.work, 'outbox.sock');
  const from = join(r.work, 'from-the-house');
  mkdirSync(from);
  mkdirSync(join(r.work, 'units'));
  mkdirSync(join(r.work, 'etc/menedek'), { recursive: true });
  await r.start({}, ['--outbox', outbox]);
  makeHooks(r, from);
  copyFileSync(join(from, 'ca.crt'), join(from, 'haz-ca.crt'));
  const house = await ownHouse(await r.as('shelter_staff'));
  await follow(r, env, text.replaceAll('/etc/menedek', `${r.work}/etc/menedek`).replace('/root/from-the-house', from)
    .replace('<id of the house>', house).replace('/run/menedek/outbox.sock', outbox)
    .replace('/usr/share/doc/menedek/examples/', `${root}/systemd/`).replace('/etc/systemd/system/', `${r.work}/units/`)
    .replaceAll(/ -o \w+ -g \w+/g, '').replace(/ && chown menedek .*/, '').replace('runuser -u menedek -- ', '')); // a user of the package
  assert.match(readFileSync(join(r.work, 'systemctl'), 'utf8'), /enable --now menedek-deliver/);
  assert.match(read('debian/menedek.examples'), /^systemd\/menedek-deliver\.service$/m, 'the package brings it there');
}

async function token(text, more) {
  const r = new Registry();
  const env = machine(r);
  mkdirSync(join(r.work, 'tokens'));
  mkdirSync(join(r.work, 'root'));
  writeFileSync(join(r.work, 'softhsm2.conf'), `directories.tokendir = ${r.work}/tokens\nlog.level = ERROR\n`);
  env.SOFTHSM2_CONF = join(r.work, 'softhsm2.conf');
  const there = (t) => t.replaceAll('/root/hsm', `${r.work}/root/hsm`).replaceAll('KEYS/', `${r.dir}/keys/`)
    .replace('/var/lib/softhsm/tokens', `${r.work}/tokens`).replaceAll(/(?<=--pin |echo )PIN/g, '4711-menedek').replace('SO-PIN', '87654321');
  await follow(r, env, there(text));
  await follow(r, env, there(more));
  assert.ok(!existsSync(join(r.dir, 'keys/location.root')));
  await r.start({ SOFTHSM2_CONF: env.SOFTHSM2_CONF });
}

// the text, how the listing begins, what it needs, and the listing that follows it in the same place
const SCENES = [
  ['README.md', 'C="curl', callForHelp],
  ['README.md', 'mkdir -p ~/.config', houseSoftware],
  ['README.md', 'menedek import', dataInAndOut],
  ['docs/manual.en.md', 'menedek import', tables],
  ['docs/operations.md', 'menedek check-config', settings],
  ['docs/operations.md', 'menedek migrate', intoPostgresql],
  ['docs/operations.md', 'curl', metrics],
  ['docs/webhooks.md', 'install -d', events],
  ['docs/hsm.md', 'softhsm2-util', token, 'menedek rekey-locations'],
];
// what only a whole machine can do: who does it
const ELSEWHERE = [
  ['README.md', 'make run', '.ci/run', /make test/],
  ['README.md', 'apt install', 'tests/package/inside.sh', /apt-get install[^]*menedek init --keys \/etc\/menedek\/keys[^]*menedek doctor/],
  ['docs/manual.en.md', 'menedek doctor', 'tests/package/inside.sh', /menedek doctor --keys \/etc\/menedek\/keys --tls \/etc\/menedek\/tls/],
  ['docs/manual.en.md', 'menedek accept-rollback', 'tests/api/lib/rollback.mjs', /'accept-rollback'[^]*'--checkpoints'/],
];
const find = (path, begin) => fenced(path).find((l) => l.startsWith(begin)) ?? assert.fail(`${path} has no listing "${begin}"`);

for (const [path, begin, scene, next] of SCENES)
  test(`${path}: ${begin}`, () => scene(find(path, begin), next && find(path, next)));

test('no listing with a command is left out', () => {
  const isCommand = /^(?:[A-Z]+=\S* )*(?:menedek|make|curl|apt|systemctl|install|openssl|softhsm2-util|cat >|\.\/|sudo|C=)/m;
  const seen = [...SCENES.flatMap(([path, begin, , next]) => [[path, begin], ...(next ? [[path, next]] : [])]), ...ELSEWHERE];
  for (const [path, begin, by, how] of ELSEWHERE) {
    find(path, begin);
    assert.match(read(by), how, `${by} does not run "${begin}"`);
  }
  // the same listing in the other language is the same
  const done = new Set(texts.flatMap((path) => [...runnable(path), ...fenced(path).filter((l) => seen.some(([p, begin]) => p === path && l.startsWith(begin)))]));
  const missing = texts.flatMap((path) => fenced(path)
    .filter((listing) => isCommand.test(listing) && !listing.includes(' ... ') && !done.has(listing))
    .map((listing) => `${path}: ${listing.split('\n')[0]}`));
  assert.deepEqual(missing, []);
  assert.equal(spawnSync('bash', ['-n'], { input: texts.flatMap(runnable).join('\n') }).status, 0);
});
