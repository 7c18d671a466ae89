// SPDX-License-Identifier: Apache-2.0
// An import, and what was written on paper, are entered whole or not at all: the program is killed, or its disk fails, at each
// request that it makes of the disk, and what is there afterwards is all of it or nothing, sound, and the same again completes it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { noClock as noPreload } from '../api/lib/clockwork.mjs';
import { Registry, root } from '../api/lib/registry.mjs';
import { reservationIn } from '../api/lib/scenes.mjs';
import { Faults } from './lib/faults.mjs';
import { LONG } from './lib/random.mjs';

const program = resolve(root, 'build/release/menedek'); // works offline: the variant under test is for serving
const POINTS = LONG ? Infinity : 8; // of all requests, evenly spread, beside the first two and the last five
const HOUSES = 4;

const menedek = (r, args, env = {}) => spawnSync(program, [...args, '--dir', r.dir], { encoding: 'utf8', timeout: 120_000, env: { ...process.env, LC_ALL: 'C', ...env } });
const json = (r, args) => {
  const told = menedek(r, [...args, '--json']);
  assert.equal(told.status, 0, told.stdout + told.stderr);
  return told.stdout.trim().split('\n').map((line) => JSON.parse(line));
};

function* pointsOf(total) {
  const step = Math.max(1, Math.floor(total / POINTS));
  for (let at = 1; at <= total; at += at < 2 || at >= total - 4 ? 1 : Math.min(step, total - 4 - at)) yield at;
}

/**
 * ${command} with each fault at each point, each time on what there was before.  ${extent}() says 'nothing' or 'all' of what
 * stands there now, or throws.
 */
function endure(r, command, extent, t, name) {
  const faults = new Faults(r), before = join(r.work, 'before');
  const tally = { nothing: 0, all: 0 };
  cpSync(r.dir, before, { recursive: true, preserveTimestamps: true });
  const reset = () => {
    rmSync(r.dir, { recursive: true });
    cpSync(before, r.dir, { recursive: true, preserveTimestamps: true });
  };
  const run = (action, at, goesOn) => {
    faults.disk(action, at, goesOn);
    const told = menedek(r, command, faults.environment);
    faults.mend();
    return told;
  };
  const sound = () => {
    const [check] = json(r, ['check']);
    assert.ok(check.findings === 0 && check.audit_verified, JSON.stringify(check));
  };

  assert.equal(extent(), 'nothing');
  assert.equal(run('kill', 0).status, 0);
  assert.equal(extent(), 'all');
  const total = faults.read().disk_count;
  assert.ok(total >= 4, `${total} requests of the disk: nothing was tested`);
  for (const action of ['kill', 'EIO', 'ENOSPC']) {
    for (const at of pointsOf(total)) {
      reset();
      const told = run(action, at, action === 'ENOSPC');
      const what = `${action} at ${at} of ${total}: ${told.stderr}`;
      if (action === 'kill') assert.notEqual(told.status, 0, what); // it, or the vault's process that seals locations for it
      const left = extent();
      assert.ok(told.status !== 0 || left === 'all', `${what}: it said that it was done`);
      assert.doesNotMatch(`${told.stderr}${left}`, /nothing was (imported|entered)[^]*all$/, what);
      tally[left]++;
      sound();
      if (left === 'nothing' && at % 4 === 0) {
        assert.equal(menedek(r, command).status, 0, what);
        assert.equal(extent(), 'all', what);
      }
    }
  }
  assert.ok(tally.nothing > 0, 'no fault came before the commit: nothing was tested');
  t.diagnostic(`${name}: ${total} requests of the disk; lost in part 0, nothing ${tally.nothing} times, all ${tally.all} times`);
}

describe('whole or not at all', { skip: noPreload, timeout: 600_000 }, () => {
  test('an import that is killed, or whose disk fails, anywhere', (t) => {
    const r = new Registry();
    const names = Array.from({ length: HOUSES }, (_, i) => `Próba ${i + 1}`);
    const rows = (header, of) => `${header}\n${of.join('\n')}\n`;
    const header = (lines) => lines.find((l) => !l.startsWith('#')); // before it a word on where the rows come from
    const shelters = readFileSync(join(root, 'data/sample-shelters.csv'), 'utf8').split('\n');
    const locations = readFileSync(join(root, 'data/sample-locations.csv'), 'utf8').split('\n');
    const like = shelters.find((l) => l.startsWith('Nyugat 1,')), place = locations.find((l) => l.startsWith('Nyugat 1,'));
    const files = {
      shelters: rows(header(shelters), names.map((n) => like.replace('Nyugat 1', n))),
      units: rows('shelter,name,adult_beds,child_beds', names.map((n) => `${n},1. szoba,1,2`)),
      people: rows('name,organisation,roles,shelters', [`proba.egy,${like.split(',')[1]},shelter_staff,${names[0]}`]),
      locations: rows(header(locations), names.map((n) => place.replace('Nyugat 1', n))),
    };
    const passes = join(r.work, 'pass.txt');
    const given = Object.entries(files).map(([table, text]) => `${table}=${r.file(`${table}.csv`, text)}`);
    const extent = () => {
      const [told] = json(r, ['import', '--dry-run', ...given]);
      const fresh = Object.keys(files).map((table) => told[table].new);
      const changed = Object.keys(files).map((table) => told[table].changed);
      assert.deepEqual(changed, [0, 0, 0, 0]);
      if (fresh.every((n) => n === 0)) {
        assert.match(existsSync(passes) ? readFileSync(passes, 'utf8') : '', /^proba\.egy \S+/m, 'a person without a passphrase that anybody knows');
        return 'all';
      }
      assert.deepEqual(fresh, [HOUSES, HOUSES, 1, HOUSES], 'a part of it is there');
      rmSync(passes, { force: true });
      return 'nothing';
    };
    try {
      endure(r, ['import', '--passphrases', passes, ...given], extent, t, 'import');
    } finally { rmSync(r.work, { recursive: true, force: true }); }
  });

  test('what was written on paper, entered by a program that is killed, or whose disk fails, anywhere', async (t) => {
    const r = await new Registry().start();
    try {
      const scenes = [];
      for (let i = 0; i < 3; i++) scenes.push(await reservationIn(r, 'requested'));
      await new Promise((done) => setTimeout(done, 1100)); // paper is later than what the registry knows
      await r.kill9();
      const at = `${new Date().toISOString().slice(0, 19)}Z`;
      const lines = scenes.flatMap(({ reservation: x }) => ['confirm', 'arrive'].map((event) => `${at},${x.number},${x.check_word},${event},`));
      const paper = r.file('paper.csv', `time,number,word,event,reason\n${lines.join('\n')}\n`);
      const extent = () => {
        const results = new Set(json(r, ['reconcile', paper, '--dry-run']).map((line) => line.result));
        assert.equal(results.size, 1, 'a part of it is there');
        return results.has('fits') ? 'nothing' : 'all';
      };
      endure(r, ['reconcile', paper], extent, t, 'reconcile');
    } finally {
      await r.kill9().catch(() => {});
      rmSync(r.work, { recursive: true, force: true });
    }
  });
});
