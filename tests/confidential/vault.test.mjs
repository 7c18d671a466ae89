// SPDX-License-Identifier: Apache-2.0
// The vault's process beside the running service: what it holds, what it does when it is killed, stopped or out of disk,
// and that its hourly quota bounds what the service can be made to tell, whatever is restarted.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { family } from '../api/lib/memory.mjs';
import { PATIENCE, comes, within } from '../api/lib/patience.mjs';
import { Registry, sleep } from '../api/lib/registry.mjs';
import { ownHouse, reservationIn, settle } from '../api/lib/scenes.mjs';

const isRoot = process.getuid() === 0;
const needsRoot = { skip: isRoot ? false : 'only root may look into or limit the vault' };

const vaultOf = (r) => {
  const [, ...children] = family(r.pid);
  assert.equal(children.length, 1, 'one child, the vault');
  assert.equal(readFileSync(`/proc/${children[0]}/comm`, 'utf8').trim(), 'menedek-vault');
  return children[0];
};
/** Not ended: what its new parent has not asked after yet is over, too. */
const isThere = (pid) => {
  try { return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')); } catch { return false; }
};

async function gone(pid, ms = PATIENCE) {
  for (const until = Date.now() + ms; Date.now() < until; await sleep(20))
    if (!isThere(pid)) return true;
  return false;
}

/** A registry with a quota of its own that serves, with a confirmed reservation of the counsellor. */
async function scene(limits) {
  const r = new Registry();
  if (limits) r.limits(limits);
  await r.start();
  const { reservation } = await reservationIn(r, 'confirmed');
  const path = `/v1/reservations/${reservation.id}/disclosures`;
  const tell = async () => (await r.as('counsellor')).post(path, { reason: 'intake_call' });
  return { r, reservation, tell };
}

const withheld = (answer) => {
  assert.deepEqual([answer.status, answer.json.code], [503, 'location_withheld'], answer.text);
  assert.equal(answer.headers['retry-after'], '60');
  assert.ok(!answer.text.includes('Minta utca') && !answer.text.includes('+36'));
};

test('it is one process without network that alone has the location keys', needsRoot, async () => {
  const { r, tell } = await scene();
  try {
    assert.equal((await tell()).status, 200);
    const vault = vaultOf(r);
    const files = (pid) => readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try { return [readlinkSync(`/proc/${pid}/fd/${fd}`)]; } catch { return []; } // closed since
    });
    const sockets = files(vault).filter((f) => f.startsWith('socket:'));
    assert.equal(sockets.length, 1, files(vault).join());
    assert.deepEqual(files(vault).filter((f) => !/^(socket:|pipe:|\/dev\/null|.*\/server\.log|.*\.mdb)/.test(f)), []);
    const own = files(r.pid).concat(readFileSync(`/proc/${r.pid}/maps`, 'utf8').split('\n'));
    assert.deepEqual(own.filter((f) => f.includes('location.root') || f.includes('/vault/')), []);
    const inet = ['tcp', 'tcp6', 'udp', 'udp6'].map((t) => readFileSync(`/proc/${vault}/net/${t}`, 'utf8')).join('\n');
    for (const socket of sockets) assert.ok(!inet.includes(` ${socket.match(/\d+/)[0]} `), 'a network socket');
    for (const root of ['location.root', 'record.root']) assert.ok(readFileSync(join(r.dir, 'keys', root)).length === 32);
  } finally { await r.close(); }
});

test('killed, it takes the service with it, which had told nothing since', async () => {
  const { r } = await scene();
  try {
    process.kill(vaultOf(r), 'SIGKILL');
    const { code } = await r.ended;
    assert.ok(code !== 0 && code !== null, `ended with ${code}`);
    assert.match(r.logText(), /vault_gone|őrfolyamata leállt|vault has ended/);
  } finally { rmSync(r.work, { recursive: true, force: true }); }
});

test('the service killed, the vault ends too', async () => {
  const { r } = await scene();
  try {
    const vault = vaultOf(r);
    await r.kill9();
    assert.ok(await gone(vault), 'the vault outlived its service');
  } finally { rmSync(r.work, { recursive: true, force: true }); }
});

test('stopped, it costs a 503 in seconds; the rest of the service goes on; continued, it tells again', () => within(9000, async () => {
  const { r, tell } = await scene();
  const vault = vaultOf(r);
  try {
    const desk = await r.as('counsellor');
    process.kill(vault, 'SIGSTOP');
    const began = Date.now();
    const [first, second, ...others] = await Promise.all([tell(), tell(), ...Array.from({ length: 8 }, () => desk.get('/v1/me'))]);
    withheld(first);
    withheld(second);
    const delay = Date.now() - began;
    assert.ok(others.every((o) => o.status === 200));
    const entries = (await desk.get('/v1/audit?limit=20')).json.data.filter((e) => e.action === 'reservations_disclose');
    assert.ok(entries.length >= 2, 'asked and not told: both stand in the trail');
    process.kill(vault, 'SIGCONT');
    await comes(async () => { // for another household each time: each is told three times only
      const next = await reservationIn(r, 'confirmed');
      const { status } = await desk.post(`/v1/reservations/${next.reservation.id}/disclosures`, { reason: 'intake_call' });
      await settle(r, next); // or the house is full before the vault has come to itself
      return status === 200;
    }, 'it tells nothing any more');
    return delay;
  } finally {
    process.kill(vault, 'SIGCONT');
    await r.close();
  }
}, 'withheld'));

test('stopped for good, it ends the service seconds after a question, and is gone itself', async () => {
  const { r, tell } = await scene();
  const vault = vaultOf(r);
  try {
    process.kill(vault, 'SIGSTOP');
    const began = Date.now();
    withheld(await tell());
    const end = await Promise.race([r.ended, sleep(25000)]);
    assert.ok(end, 'it serves on beside a vault that is silent');
    assert.ok(end.code !== 0 && end.code !== null, JSON.stringify(end));
    assert.ok(Date.now() - began > 8000, 'a pause of its disk must not end it');
    assert.match(r.logText(), /vault_silent for_ms/);
    assert.ok(await gone(vault), 'the vault outlived its service');
  } finally {
    if (isThere(vault)) process.kill(vault, 'SIGKILL');
    if (isThere(r.pid)) await r.kill9();
    rmSync(r.work, { recursive: true, force: true });
  }
});

test('a service that is told to end does, though its vault is stopped', () => within(10000, async () => {
  const { r } = await scene();
  const vault = vaultOf(r);
  try {
    process.kill(vault, 'SIGSTOP');
    const began = Date.now();
    await r.stop(); // exit status 0, not killed after 20 s
    const delay = Date.now() - began;
    assert.ok(await gone(vault), 'the vault outlived its service');
    return delay;
  } finally {
    if (isThere(vault)) process.kill(vault, 'SIGKILL');
    rmSync(r.work, { recursive: true, force: true });
  }
}, 'ended'));

test('its quota is spent for an hour, whatever is killed and restarted', async () => {
  const { r, tell } = await scene({ desk: 2 });
  try {
    assert.equal((await tell()).status, 200);
    assert.equal((await tell()).status, 200);
    withheld(await tell());
    await r.kill9();
    await r.start();
    const next = await reservationIn(r, 'confirmed');
    withheld(await (await r.as('counsellor')).post(`/v1/reservations/${next.reservation.id}/disclosures`, { reason: 'intake_call' }));
    assert.match(r.logText(), /vault_refused ground=quota_spent/);
  } finally { await r.close(); }
});

test('without its quota file nothing is told for an hour', async () => {
  const { r, tell } = await scene();
  try {
    assert.equal((await tell()).status, 200);
    await r.stop();
    rmSync(join(r.dir, 'vault', 'quota'));
    await r.start();
    withheld(await tell());
  } finally { await r.close(); }
});

test('a house looks at its own three times an hour', async () => {
  const { r } = await scene();
  try {
    const staff = await r.as('shelter_staff');
    const path = `/v1/shelters/${await ownHouse(staff)}/location`;
    for (let i = 0; i < 3; i++) assert.equal((await staff.get(path)).status, 200);
    withheld(await staff.get(path));
  } finally { await r.close(); }
});

test('what cannot be written down is not told: its disk is full', needsRoot, async () => {
  const { r, tell } = await scene();
  try {
    const vault = String(vaultOf(r));
    execFileSync('prlimit', ['--pid', vault, '--fsize=0:unlimited']);
    withheld(await tell()); // not "nothing was changed": it counts
    execFileSync('prlimit', ['--pid', vault, '--fsize=unlimited:unlimited']);
    assert.equal((await tell()).status, 200);
  } finally { await r.close(); }
});

test('a program beside the service is kept out and leaves its quota as it is', async () => {
  const { r, tell } = await scene({ desk: 1 });
  try {
    assert.equal((await tell()).status, 200);
    assert.throws(() => r.run('check'));
    withheld(await tell());
  } finally { await r.close(); }
});
