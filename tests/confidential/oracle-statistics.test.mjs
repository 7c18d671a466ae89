// SPDX-License-Identifier: Apache-2.0
// No oracle in the statistics: a year of cases, quarter by quarter, and a reader who keeps every table that was ever published,
// subtracts and adds them, and tries every number that a withheld cell could be.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Clockwork, noClock as skip } from '../api/lib/clockwork.mjs';
import { certificateRequest, orgNamed } from '../api/lib/devices.mjs';
import { Client } from '../api/lib/registry.mjs';

const OUTCOMES = ['no_place', 'client_declined', 'provider_declined', 'other_help', 'contact_lost'];
const CHANNELS = ['phone', 'chat'];
const CELLS = OUTCOMES.flatMap((o) => CHANNELS.map((c) => `${o}|${c}`));
const COUNTS = [0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 9]; // small ones, where the arithmetic bites
const SEEN_THROUGH = [3, 7, 9, 6]; // the first cell's: the one withheld quarter is the year less the others
const MOST = 12;

let clock, r;
let now = Math.floor(Date.now() / 1000);
const year = new Date().getUTCFullYear() + 1;
const people = {}; // role: { client, name, org }
const truth = CELLS.map(() => [0, 0, 0, 0]);
const published = {}; // as the reader saw each first

before(async () => {
  if (skip) return;
  clock = await new Clockwork().start();
  r = clock.registry;
  for (const [role, name, org] of [['admin', 'admin.helyettes', 'A nyilvántartás üzemeltetője (minta)'],
    ['counsellor', 'okit.anna', 'OKIT (minta)'], ['statistician', 'statisztika', 'Szociális ellenőrzés (minta)']])
    people[role] = { name, client: await r.person(name, role), org: await orgNamed(r, org) };
});
after(() => r?.close());

/** On to ${time}; everybody signs in again, and before their certificates run out on a new device. */
async function leapTo(time) {
  while (now < time) {
    const step = Math.min(time - now, 150 * 86400);
    clock.jump(step);
    now += step;
    for (const p of Object.values(people)) await p.client.signIn(p.name, r.passphrase(p.name));
    for (const [role, p] of Object.entries(people)) {
      const path = join(r.certs, `${role}-${now}`);
      const made = await people.admin.client.post('/v1/devices', { org: p.org, name: `${role} ${now}`, csr: certificateRequest(r, path) });
      assert.equal(made.status, 201, made.text);
      writeFileSync(`${path}.crt`, made.json.certificate);
      p.next = path;
    }
    for (const p of Object.values(people)) {
      p.client.end();
      p.client = await new Client(r, { device: p.next }).signIn(p.name, r.passphrase(p.name));
    }
  }
}

const at = (month) => Date.UTC(year, month, 10) / 1000;
const ask = (period, table = 'outcomes') => people.statistician.client.get(`/v1/statistics?table=${table}&period=${period}`);
async function read(period) {
  const answer = await ask(period);
  assert.equal(answer.status, 200, answer.text);
  return Object.fromEntries(answer.json.rows.map((x) => [`${x.key}|${x.column}`, x.withheld ? null : x.value]));
}

async function fill(quarter) {
  const desk = people.counsellor.client;
  for (const [i, cell] of CELLS.entries()) {
    const [outcome, channel] = cell.split('|');
    truth[i][quarter] = i === 0 ? SEEN_THROUGH[quarter] : COUNTS[randomInt(COUNTS.length)];
    for (let n = 0; n < truth[i][quarter]; n++) {
      const opened = await desk.post('/v1/episodes', { channel, household: { case_type: 'homelessness', women: 1, men: 0 } });
      assert.equal(opened.status, 201, opened.text);
      const closed = await desk.post(`/v1/episodes/${opened.json.id}/close`, { outcome });
      assert.equal(closed.status, 200, closed.text);
    }
  }
}

/** Withheld parts (quarters, then the year) that can be one number only; a withheld part is never zero. */
function recovered(quarters, whole) {
  const possible = Array.from({ length: 5 }, () => new Set());
  const values = quarters.map((q) => (q === null ? Array.from({ length: MOST }, (_, i) => i + 1) : [q]));
  for (const a of values[0]) for (const b of values[1]) for (const c of values[2]) for (const d of values[3]) {
    const sum = a + b + c + d;
    if (whole !== null && sum !== whole) continue;
    [a, b, c, d, sum].forEach((v, i) => possible[i].add(v));
  }
  return [...quarters, whole].filter((v, i) => v === null && possible[i].size === 1).length;
}

test('a quarter is told when it is over, and stays as it was told', { skip, timeout: 240000 }, async () => {
  for (let q = 0; q < 4; q++) {
    await leapTo(at(q * 3));
    await fill(q);
    assert.equal((await ask(`${year}-Q${q + 1}`)).status, 400, 'a running quarter could be asked every day');
    assert.equal((await ask(`${year}`)).status, 400);
    await leapTo(q < 3 ? at(q * 3 + 3) : Date.UTC(year + 1, 0, 10) / 1000);
    published[q] = await read(`${year}-Q${q + 1}`);
  }
  for (let q = 0; q < 4; q++) assert.deepEqual(await read(`${year}-Q${q + 1}`), published[q], `quarter ${q + 1} was changed`);
  published.year = await read(`${year}`);
});

test('what is shown is true and large enough, zeros are shown', { skip }, () => {
  for (const [i, cell] of CELLS.entries()) {
    const parts = [...truth[i].map((v, q) => [v, published[q][cell]]), [truth[i].reduce((a, b) => a + b), published.year[cell]]];
    for (const [real, shown] of parts) {
      if (shown === null) assert.ok(real > 0, cell);
      else assert.equal(shown, real, cell);
      assert.ok(shown === null || shown === 0 || shown >= 5, `${cell}: ${shown}`);
    }
  }
});

test('no withheld cell follows from all that was ever published', { skip }, () => {
  let naive = 0, withheld = 0;
  for (const [i, cell] of CELLS.entries()) {
    const quarters = [0, 1, 2, 3].map((q) => published[q][cell]);
    assert.equal(recovered(quarters, published.year[cell]), 0, `${cell}: ${quarters} of ${published.year[cell]}`);
    withheld += quarters.filter((v) => v === null).length;
    const small = (v) => (v > 0 && v < 5 ? null : v);
    naive += recovered(truth[i].map(small), small(truth[i].reduce((a, b) => a + b)));
  }
  assert.ok(withheld > 5, `${withheld} withheld: proves nothing`);
  assert.ok(naive > 0, 'the control: withholding small cells alone is seen through');
});

test('no other period can be asked, to subtract', { skip }, async () => {
  for (const bad of [`${year}-01`, `${year}-Q1,${year}-Q2`, `${year}-01-01`, `${year}-H1`, `${year + 1}`, `${year + 1}-Q1`])
    assert.equal((await ask(bad)).status, 400, bad);
  const free = await people.statistician.client.get(`/v1/statistics?table=outcomes&from=${year}-01-01&to=${year}-01-02`);
  assert.notEqual(free.json.from, `${year}-01-01`, 'free days are not heard');
});
