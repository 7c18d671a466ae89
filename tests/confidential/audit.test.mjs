// SPDX-License-Identifier: Apache-2.0
// A2: an outsider is convinced by the public key alone.  Everything is checked here with Node's own crypto and RFC 9162 as it
// is written, never with our program; then the trail's export is tampered with in every way, one by one.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, writeFileSync, readdirSync, rmSync, mkdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { comes } from '../api/lib/patience.mjs';
import { isCopy } from '../api/lib/postgres.mjs';
import { acceptRollback } from '../api/lib/rollback.mjs';
import { Registry, root } from '../api/lib/registry.mjs';
import { openEpisode, reservationIn, search, settle } from '../api/lib/scenes.mjs';

const program = join(root, 'build/release/menedek');
const sha = (...parts) => { const h = createHash('sha256'); for (const p of parts) h.update(p); return h.digest(); };
const node = (a, b) => sha(Buffer.from([1]), a, b);
const bytes = (hex) => Buffer.from(hex, 'hex');

let r, kept, auditor;
before(async () => {
  r = await new Registry();
  kept = join(r.work, 'checkpoints');
  await r.start({}, ['--checkpoints', kept, '--checkpoint-every', '40,1']);
  auditor = await r.as('auditor');
});
after(() => r.close());

const keptLines = () => readFileSync(kept, 'utf8').trim().split('\n');
/** How far each kept checkpoint reaches. */
const keptSizes = () => keptLines().map((l) => Number(l.split(' ')[2]));
const newest = async () => (await auditor.get('/v1/audit/checkpoints?limit=1')).json.data[0];

/** The newest checkpoint once it covers what was done before. */
async function signedAfter(work) {
  const before_it = (await newest())?.size ?? 0;
  await work();
  return comes(async () => {
    const latest = await newest();
    return latest?.size > before_it && latest;
  }, 'no checkpoint came');
}

const busy = async () => { const desk = await r.as('counsellor'); for (let i = 0; i < 5; i++) await search(desk, await openEpisode(desk)); };

/** RFC 9162, 2.1.3.2 */
function includes(leaf, index, size, proof, rootHash) {
  let fn = BigInt(index), sn = BigInt(size) - 1n, at = leaf;
  for (const p of proof) {
    if (sn === 0n) return false;
    if ((fn & 1n) || fn === sn) {
      at = node(p, at);
      while (!(fn & 1n) && fn !== 0n) { fn >>= 1n; sn >>= 1n; }
    } else at = node(at, p);
    fn >>= 1n; sn >>= 1n;
  }
  return sn === 0n && at.equals(rootHash);
}

/** RFC 9162, 2.1.4.2 */
function extends_(first, firstRoot, second, secondRoot, proof) {
  if (first === second) return proof.length === 0 && firstRoot.equals(secondRoot);
  const path = [...proof];
  if ((first & (first - 1)) === 0) path.unshift(firstRoot);
  let fn = BigInt(first) - 1n, sn = BigInt(second) - 1n;
  while (fn & 1n) { fn >>= 1n; sn >>= 1n; }
  let fr = path[0], sr = path[0];
  for (const c of path.slice(1)) {
    if (sn === 0n) return false;
    if ((fn & 1n) || fn === sn) {
      fr = node(c, fr); sr = node(c, sr);
      while (!(fn & 1n) && fn !== 0n) { fn >>= 1n; sn >>= 1n; }
    } else sr = node(sr, c);
    fn >>= 1n; sn >>= 1n;
  }
  return fr.equals(firstRoot) && sr.equals(secondRoot) && sn === 0n;
}

test('a note is signed as transparency logs sign theirs', async () => {
  const { note, size, root: hash } = await signedAfter(busy);
  const [text, signature] = note.split('\n\n');
  const lines = text.split('\n');
  assert.equal(lines[0], 'localhost/audit');
  assert.equal(Number(lines[1]), size);
  assert.equal(Buffer.from(lines[2], 'base64').toString('hex'), hash);
  const key = createPublicKey(readFileSync(join(r.dir, 'audit.pub')));
  const raw = Buffer.from(key.export({ format: 'jwk' }).x, 'base64url');
  const [dash, name, encoded] = signature.trim().split(' ');
  const blob = Buffer.from(encoded, 'base64');
  assert.deepEqual([dash, name], ['—', 'localhost/audit']);
  assert.ok(blob.subarray(0, 4).equals(sha('localhost/audit\n', Buffer.from([1]), raw).subarray(0, 4)));
  assert.ok(verify(null, Buffer.from(`${text}\n`), key, blob.subarray(4)));
  assert.ok(!verify(null, Buffer.from(`${text.replace(`\n${size}\n`, `\n${size + 1}\n`)}\n`), key, blob.subarray(4)));
});

test('every entry is proved to stand in the signed tree, and each older tree to be its beginning', async () => {
  const latest = await signedAfter(busy);
  const trail = (await auditor.get('/v1/audit?limit=100')).json.data;
  let rows = 0;
  for (const entry of [1, 2, 40, 255, 256, 257, latest.size - 1, latest.size]) {
    const { json } = await auditor.get(`/v1/audit/proofs/inclusion?entry=${entry}&size=${latest.size}`);
    const leaf = sha(Buffer.from([0]), bytes(json.public), bytes(json.hidden));
    assert.equal(leaf.toString('hex'), json.leaf);
    assert.ok(includes(leaf, entry - 1, latest.size, json.proof.map(bytes), bytes(latest.root)), `entry ${entry}`);
    assert.ok(!includes(sha('other'), entry - 1, latest.size, json.proof.map(bytes), bytes(latest.root)));
    const row = trail.find((e) => e.number === entry);
    if (row) assert.ok(bytes(json.public).includes(row.action), 'the row that the auditor reads is what the leaf covers');
    rows += row ? 1 : 0;
  }
  assert.ok(rows > 0, 'no row was compared: no verdict');
  // the rest of the work may have been signed meanwhile: by a checkpoint that is newer than the one proved here
  const all = (await auditor.get('/v1/audit/checkpoints?limit=100')).json.data.filter((c) => c.size <= latest.size);
  assert.ok(all.length > 1);
  for (const older of all) {
    const { json } = await auditor.get(`/v1/audit/proofs/consistency?first=${older.size}&second=${latest.size}`);
    assert.ok(extends_(older.size, bytes(older.root), latest.size, bytes(latest.root), json.proof.map(bytes)), `from ${older.size}`);
    if (older.size < latest.size) assert.ok(!extends_(older.size, sha('other'), latest.size, bytes(latest.root), json.proof.map(bytes)));
  }
  const two = (await auditor.get('/v1/audit/checkpoints?limit=1')).json;
  const next = (await auditor.get(`/v1/audit/checkpoints?limit=1&cursor=${two.next_cursor}`)).json;
  assert.equal(next.data[0].number, two.data[0].number - 1);
});

test('what was not signed has no proof, and a question must be a number', async () => {
  const { size } = await newest();
  for (const query of [`inclusion?entry=${size + 1000}`, `inclusion?entry=1&size=${size + 1000}`, 'consistency?first=9000000000000000'])
    assert.equal((await auditor.get(`/v1/audit/proofs/${query}`)).status, 404, query);
  for (const query of ['inclusion', 'inclusion?entry=0', 'inclusion?entry=-1', 'inclusion?entry=1x', 'inclusion?entry=1&size=0',
    'inclusion?entry=99999999999999999999', 'consistency', 'consistency?first=1&second=%31'])
    assert.equal((await auditor.get(`/v1/audit/proofs/${query}`)).status, 400, query);
  const admin = await r.as('admin');
  assert.equal((await admin.get('/v1/audit/proofs/inclusion?entry=1')).status, 200);
});

test('each checkpoint is in the file at once, in order, and no person or house is', async () => {
  const latest = await signedAfter(busy);
  await comes(() => keptSizes().includes(latest.size), 'it is not in the file');
  const lines = keptLines();
  assert.ok(lines.every((l) => /^menedek-checkpoint localhost\/audit \d+ \S{44} \S{44} \d+ \S{20} \S{92}$/.test(l)), lines[0]);
  assert.deepEqual(lines.map((l) => Number(l.split(' ')[5])), lines.map((_, i) => i + 1));
});

test('after kill -9 the file goes on where it ended, and nothing is signed twice', async () => {
  const before_it = keptLines().length;
  await signedAfter(busy);
  await r.kill9();
  writeFileSync(kept, 'menedek-checkpoint localhost/audit 12', { flag: 'a' }); // a line that the crash cut
  await r.start({}, ['--checkpoints', kept, '--checkpoint-every', '40,1']);
  auditor = await r.as('auditor');
  const latest = await signedAfter(busy);
  await comes(() => keptSizes().includes(latest.size), 'it is not in the file');
  const whole = keptLines().filter((l) => l.split(' ').length === 8);
  assert.ok(whole.length > before_it);
  assert.deepEqual(whole.map((l) => Number(l.split(' ')[5])), whole.map((_, i) => i + 1));
  assert.ok(!r.logText().includes('audit_rolled_back'));
});

/* ---- the export ---- */

const out = (name) => join(r.work, name);
function check(file, ...more) {
  const run = spawnSync(program, ['audit', 'verify', '--export', file, '--public-key', join(r.dir, 'audit.pub'), '--json', ...more],
    { encoding: 'utf8', cwd: '/', env: {} });
  return { status: run.status, ...(run.stdout ? JSON.parse(run.stdout) : { said: run.stderr }) };
}

test('an export convinces who has the public key, finds every tampering by number, and shows nobody', { timeout: 120000 }, async (t) => {
  const scene = await reservationIn(r, 'left');
  const told = await reservationIn(r, 'confirmed');
  const place = await (await r.as('counsellor')).post(`/v1/reservations/${told.reservation.id}/disclosures`, { reason: 'client_travels_now' });
  assert.equal(place.status, 200, place.text);
  await settle(r, told);
  const me = (await (await r.as('counsellor')).get('/v1/me')).json;
  const house = (await (await r.as('shelter_staff')).get('/v1/me')).json.shelters[0];
  await signedAfter(busy);
  r.run('audit', 'export', '--out', out('beside.txt')); // the service runs: it ends where it was signed last
  const beside = check(out('beside.txt'), '--checkpoints', kept);
  assert.ok(beside.status === 0 || /rolled back/.test(beside.finding), JSON.stringify(beside)); // a newer one may just have come
  const last = readFileSync(out('beside.txt'), 'utf8');
  const full = spawnSync('bash', ['-c', 'trap "" XFSZ; ulimit -f 2; exec "$@"', 'bash', program, 'audit', 'export', '--out', out('beside.txt'), '--dir', r.dir], { encoding: 'utf8' });
  assert.match(full.stderr, /beside\.txt cannot be written/);
  assert.deepEqual([full.status, readFileSync(out('beside.txt'), 'utf8') === last, existsSync(out('beside.txt.part'))], [1, true, false], 'what was exported before is gone');
  assert.equal(JSON.parse(r.run('audit', 'verify', '--json')).verified, true);
  await r.stop();
  r.run('audit', 'export', '--out', out('trail.txt'));
  const text = readFileSync(out('trail.txt'), 'utf8');
  const lines = text.trimEnd().split('\n');
  const entries = lines.filter((l) => l.startsWith('e ')).length;
  const at = (number) => lines.findIndex((l) => l.startsWith(`e ${number} `));
  const tamper = (edit) => {
    const copy = [...lines];
    const done = edit(copy) ?? copy;
    writeFileSync(out('tampered.txt'), `${done.join('\n')}\n`);
    return check(out('tampered.txt'));
  };
  /** Make leaf and numbers right again, as a forger who knows the format would. */
  const forge = (line, change) => {
    const f = line.split(' ');
    change(f);
    return f.join(' ');
  };

  await t.test('untouched it verifies, also against the kept checkpoints', () => {
    assert.deepEqual(check(out('trail.txt')), { status: 0, verified: true, entries, checkpoints: lines.filter((l) => l.startsWith('menedek-checkpoint')).length, signed: entries });
    assert.equal(check(out('trail.txt'), '--checkpoints', kept).status, 0);
  });
  await t.test('no id, name, house or text of a person is in it', () => {
    for (const secret of [me.user, me.id, me.name, me.org, house, scene.reservation.id, scene.episode.id, place.json.address, 'Nyugat 1', 'okit'].filter(Boolean))
      assert.ok(!text.includes(secret), secret);
    for (const l of lines.filter((x) => x.startsWith('e '))) assert.match(l, /^e \d+ \S{20} [a-z_]+ \d+ \d+ \S+ [0-9a-f]{64} [0-9a-f]{64}$/);
  });
  await t.test('any edited field of an entry', () => {
    for (const [field, value] of [[2, '2020-01-01T00:00:00Z'], [3, 'tokens_delete'], [4, '77'], [5, '255'], [6, 'forged'], [7, 'a'.repeat(64)], [8, 'b'.repeat(64)]]) {
      const said = tamper((c) => { c[at(100)] = forge(c[at(100)], (f) => { f[field] = value; }); });
      assert.deepEqual([said.status, said.first_bad, said.finding], [7, 100, 'entry 100: altered'], `field ${field}`);
    }
  });
  await t.test('an edited entry whose leaf was made anew is caught by the next signature', () => {
    const said = tamper((c) => { c[at(100)] = forge(c[at(100)], (f) => {
      const [, , time, action, , roles, reason, hidden] = f;
      const seconds = Buffer.alloc(8); seconds.writeBigInt64BE(BigInt(Date.parse(time) / 1000));
      const text_ = (s) => Buffer.concat([Buffer.from([s.length]), Buffer.from(s)]);
      const rolesBytes = Buffer.alloc(4); rolesBytes.writeUInt32BE(Number(roles));
      f[4] = '3';
      f[8] = sha(Buffer.from([0]), seconds, Buffer.from([0, 3]), rolesBytes, text_(action), text_(reason === '-' ? '' : reason), bytes(hidden)).toString('hex');
    }); });
    assert.equal(said.status, 7);
    assert.match(said.finding, /^checkpoint \d+: entries \d+ to \d+: not what was signed$/);
    const [, first, last] = said.finding.match(/entries (\d+) to (\d+)/).map(Number);
    assert.ok(first <= 100 && last >= 100);
  });
  await t.test('a dropped entry', () => {
    const said = tamper((c) => { c.splice(at(100), 1); });
    assert.deepEqual([said.status, said.finding], [7, 'entry 100: missing']);
  });
  await t.test('a dropped entry after which all were numbered anew', () => {
    const said = tamper((c) => {
      c.splice(at(100), 1);
      return c.map((l) => l.startsWith('e ') && Number(l.split(' ')[1]) > 100 ? forge(l, (f) => { f[1] = String(Number(f[1]) - 1); })
        : l.startsWith('end ') ? `end ${entries - 1}` : l);
    });
    assert.equal(said.status, 7);
    assert.match(said.finding, /not what was signed/);
    assert.ok(said.first_bad <= 100);
  });
  await t.test('two entries in each other\'s place', () => {
    const said = tamper((c) => { const i = at(100); [c[i], c[i + 1]] = [c[i + 1], c[i]]; });
    assert.deepEqual([said.status, said.finding], [7, 'entry 100: missing']);
    const renumbered = tamper((c) => { const i = at(100);
      [c[i], c[i + 1]] = [forge(c[i + 1], (f) => { f[1] = '100'; }), forge(c[i], (f) => { f[1] = '101'; })]; });
    assert.equal(renumbered.status, 7);
    assert.match(renumbered.finding, /not what was signed/);
  });
  await t.test('an inserted entry', () => {
    const said = tamper((c) => { c.splice(at(100), 0, c[at(100)]); });
    assert.deepEqual([said.status, said.finding], [7, 'entry 100: out of order, or there twice']);
  });
  await t.test('a cut end, also one that was tidied up', () => {
    assert.equal(tamper((c) => c.slice(0, -1)).status, 7);
    assert.equal(tamper((c) => c.slice(0, -1)).finding, `entry ${entries + 1}: cut off`);
    const tidy = tamper((c) => [...c.slice(0, at(100) + 1).filter((l) => !l.startsWith('menedek-checkpoint') || Number(l.split(' ')[2]) <= 100), 'end 100']);
    assert.equal(tidy.status, 7);
    assert.match(tidy.finding, /covered by no signature/);
    writeFileSync(out('tampered.txt'), text.slice(0, -1));
    assert.equal(check(out('tampered.txt')).status, 7, 'the last byte');
  });
  await t.test('a trail that ends at an older checkpoint is found by a newer one that was kept', () => {
    const last = lines.map((l, i) => [l, i]).filter(([l]) => l.startsWith('menedek-checkpoint')).at(-3);
    const size = Number(last[0].split(' ')[2]);
    const cut = [...lines.slice(0, last[1] + 1), `end ${size}`];
    writeFileSync(out('older.txt'), `${cut.join('\n')}\n`);
    assert.equal(check(out('older.txt')).status, 0, 'whole in itself');
    const said = check(out('older.txt'), '--checkpoints', kept);
    assert.equal(said.status, 7);
    assert.match(said.finding, new RegExp(`^checkpoint \\d+: entr(y|ies) ${size + 1}.*: rolled back or cut off$`));
  });
  await t.test('a checkpoint that was altered, dropped, or signed by another key', () => {
    const first = lines.findIndex((l) => l.startsWith('menedek-checkpoint'));
    assert.equal(tamper((c) => { c.splice(first, 1); }).finding, 'checkpoint 1: checkpoint missing or out of order');
    const said = tamper((c) => { c[first] = forge(c[first], (f) => { f[6] = '2020-01-01T00:00:00Z'; }); });
    assert.equal(said.status, 7);
    assert.match(said.finding, /signature does not hold/);
    r.openssl('genpkey', '-algorithm', 'ed25519', '-out', 'foreign.key');
    r.openssl('pkey', '-in', 'foreign.key', '-pubout', '-out', 'foreign.pub');
    const run = spawnSync(program, ['audit', 'verify', '--export', out('trail.txt'), '--public-key', out('foreign.pub')], { encoding: 'utf8' });
    assert.equal(run.status, 7, run.stdout);
  });
  await t.test('random bytes changed anywhere', () => {
    const raw = Buffer.from(text);
    for (let i = 0; i < 60; i++) {
      const copy = Buffer.from(raw);
      const where = Math.floor((i + Math.random()) * (raw.length - 1) / 60);
      copy[where] ^= 1 << (i % 8);
      writeFileSync(out('tampered.txt'), copy);
      assert.equal(check(out('tampered.txt')).status, 7, `byte ${where} of ${raw.length}: ${JSON.stringify(raw.subarray(where - 20, where + 20).toString())}`);
    }
  });
  await t.test('on the registry itself a store that was rolled back is named, at the start and by verify', { skip: isCopy }, async () => {
    const store = join(r.dir, 'store');
    mkdirSync(out('old'));
    const copy = (from, to) => { for (const f of readdirSync(from).filter((n) => n.endsWith('.mdb'))) copyFileSync(join(from, f), join(to, f)); };
    copy(store, out('old'));
    await r.start({}, ['--checkpoints', kept, '--checkpoint-every', '40,1']);
    auditor = await r.as('auditor');
    await signedAfter(busy);
    await r.stop();
    assert.equal(JSON.parse(r.run('audit', 'verify', '--json', '--checkpoints', kept)).verified, true);
    for (const f of readdirSync(store).filter((n) => n.endsWith('.mdb'))) rmSync(join(store, f));
    copy(out('old'), store);
    assert.equal(JSON.parse(r.run('audit', 'verify', '--json')).verified, true, 'an older store is whole in itself');
    const run = spawnSync(program, ['audit', 'verify', '--json', '--checkpoints', kept, '--dir', r.dir], { encoding: 'utf8' });
    assert.equal(run.status, 7);
    assert.match(JSON.parse(run.stdout).finding, /rolled back or cut off/);
    await assert.rejects(r.start({}, ['--checkpoints', kept, '--checkpoint-every', '40,1']), /The store is older than what was signed/);
    assert.ok(r.logText().includes('audit_rolled_back'));
    assert.equal(acceptRollback(r, kept).status, 0);
    await r.start({}, ['--checkpoints', kept, '--checkpoint-every', '40,1']);
  });
});
