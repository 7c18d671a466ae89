// SPDX-License-Identifier: Apache-2.0
// Break what decides about access, one small change at a time, and see whether the unit tests of that file notice.
//   node tools/mutate.mjs [FILE...]     MUTANTS=25 of each file (0: all), SEED=1 chooses which
// A mutant is built as one object and linked before the archives, so that it takes the place of the real one.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

process.chdir(resolve(import.meta.dirname, '..'));
const most = Number(process.env.MUTANTS ?? 25);
const seed = Number(process.env.SEED ?? 1);

// each file and the tests that must notice
const covered = {
  'src/domain/policy.c': ['domain/test_policy'],
  'src/domain/reservation.c': ['domain/test_reservation'],
  'src/domain/break_glass.c': ['domain/test_break_glass'],
  'src/domain/household.c': ['domain/test_household'],
  'src/domain/fit.c': ['domain/test_fit', 'domain/test_reach'],
  'src/domain/units.c': ['domain/test_units', 'domain/test_fit'],
  'src/domain/house.c': ['domain/test_house', 'domain/test_house_random'],
  'src/domain/allocations.c': ['domain/test_house', 'domain/test_house_random'],
  'src/domain/terms.c': ['domain/test_terms'],
  'src/domain/shares.c': ['domain/test_shares'],
  'src/domain/suppress.c': ['domain/test_suppress', 'domain/test_suppress_year'],
  'src/service/access.c': ['service/test_access'],
  'src/service/disclosures.c': ['service/test_disclosures'],
  'src/service/glass.c': ['service/test_disclosures'],
  'src/auth/auth.c': ['auth/test_auth', 'auth/test_auth_famine'],
  'src/auth/claims.c': ['auth/test_claims', 'auth/test_auth', 'auth/test_auth_famine'],
  'src/auth/issuer.c': ['auth/test_issuer'],
  'src/auth/jwt.c': ['auth/test_auth', 'auth/test_auth_famine'],
  'src/auth/principal.c': ['auth/test_principal'],
  'src/auth/verified.c': ['auth/test_claims'],
  'api/gate.c': ['api/test_gate'],
  'src/store/seal.c': ['store/test_seal', 'store/test_txn'],
  'src/store/key.c': ['store/test_key'],
  'src/store/txn.c': ['store/test_txn', 'store/test_engines'],
  'src/store/committer.c': ['store/test_txn', 'store/test_engines', 'store/test_lmdb'],
  'src/ledger/ledger.c': ['ledger/test_ledger', 'ledger/test_ledger_later'],
  'src/ledger/merkle.c': ['ledger/test_merkle'],
  'src/ledger/checkpoint.c': ['ledger/test_checkpoint'],
  'src/ledger/tags.c': ['ledger/test_tags'],
  'src/ledger/inspect.c': ['ledger/test_inspect'],
};

/** The source with comments, texts and directives blanked out, so that only code is found in it. */
const codeOf = (source) => source.replace(
  /\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|^[ \t]*#(?:[^\n\\]|\\.|\\\n)*/gm,
  (found) => found.replace(/[^\n]/g, ' '));

const swaps = [[/ == /g, ' != '], [/ != /g, ' == '], [/ < /g, ' <= '], [/ > /g, ' >= '], [/ <= /g, ' < '], [/ >= /g, ' > '],
  [/ && /g, ' || '], [/ \|\| /g, ' && '], [/ \+ /g, ' - '], [/ - /g, ' + '], [/ & /g, ' | '], [/\+\+/g, '--'],
  [/\btrue\b/g, 'false'], [/\bfalse\b/g, 'true'], [/\bif \((?=[^;]*\)\n)/g, 'if (!'], [/\breturn (?=[a-z_]+\(|!)/g, 'return !'],
  // a statement left out: a call whose answer nobody reads, or an assignment
  [/(?<=\n\t+)(?:\(void\))?[a-z_]+\([^;{}]*\);/g, ';'], [/(?<=\n\t+)[a-z_>.[\]-]+ (?:[-+|&]?=) [^;{}]*;/g, ';']];

function mutantsOf(source) {
  const code = codeOf(source);
  const from = code.search(/\n\{/); // tables and declarations before the first function stay
  return swaps.flatMap(([pattern, by]) => [...code.matchAll(pattern)].filter((m) => m.index > from).map((m) => {
    let end = m.index + m[0].length;
    let put = by;
    if (by === 'if (!') { // the whole condition
      let depth = 1;
      while (depth > 0) depth += { '(': 1, ')': -1 }[code[end++]] ?? 0;
      put = `if (!(${source.slice(m.index + 4, end)})`;
    }
    return { at: m.index, line: source.slice(0, m.index).split('\n').length, was: source.slice(m.index, end).trim(), put: put.trim(),
      text: source.slice(0, m.index) + put + source.slice(end) };
  })).sort((a, b) => a.at - b.at);
}

/** ${count} of ${list}, the same ones for the same seed. */
function some(list, count) {
  if (count === 0 || list.length <= count) return list;
  let state = seed >>> 0;
  const next = () => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state; };
  return list.map((item) => [next(), item]).sort((a, b) => a[0] - b[0]).slice(0, count).map(([, item]) => item)
    .sort((a, b) => a.at - b.at);
}

const run = (program, args, seconds) => new Promise((done) => {
  execFile(program, args, { timeout: seconds * 1000, killSignal: 'SIGKILL', maxBuffer: 1 << 26 }, (error) => done(!error));
});

const commandOf = (target) => execFileSync('make', ['--no-print-directory', '-n', '-B', target], { encoding: 'utf8', maxBuffer: 1 << 26 })
  .split('\n').map((l) => l.trim()).findLast((l) => l.startsWith('gcc') || l.startsWith('cc')).split(/\s+/);

const work = mkdtempSync(join(resolve('build'), 'mutants-'));
let killed = 0;
let all = 0;

async function tryOne(file, compile, links, mutant, number) {
  const source = join(work, `${number}`, file); // where it stood, for what it includes
  const object = `${source}.o`;
  mkdirSync(dirname(source), { recursive: true });
  writeFileSync(source, mutant.text);
  const args = compile.slice(1).map((a) => (a === file ? source : a)).filter((a) => !['-MMD', '-MP', '-Werror', '-g'].includes(a));
  args[args.indexOf('-o') + 1] = object;
  if (!await run('gcc', [...args, '-w', '-O1', '-fsanitize=bounds', '-fsanitize-undefined-trap-on-error', '-iquote', dirname(file)], 60)) return 'not C';
  for (const [test, link] of links) {
    const program = `${object}.${basename(test)}`;
    const with_it = link.slice(1).map((a) => a.replaceAll('"', '')).filter((a) => a !== '-g' && a !== '-Werror');
    with_it[with_it.indexOf('-o') + 1] = program;
    with_it.splice(with_it.findIndex((a) => a.endsWith('.a')), 0, object);
    if (!await run('gcc', [...with_it, '-w'], 60)) return 'not C';
    if (!await run(program, ['-j1'], 30)) return 'killed';
  }
  return 'survived';
}

async function mutateFile(file) {
  const tests = covered[file].map((t) => `build/release/unit/${t}`);
  execFileSync('make', ['--no-print-directory', '-j2', ...tests], { stdio: ['ignore', 'ignore', 'inherit'] });
  const compile = commandOf(`build/release/obj/${file.replace(/c$/, 'o')}`);
  const links = tests.map((t) => [t, commandOf(t)]);
  const chosen = some(mutantsOf(readFileSync(file, 'utf8')), most);
  const results = new Array(chosen.length);
  let next = 0;
  const worker = async () => {
    while (next < chosen.length) {
      const i = next++;
      results[i] = await tryOne(file, compile, links, chosen[i], i);
      rmSync(join(work, `${i}`), { recursive: true, force: true });
    }
  };
  await Promise.all([worker(), worker()]);
  const dead = results.filter((r) => r === 'killed').length;
  const real = results.filter((r) => r !== 'not C').length;
  killed += dead;
  all += real;
  console.log(`${file.padEnd(28)} noticed ${dead} / ${real}`);
  chosen.forEach((m, i) => {
    if (results[i] === 'survived') console.log(`  survived ${file}:${m.line}: ${m.was.replace(/\s+/g, ' ')}  ->  ${m.put.replace(/\s+/g, ' ')}`);
  });
}

try {
  for (const file of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(covered)) await mutateFile(file);
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`noticed ${killed} / ${all} (${(100 * killed / all).toFixed(1)} %), seed ${seed}`);
