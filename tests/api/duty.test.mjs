// SPDX-License-Identifier: Apache-2.0
// A house's duty phone hears that a request is waiting: at once and after 15, 30 and 60 minutes until somebody answers, by a
// program of the operators', from a process that has no key; and never what the request is.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Clockwork, clockTest, DAY, MINUTE, noClock } from './lib/clockwork.mjs';
import { parseExposition } from './lib/exposition.mjs';
import { comes } from './lib/patience.mjs';
import { ownHouse, reservationIn, settle, trail } from './lib/scenes.mjs';
import { Registry, root, sleep } from './lib/registry.mjs';

const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const NUMBERS = ['+36201111111', '+36202222222', '', '+36204444444'];
const skip = { skip: noClock };

let clock, r, sent;
/** Those that are written to their end. */
const texts = () => (existsSync(sent) ? readFileSync(sent, 'utf8').split('--\n').slice(0, -1) : []);
const toldSoFar = () => r.logText().match(/^note duty_told /gm)?.length ?? 0;
async function until(what, found, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; !found(); await sleep(50)) assert.ok(Date.now() < end, `${what}\n${r.logText().slice(-1500)}`);
}
/** The operators' program: notes all that it is given. */
function writeCommand(body = '') {
  const path = join(r.work, 'duty', 'send-text');
  writeFileSync(path, `#!/bin/sh\n${body}\n{ echo "number=$1 more=$2"; env | sort; cat; ls -l /proc/self/fd | grep -c -e data.mdb -e keys -e socket; for f in ca.crt store/data.mdb keys/record.root keys/tls/server.key; do head -c 1 "${r.dir}/$f" >/dev/null 2>&1 && echo "reached $f"; done; echo "--"; } >>"${sent}"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Jumps made everybody's token old. */
async function fresh() {
  for (const role of ['counsellor', 'shelter_staff']) {
    const { user, passphrase } = r.credentials(role);
    await (await r.as(role)).signIn(user, passphrase);
  }
}
/** No new day begins in the next hour or so: its purge settles what ran out, perhaps before the watch has looked. */
async function noMidnight() {
  if (DAY - clock.now() % DAY > 62 * MINUTE) return;
  clock.jump(62 * MINUTE);
  await until('no purge', () => /^note purged /m.test(r.logText()));
  await fresh();
}
const ringers = () => readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
  try { return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'menedek-duty\n' && readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[3] === String(r.pid); } catch { return false; }
});
const metric = async (name) => parseExposition(await (await fetch(`http://127.0.0.1:${r.healthPort}/metrics`)).text()).get(name).samples[0].value;
/** The service knows of all that failed: the minute until the next try begins then, not when the log says it. */
const heard = () => comes(async () => await metric('menedek_duty_failed_total') === r.logText().match(/^world duty_failed /gm).length, 'the service did not hear of it');
async function clear(scene) {
  await fresh();
  await settle(r, scene);
}

before(async () => {
  if (noClock) return;
  clock = new Clockwork();
  await clock.start(['--health', '127.0.0.1:0', '--duty-command', (x) => {
    r = x;
    mkdirSync(join(x.work, 'duty')); // beside the registry, where the program may write
    sent = join(x.work, 'duty', 'sent');
    return writeCommand();
  }, '--duty-phones', (x) => x.file('phones.csv', `house,phone,after_15,after_30,after_60\nKelet 1,+36208888888\nNyugat 1,${NUMBERS.join(',')}\nDél 1,+36209999999,,,\n`)]);
});
after(() => r?.close());

test('a request is told at once, in one sentence and nothing else', skip, async () => {
  const scene = await reservationIn(r, 'requested');
  await until('no text came', () => texts().length === 1);
  const [text] = texts();
  assert.match(text, /^number=\+36201111111 more=\n/);
  assert.match(text, /Menedék: egy kérés válaszra vár\. A request is waiting\.\n/);
  const { number, check_word: word, id } = scene.reservation;
  for (const secret of [number, word, id, 'Nyugat']) assert.ok(!text.includes(secret), secret);
  const names = text.split('\n').slice(1).filter((l) => /^[A-Z_]+=/.test(l)).map((l) => l.split('=')[0]).sort();
  assert.deepEqual(names.filter((n) => !['_', 'PWD', 'SHLVL', 'OLDPWD'].includes(n)), ['LANG', 'PATH'], 'nothing of our environment');
  assert.match(text, /\n0\n$/, 'no file of ours is open in it');
  await sleep(3000);
  assert.equal(texts().length, 1, 'once');
  await settle(r, scene);
});

test('after 15, 30 and 60 minutes the next telephone, until somebody answers', skip, async () => {
  await noMidnight();
  const count = texts().length, ended = toldSoFar();
  /** The ${n}th came, and its command has ended: while one is under way no other is sent. */
  const came = (n) => texts().length === count + n && toldSoFar() === ended + n;
  const scene = await reservationIn(r, 'requested');
  await until('at once', () => came(1));
  clock.jump(14 * MINUTE);
  await sleep(2500);
  assert.equal(texts().length, count + 1);
  clock.jump(1.5 * MINUTE);
  await until('after 15', () => came(2));
  clock.jump(15 * MINUTE);
  await until('after 30', () => came(3));
  clock.jump(30 * MINUTE);
  await until('after 60', () => came(4));
  assert.deepEqual(texts().slice(count).map((t) => t.match(/number=(\S*)/)[1]), [NUMBERS[0], NUMBERS[1], NUMBERS[1], NUMBERS[3]], 'an empty cell means the one before it');
  clock.jump(60 * MINUTE);
  await sleep(2500);
  assert.equal(texts().length, count + 4, 'and then no more');
  await clear(scene);
});

test('who has answered is left alone', skip, async () => {
  await fresh();
  const count = texts().length;
  const scene = await reservationIn(r, 'requested');
  await until('at once', () => texts().length === count + 1);
  assert.equal((await (await r.as('shelter_staff')).post(`/v1/reservations/${scene.reservation.id}/confirm`)).status, 200);
  clock.jump(14 * MINUTE);
  clock.jump(2 * MINUTE);
  await sleep(3000);
  assert.equal(texts().length, count + 1);
  await clear(scene);
});

test('the process that runs it was there before the keys, and holds none', skip, () => {
  const helpers = ringers();
  assert.equal(helpers.length, 1);
  const open = readdirSync(`/proc/${helpers[0]}/fd`).map((fd) => readlinkSync(`/proc/${helpers[0]}/fd/${fd}`));
  assert.deepEqual(open.filter((p) => p.startsWith(r.dir)), []);
  assert.doesNotMatch(readFileSync(`/proc/${helpers[0]}/maps`, 'utf8'), /data\.mdb/);
});

test('neither that process nor the command reaches the registry, whoever they run as', skip, async () => {
  assert.match(r.logText(), /confined duty .*files=listed.*calls=listed/);
  assert.ok(texts().length > 0);
  for (const text of texts()) assert.doesNotMatch(text, /reached/, 'the command read a file of the registry');
  const self = spawnSync(join(r.work, 'duty', 'send-text'), ['+36'], { input: '', encoding: 'utf8' }); // outside, the same command does
  assert.equal(self.status, 0, self.stderr);
  assert.match(texts().pop(), /reached .*ca\.crt\n[^]*reached .*record\.root/, 'no verdict: it could not have read them anyway');
  writeFileSync(sent, '');
});

test('a command that hangs is ended with what it started, one that fails is named, and the service works on', skip, async () => {
  await fresh();
  writeCommand('sleep 999 & echo $! >>"$0.pids"; wait; exit 3');
  const scene = await reservationIn(r, 'requested');
  const pids = join(r.work, 'duty', 'send-text.pids');
  await until('it began', () => existsSync(pids) && readFileSync(pids, 'utf8').endsWith('\n'));
  const started = readFileSync(pids, 'utf8').trim();
  await until('it was not ended', () => /world duty_failed step=0 exit=-1 signal=9/.test(r.logText()), 60);
  const isOver = () => { try { return / Z /.test(readFileSync(`/proc/${started}/stat`, 'utf8')); } catch { return true; } };
  await until('what it started lives', isOver);
  await heard();
  writeCommand('exit 3');
  clock.jump(16 * MINUTE);
  await until('it was not named', () => /world duty_failed step=1 exit=3/.test(r.logText()));
  await heard();
  const count = texts().length;
  writeCommand();
  clock.jump(MINUTE + 2000);
  await until('it is not sent again', () => texts().length === count + 1);
  await sleep(2500);
  assert.equal(texts().length, count + 1, 'once');
  await clear(scene);
});

test('telephones that were replaced by rename, as editors do, are read; when the file is away the message is sent again', skip, async () => {
  await fresh();
  writeCommand('trap "sleep 1" EXIT'); // it still runs when the next message comes
  const path = join(r.work, 'phones.csv');
  const put = (phone) => renameSync(r.file('phones.new', `house,phone,after_15,after_30,after_60\nNyugat 1,${phone},,,\n`), path);
  for (const phone of ['+36205555555', '+36206666666']) { // the second, too
    put(phone);
    const count = texts().length;
    const scene = await reservationIn(r, 'requested');
    await until(`${phone} was not told`, () => texts().length === count + 1);
    assert.match(texts().pop(), new RegExp(`^number=\\${phone} `));
    await settle(r, scene);
  }
  unlinkSync(path);
  const count = texts().length;
  const scene = await reservationIn(r, 'requested');
  await until('nothing is said of it', () => /^world duty_failed step=0: the file of telephone numbers cannot be read/m.test(r.logText()));
  await heard();
  put(NUMBERS[0]);
  clock.jump(MINUTE + 2);
  await until('it is not sent again', () => texts().length === count + 1);
  await clear(scene);
});

test('numbers are read anew; one that could be an option is none; nothing of it is in the log', skip, async () => {
  await fresh();
  writeCommand();
  r.file('phones.csv', 'house,phone,after_15,after_30,after_60\nNyugat 1,-rf,,,\n');
  await reservationIn(r, 'requested');
  await until('nobody was told of it', () => /world duty_unknown step=0/.test(r.logText()));
  assert.doesNotMatch(r.logText(), /\+3620|Nyugat/);
  const told = r.logText().match(/note duty_told step=\d/g);
  assert.ok(told.length >= 5);
  assert.equal(texts().filter((t) => t.includes('-rf')).length, 0);
});

test('a house without a usable row is counted for the alarm; a row by its id outlives a renaming, and an empty one is no mistake', skip, async () => {
  await fresh();
  const id = await ownHouse(await r.as('shelter_staff')), said = (what) => r.logText().match(what)?.length ?? 0;
  const unknown = said(/^world duty_unknown /gm);
  const counted = (n) => comes(async () => await metric('menedek_duty_unknown_total') === n, 'the service did not hear of it');
  await counted(unknown);
  /** A request while the file has ${rows}, until ${isOver}. */
  const ask = async (isOver, ...rows) => {
    r.file('phones.csv', ['house,phone,after_15,after_30,after_60', ...rows, ''].join('\n'));
    const scene = await reservationIn(r, 'requested');
    await until(rows.join(), isOver);
    await settle(r, scene);
  };
  await ask(() => said(/^note duty_nobody step=0/gm) === 1, 'Nyugat 1,,,,');
  await ask(() => said(/^world duty_unknown /gm) === unknown + 1, `Nyugat 0,${NUMBERS.join(',')}`); // its name of before
  await ask(() => said(/^world duty_unknown /gm) === unknown + 2, 'Nyugat 1,+36203333333,,,', `${id},112 or so,,,`);
  const count = texts().length;
  await ask(() => texts().length === count + 1, 'Nyugat 1,+36203333333,,,', `${id},${NUMBERS.join(',')}`);
  assert.match(texts().pop(), new RegExp(`^number=\\${NUMBERS[0]} `));
  await counted(unknown + 2);
});

test('the trail says what became of each message: who was told, and that somebody was not', skip, async () => {
  const auditor = await r.as('auditor'); // signs in now
  const said = (pattern) => r.logText().match(pattern)?.length ?? 0;
  const told = said(/^note duty_told /gm), failed = said(/^world duty_failed /gm);
  assert.ok(told >= 5 && failed >= 2, `${told} ${failed}`);
  let entries = [];
  const outcomes = () => [entries.filter((e) => e.outcome === 'ok').length, entries.filter((e) => e.outcome === 'unavailable').length];
  for (const end = Date.now() + 10_000; Date.now() < end && outcomes().join() !== [told, failed].join(); await sleep(200))
    entries = (await trail(auditor)).filter((e) => e.action === 'clock_duty');
  assert.deepEqual(outcomes(), [told, failed]);
  assert.equal(entries.length, told + failed, 'a house without a number was told nothing');
  assert.ok(entries.every((e) => /^step_[0-3]$/.test(e.reason)));
});

test('when the process is gone that is counted for the alarm, and the house sees its request all the same', skip, async () => {
  await fresh();
  r.file('phones.csv', `house,phone,after_15,after_30,after_60\nNyugat 1,${NUMBERS.join(',')}\n`);
  const before = await metric('menedek_duty_failed_total');
  assert.ok(before >= 2 && await metric('menedek_duty_messages_total') >= 5);
  process.kill(Number(ringers()[0]), 'SIGKILL');
  const scene = await reservationIn(r, 'requested');
  await until('nothing is said of it', () => /^world duty_gone /m.test(r.logText()));
  for (const end = Date.now() + 10_000; Date.now() < end && await metric('menedek_duty_failed_total') === before;) await sleep(100);
  assert.ok(await metric('menedek_duty_failed_total') > before);
  assert.equal((await (await r.as('shelter_staff')).post(`/v1/reservations/${scene.reservation.id}/confirm`)).status, 200);
});

test('one option without the other, or a command that is none, does not start', () => {
  const other = new Registry();
  const serve = (...args) => spawnSync(program, ['serve', '--dir', other.dir, '--listen', '127.0.0.1:0', ...args], { encoding: 'utf8', timeout: 20_000 });
  assert.equal(serve('--duty-command', '/bin/true').status, 2);
  assert.equal(serve('--duty-phones', 'x').status, 2);
  assert.equal(serve('--duty-command', 'true', '--duty-phones', 'x').status, 2);
  const refused = serve('--duty-command', '/nowhere/at/all', '--duty-phones', other.file('phones.csv', 'house,phone,after_15,after_30,after_60\n'));
  assert.equal(refused.status, 1, refused.stderr);
  assert.match(refused.stderr, /duty phone/);
  writeFileSync(join(other.dir, 'phones.csv'), 'house,phone,after_15,after_30,after_60\n');
  assert.match(serve('--duty-command', '/bin/true', '--duty-phones', join(other.dir, 'phones.csv')).stderr, /in the registry's directory/, 'it could not be read there');
});
