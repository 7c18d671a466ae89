// SPDX-License-Identifier: Apache-2.0
// 64 clients hold, release and look at one room, with kill -9 in between; the history must be linearizable (lib/linear.mjs).
// The mutants are the same history with one answer exchanged.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { holdBody, openEpisode, ownHouse, search } from '../api/lib/scenes.mjs';
import { sleep } from '../api/lib/registry.mjs';
import { explain } from './lib/linear.mjs';
import { LONG, SEED, generator, rounds } from './lib/random.mjs';
import { Tireless } from './lib/tireless.mjs';
import { checkOffline } from './lib/traffic.mjs';

const CLIENTS = 64;
const OPERATIONS = rounds(4000, 100_000);
const RACES = process.env.RACES ? Number(process.env.RACES) : LONG ? 10_000 : 30;
const KILLS = 3;
const ALONE = { case_type: 'partner_violence', women: 1, men: 0 };
const DESKS = ['okit.anna', 'okit.dora', 'okit.eszter'];

test('the checker knows right from wrong', () => {
  const op = (from, to, kind, id) => ({ from, to, kind, id });
  assert.equal(explain([op(0, 1, 'hold', 1), op(2, 3, 'refused'), op(4, 5, 'release', 1), op(6, 7, 'hold', 2)]), null);
  assert.equal(explain([op(0, 9, 'hold', 1), op(1, 8, 'hold', 2), op(2, 7, 'release', 1), op(3, 6, 'release', 2)]), null);
  assert.equal(explain([op(0, 5, 'hold', 1), op(1, 2, 'free'), op(3, 4, 'taken')]), null);
  for (const wrong of [
    [op(0, 1, 'hold', 1), op(2, 3, 'hold', 2)],
    [op(0, 1, 'hold', 1), op(2, 3, 'free')],
    [op(0, 1, 'refused')],
    [op(0, 1, 'hold', 1), op(2, 3, 'release', 1), op(4, 5, 'refused'), op(6, 7, 'hold', 2)],
    [op(0, 9, 'hold', 1), op(1, 2, 'taken'), op(3, 4, 'free')],
  ]) assert.notEqual(explain(wrong), null);
});

/** The registry with one free room, its desks, and a client's candidate for that room. */
async function stage(r) {
  const staff = await r.bare('shelter_staff', { sockets: 8 }).signIn(r.credentials('shelter_staff').user, r.credentials('shelter_staff').passphrase);
  const house = await ownHouse(staff);
  const { units } = (await staff.get(`/v1/shelters/${house}/availability`)).json;
  const [room] = units.filter((u) => u.adult_beds > 0);
  await staff.patch(`/v1/shelters/${house}/availability`, { units: units.map((u) => ({ unit: u.id, state: u.id === room.id ? 'free' : 'occupied' })) });
  const desks = await Promise.all(DESKS.map((n) => r.bare('counsellor', { sockets: 24 }).signIn(n, r.passphrase(n))));
  const clients = [];
  for (let i = 0; i < CLIENTS; i++) {
    const desk = desks[i % desks.length];
    const episode = await openEpisode(desk, ALONE);
    const candidate = (await search(desk, episode)).candidates.find((c) => c.code_name === 'Nyugat 1');
    clients.push({ desk, body: holdBody(episode, candidate) });
  }
  return { staff, house, room, clients };
}

test(`${OPERATIONS} operations of ${CLIENTS} clients on one room (TORTURE_SEED=${SEED})`, { timeout: 3600_000 }, async (t) => {
  const r = await new Tireless().start();
  const random = generator(SEED);
  const history = [];
  let restarting = null, kills = 0, wrong = null;
  const s = await stage(r);

  /** Ask until there is an answer, with one key: it takes effect once, somewhere between the first call and the answer. */
  const ask = async (client, method, path, body) => {
    const headers = method === 'POST' ? { 'Idempotency-Key': randomUUID() } : {};
    const from = performance.now();
    for (let tries = 0; tries < 200; tries++) {
      const answer = await client.send(method, path, body, headers).catch(() => null);
      if (answer && answer.status !== 503 && answer.status !== 429) return { answer, from, to: performance.now() };
      await (restarting ?? sleep(answer?.status === 429 ? 200 : 20));
    }
    throw new Error(`${path}: no answer`);
  };
  const note = (kind, { from, to }, id) => history.push({ kind, from, to, id });

  const look = async () => {
    const seen = await ask(s.staff, 'GET', `/v1/shelters/${s.house}/availability`);
    note(seen.answer.json.units.find((u) => u.id === s.room.id).state === 'free' ? 'free' : 'taken', seen);
  };
  const holdAndRelease = async (c) => {
    const held = await ask(c.desk, 'POST', '/v1/reservations', c.body);
    if (held.answer.status === 409 && held.answer.json.code === 'no_place_left') return note('refused', held);
    assert.equal(held.answer.status, 201, held.answer.text);
    note('hold', held, held.answer.json.id);
    const released = await ask(c.desk, 'POST', `/v1/reservations/${held.answer.json.id}/cancel`, { reason: 'entered_by_mistake' });
    assert.equal(released.answer.status, 200, released.answer.text);
    return note('release', released, held.answer.json.id);
  };
  const work = async (c) => {
    while (history.length < OPERATIONS && !wrong) await (random.oneIn(6) ? look() : holdAndRelease(c));
  };
  const kill = async () => {
    while (kills < KILLS) {
      const at = ((kills + 1) * OPERATIONS) / (KILLS + 1);
      while (history.length < at && !wrong) await sleep(5);
      if (wrong) return;
      restarting = (async () => {
        await r.kill9();
        await r.start();
      })();
      await restarting;
      restarting = null;
      kills++;
    }
  };
  try {
    await Promise.all([kill(), ...s.clients.map(work)].map((p) => p.catch((e) => { wrong ??= e; })));
    if (wrong) throw wrong;
    const holds = history.filter((o) => o.kind === 'hold');
    assert.equal(kills, KILLS, 'not every kill fell into the work: no verdict');
    assert.ok(holds.length > OPERATIONS / 200, `only ${holds.length} holds: no verdict`);
    assert.equal(explain(history), null);
    // the same history with one lie
    const middle = holds[holds.length >> 1];
    const lies = [
      [...history, { ...middle, id: 'second', from: middle.to, to: middle.to + 0.001 }], // the room given twice
      history.filter((o) => o !== middle), // a release of what nobody held
    ];
    for (const lie of lies) assert.notEqual(explain(lie), null, 'the checker believes a lie: no verdict');
    await r.stop();
    checkOffline(r);
    t.diagnostic(`histories: ${history.length} operations by ${CLIENTS} clients, ${holds.length} holds, ${kills} kills: linearizable; 2 lies found (mutant)`);
  } finally {
    await r.kill9().catch(() => {});
    rmSync(r.work, { recursive: true, force: true });
  }
});

/** What one round's answers break of the rule: one has the room, all others are told that it is gone. */
const broken = (answers) => {
  const won = answers.filter((a) => a.status === 201).length;
  const told = answers.filter((a) => a.status === 409 && a.json.code === 'no_place_left').length;
  return won === 1 && won + told === answers.length ? null : answers.map((a) => `${a.status} ${a.json?.code ?? ''}`).join(', ');
};

/** ${list} in an order of chance. */
function shuffled(list, random) {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const k = random(i + 1);
    [out[i], out[k]] = [out[k], out[i]];
  }
  return out;
}

/** How many transactions ran again since what they read had changed. */
const conflicts = async (r) => Number(/^menedek_store_conflicts_total (\d+)$/m.exec(await (await fetch(`http://127.0.0.1:${r.healthPort}/metrics`)).text())[1]);

test(`${RACES} rounds of ${CLIENTS} racers for one room: one gets it, every time`, { timeout: 7200_000 }, async (t) => {
  const r = new Tireless();
  mkdirSync(join(r.work, 'conf')); // a directory of its own: the service reads it again
  const conf = r.file('conf/menedek.conf', 'rate-burst = 1000000\nrate-per-second = 100000\n');
  await r.start({}, ['--config', conf, '--health', '127.0.0.1:0']);
  try {
    const s = await stage(r);
    const desks = s.clients.slice(0, DESKS.length).map((c) => c.desk);
    let last = [], signedIn = performance.now();
    const winners = new Set(), random = generator(SEED);
    for (let round = 0; round < RACES; round++) {
      last = await Promise.all(shuffled(s.clients, random).map(async (c) => ({ c, answer: await c.desk.post('/v1/reservations', c.body) })));
      assert.equal(broken(last.map((l) => l.answer)), null, `round ${round}`);
      const { c, answer } = last.find((l) => l.answer.status === 201);
      winners.add(c);
      assert.equal((await c.desk.post(`/v1/reservations/${answer.json.id}/cancel`, { reason: 'entered_by_mistake' })).status, 200);
      if (performance.now() - signedIn > 5 * 60_000) {
        for (const [i, d] of desks.entries()) await d.signIn(DESKS[i], r.passphrase(DESKS[i]));
        signedIn = performance.now();
      }
    }
    assert.ok(winners.size > 1, 'the same one won always: no race, no verdict');
    const met = await conflicts(r); // on an idle machine who sends first may win: that others ran into it, the store tells
    assert.ok(met >= RACES, `only ${met} ran into another: no race, no verdict`);
    // the mutants: two winners, nobody
    const answers = last.map((l) => l.answer), won = answers.find((a) => a.status === 201);
    assert.notEqual(broken([...answers.slice(1), won, won]), null);
    assert.notEqual(broken(answers.filter((a) => a !== won)), null);
    await r.stop();
    checkOffline(r);
    t.diagnostic(`races: ${RACES} rounds of ${CLIENTS}: one hold and ${CLIENTS - 1} refusals each, ${winners.size} different winners, ${met} ran into another; 2 lies found (mutant)`);
  } finally {
    await r.kill9().catch(() => {});
    rmSync(r.work, { recursive: true, force: true });
  }
});
