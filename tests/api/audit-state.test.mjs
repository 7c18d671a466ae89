// SPDX-License-Identifier: Apache-2.0
// What an auditor is told of the trail's state, and that each way of tampering with it turns it into an alarm.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { comes } from './lib/patience.mjs';
import { isCopy } from './lib/postgres.mjs';
import { Registry } from './lib/registry.mjs';
import { checkpointKey, entryKey, tamper } from './lib/tamper.mjs';
import { acceptRollback } from './lib/rollback.mjs';

const made = [];
after(async () => {
  for (const r of made) await (r.port ? r.close() : rmSync(r.work, { recursive: true }));
});

function registry(from) {
  const r = new Registry(from);
  made.push(r);
  return r;
}

/** The state once the service has read its trail for the first time. */
async function state(r, role = 'auditor') {
  const who = await r.as(role);
  return comes(async () => {
    const answer = await who.get('/v1/audit/state');
    assert.equal(answer.status, 200, answer.text);
    return answer.json.checked_at && answer.json;
  }, 'the trail was not read');
}

test('a whole trail: entries, the last checkpoint as it was signed, and when it was read', async () => {
  const r = await registry().start({}, ['--checkpoint-every', '1,1']);
  await state(r);
  const s = await comes(async () => {
    const now = await state(r);
    return now.checkpoint?.size > 0 && now;
  }, 'nothing was signed');
  assert.deepEqual([s.finding, s.first_bad], ['in_order', 0]);
  assert.ok(s.entries >= s.checkpoint.size && s.checked_entries > 0, JSON.stringify(s));
  const auditor = await r.as('auditor');
  const signed = (await auditor.get('/v1/audit/checkpoints?limit=100')).json.data.find((c) => c.number === s.checkpoint.number);
  const { number, size, at, root } = signed;
  assert.deepEqual(s.checkpoint, { number, size, at, root });
  const note = signed.note.trimEnd().split(' ').at(-1);
  assert.equal(s.key, Buffer.from(note, 'base64').subarray(0, 4).toString('hex'), 'the key id is the one in the note');
  const { checked_at: _, at: __, ...admins } = await state(r, 'admin');
  assert.equal(admins.finding, 'in_order');
});

test('a checkpoint that was altered in the store is an alarm, and the service still serves', async () => {
  const r = await registry().start();
  await state(r);
  await r.stop();
  tamper(r, checkpointKey(1));
  await r.start();
  assert.equal((await state(r)).finding, 'checkpoint');
  await r.stop();
  tamper(r, checkpointKey(0));
  await r.start();
  const s = await state(r);
  assert.deepEqual([s.finding, s.checkpoint], ['checkpoint', { number: 0, size: 0 }]);
  assert.equal((await (await r.as('counsellor')).get('/v1/me')).status, 200, 'families are not kept out for it');
});

test('an entry that was altered is named', async () => {
  const r = await registry().start();
  await state(r);
  await r.stop();
  tamper(r, entryKey(5));
  await r.start();
  const s = await state(r);
  assert.deepEqual([s.finding, s.first_bad], ['altered', 5]);
});

// over PostgreSQL the old copy is brought up to date, and there is nothing to show
test('a checkpoint kept off the machine shows that an old copy was put back', { skip: isCopy }, async () => {
  const base = registry();
  const [now, old] = [registry(base), registry(base)];
  const kept = ['--checkpoints', join(now.work, 'kept'), '--checkpoint-every', '1,1'];
  await now.start({}, kept);
  assert.equal((await state(now)).finding, 'in_order');
  await now.stop();
  await assert.rejects(old.start({}, kept), /The store is older than what was signed of it/);
  assert.equal(acceptRollback(old, kept[1]).status, 0);
  await old.start({}, kept);
  assert.equal((await state(old)).finding, 'rolled_back', 'accepted, and still said');
  await old.stop();
  await assert.rejects(now.start({}, kept.slice(0, 2)), /The store is older than what was signed of it/);
  assert.equal(acceptRollback(now, kept[1]).status, 0);
  await now.start({}, kept.slice(0, 2));
  assert.notEqual((await state(now)).finding, 'in_order', 'the file now shows both pasts');
});
