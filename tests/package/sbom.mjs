// SPDX-License-Identifier: Apache-2.0
// Says what is wrong with a list of parts (SPDX 2.3, JSON), and nothing when it is right.
//   node sbom.mjs LIST PROGRAM LOCKFILE
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const [listPath, program, lockPath] = process.argv.slice(2);
const list = JSON.parse(readFileSync(listPath, 'utf8'));
const lock = JSON.parse(readFileSync(lockPath, 'utf8'));
const say = (...words) => console.log(...words);
const expect = (fine, ...words) => { if (!fine) say(...words); };

// SPDX 2.3, clauses 6 to 8 and 11: what must be there, and how it is written
expect(list.spdxVersion === 'SPDX-2.3' && list.dataLicense === 'CC0-1.0' && list.SPDXID === 'SPDXRef-DOCUMENT', 'not a document of SPDX 2.3');
expect(/^https:\/\/\S+[^#\s]$/.test(list.documentNamespace), 'namespace', list.documentNamespace);
expect(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(list.creationInfo.created), 'created', list.creationInfo.created);
expect(list.creationInfo.creators.every((c) => /^(Tool|Person|Organization): \S/.test(c)), 'creators');
const ids = new Set(['SPDXRef-DOCUMENT']);
for (const p of list.packages) {
  expect(/^SPDXRef-[A-Za-z0-9.-]+$/.test(p.SPDXID) && !ids.has(p.SPDXID), 'id', p.SPDXID);
  ids.add(p.SPDXID);
  expect(p.name && p.versionInfo && p.downloadLocation === 'NOASSERTION' && p.filesAnalyzed === false, 'incomplete', p.SPDXID);
  for (const ref of p.externalRefs ?? []) expect(/^pkg:(deb|npm)\/[^\s@]+@[^\s@]+$/.test(ref.referenceLocator), 'purl', ref.referenceLocator);
  for (const sum of p.checksums ?? []) expect(/^[0-9a-f]{128}$/.test(sum.checksumValue), 'checksum of', p.name);
}
for (const r of list.relationships) expect(ids.has(r.spdxElementId) && ids.has(r.relatedSpdxElement), 'relation to nothing', JSON.stringify(r));

const related = (type) => list.relationships.filter((r) => r.relationshipType === type)
  .map((r) => (r.spdxElementId === 'SPDXRef-menedek' ? r.relatedSpdxElement : r.spdxElementId));
const named = (type) => new Set(related(type).map((id) => list.packages.find((p) => p.SPDXID === id)?.name));

// every library that the loader would bring belongs to a package of the list
const linked = new Set([...named('DYNAMIC_LINK'), ...named('RUNTIME_DEPENDENCY_OF')]);
for (const [, path] of execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/=> (\/\S+)/g)) {
  const real = execFileSync('readlink', ['-f', path], { encoding: 'utf8' }).trim();
  const owners = [real, real.replace(/^\/usr/, '')].flatMap((p) => {
    try { return [execFileSync('dpkg-query', ['-S', p], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(':')[0]]; } catch { return []; }
  });
  expect(owners.some((o) => linked.has(o)), 'linked and not listed:', path);
}

// every package of the lock file with its version and checksum; what the built console needs at run time is "contained"
const wanted = Object.entries(lock.packages).filter(([place]) => place !== '').map(([place, p]) => ({ name: place.replace(/^.*node_modules\//, ''), ...p }));
for (const w of wanted) {
  const found = list.packages.find((p) => p.name === w.name && p.versionInfo === w.version);
  expect(found, 'locked and not listed:', w.name, w.version);
  if (found && w.integrity) {
    expect(Buffer.from(w.integrity.slice(7), 'base64').toString('hex') === found.checksums?.[0].checksumValue, 'checksum of', w.name);
    expect((w.license ?? 'NOASSERTION') === found.licenseDeclared, 'licence of', w.name);
  }
}
const count = new Set(wanted.map((w) => `${w.name} ${w.version}`)).size + linked.size + 1;
expect(list.packages.length === count, 'listed', list.packages.length, 'and not', count);
expect([...named('CONTAINS')].sort().join(' ') === 'openapi-fetch preact', 'contained:', ...named('CONTAINS'));
