// SPDX-License-Identifier: Apache-2.0
// What `menedek export` writes: valid by the schemas that others published, true, withheld as statistics are, and the same
// bytes whether or not there are secret houses.  No service runs; the figures are counted here, from the CSV that was imported.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { readCsv } from './lib/csv.mjs';

const root = resolve(import.meta.dirname, '../..');
const program = resolve(root, process.env.MENEDEK ?? 'build/release/menedek');
const maker = resolve(root, 'build/release/menedek'); // makes registries, as in lib/registry.mjs
const published = (name) => JSON.parse(readFileSync(join(root, 'tests/data/published', name), 'utf8'));
const MIN_HOUSES = 3, MIN_CASES = 5, STEP = 5;
const day = () => new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Budapest' }).format(new Date());
const today = day();

// type, county: for each house its licensed capacity and units [adults, children, cots, shared, people living there]
const NETWORK = [
  ['family_home', 'HU211', Array.from({ length: 4 }, (_, i) => [20 + i, Array(6).fill([2, 2, 0, false, 0])])],
  ['family_home', 'HU212', [[14, Array(5).fill([1, 2, 0, false, 0])], [17, Array(5).fill([1, 2, 0, false, 0])]]], // two houses
  ['family_home', 'HU213', Array.from({ length: 3 }, () => [12, [[4, 4, 1, true, 0], [1, 1, 0, false, 1]]])],
  ['family_home', 'HU231', Array.from({ length: 5 }, () => [30, Array(8).fill([1, 3, 1, false, 1])])],
  ['family_home', 'HU331', Array.from({ length: 6 }, () => [25, Array(7).fill([1, 3, 0, false, 0])])],
  ['night_shelter', 'HU110', Array.from({ length: 3 }, () => [40, [[20, 0, 0, true, 0], [20, 0, 0, true, 15]]])],
  ['temporary_hostel', 'HU110', Array.from({ length: 3 }, () => [1, [[1, 0, 0, false, 0]]])], // three places in all
  ['elderly_home', 'HU120', Array.from({ length: 3 }, () => [19, []])], // licensed, and no room said yet
];
const SECRET = [
  ['secret_house', 'HU221', Array.from({ length: 4 }, () => [37, Array(9).fill([1, 3, 0, false, 0])])],
  ['crisis_centre', 'HU211', Array.from({ length: 5 }, () => [23, Array(7).fill([1, 3, 0, false, 0])])],
  ['protected_shelter', 'HU313', Array.from({ length: 3 }, () => [29, Array(6).fill([2, 2, 0, false, 0])])],
  ['halfway_house', 'HU313', Array.from({ length: 3 }, () => [29, Array(6).fill([2, 2, 0, false, 0])])],
];

const work = mkdtempSync(join(tmpdir(), 'menedek-export-'));
const run = (bin, words) => execFileSync(bin, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60000 });
const menedek = (...words) => run(program, words);

function registry(name, groups) {
  const dir = join(work, name), file = (n) => join(work, `${name}-${n}.csv`);
  let shelters = 'code_name,organisation,type,county,licensed_capacity,open,boy_max_age\n';
  let units = 'shelter,name,adult_beds,child_beds,cots,shared,adults,confirmed_hours_ago\n';
  let count = 0;
  for (const [type, county, houses] of groups) {
    for (const [licensed, rooms] of houses) {
      const code = `Jelige${++count}`;
      shelters += `${code},Kenyeres Alapítvány,${type},${county},${licensed},yes,17\n`;
      rooms.forEach(([a, c, b, shared, people], i) => { units += `${code},szoba${i},${a},${c},${b},${shared ? 'yes' : ''},${people},0\n`; });
    }
  }
  writeFileSync(file('orgs'), 'name,kind\nKenyeres Alapítvány,shelter_operator\n');
  writeFileSync(file('shelters'), shelters);
  writeFileSync(file('units'), units);
  run(maker, ['init', '--quiet', '--dir', dir, '--host', 'localhost', '--org', 'Operator']);
  run(maker, ['import', '--quiet', '--dir', dir, `organisations=${file('orgs')}`, `shelters=${file('shelters')}`, `units=${file('units')}`]);
  return dir;
}

/** Straight from the network: { type|county: { houses, families, places, freeFamilies, freePlaces } }. */
function truth() {
  const cells = {};
  for (const [type, county, houses] of NETWORK) {
    const cell = (cells[`${type}|${county}`] ??= { houses: 0, families: 0, places: 0, freeFamilies: 0, freePlaces: 0 });
    for (const [licensed, rooms] of houses) {
      const room = licensed - rooms.reduce((n, r) => n + r[4], 0);
      let beds = 0, families = 0;
      for (const [a, c, b, shared, people] of rooms) {
        cell.families += shared ? a : 1;
        if (!shared && people > 0) continue;
        beds += a + c + b - people;
        families += shared ? a - people : 1;
      }
      cell.houses++;
      cell.places += licensed;
      cell.freePlaces += Math.min(beds, room);
      cell.freeFamilies += Math.min(families, room);
    }
  }
  return cells;
}

const FORMATS = ['hsds', 'hmis', 'fhir'];
/** What ${write} gives for every format, all on one day: what is told is told of a day. */
function onOneDay(write) {
  for (;;) {
    const from = day();
    const all = Object.fromEntries(FORMATS.map((format) => [format, write(format)]));
    if (day() === from) return all;
  }
}

let whole;
const texts = {};
before(() => {
  whole = registry('all', [...NETWORK, ...SECRET]);
  const twice = onOneDay((format) => {
    menedek('export', format, '--dir', whole, '--out', join(work, format));
    return [menedek('export', format, '--dir', whole), readFileSync(join(work, format), 'utf8')];
  });
  for (const format of FORMATS) {
    assert.equal(twice[format][1], twice[format][0], 'a file and a second run: the same bytes');
    [texts[format]] = twice[format];
  }
});
after(() => rmSync(work, { recursive: true, force: true }));

const services = () => JSON.parse(texts.hsds).contents;
/** { type|county: service } of the HSDS page. */
const told = () => Object.fromEntries(services().map((s) => {
  const [label, place] = s.alternate_name.split(', ');
  const type = { "Families' temporary home": 'family_home', 'Night shelter': 'night_shelter' }[label];
  assert.ok(type, `${label} in ${place} must not be told`);
  return [`${type}|${s.service_areas[0].uri.slice(-5)}`, s];
}));

test('HSDS: every service is valid by the published schema', () => {
  const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
  const validate = ajv.compile(published('hsds-3.1.json'));
  assert.ok(services().length >= 3);
  for (const service of services()) assert.ok(validate(service), JSON.stringify(validate.errors));
  assert.ok(!validate({ ...services()[0], address: 'x' }), 'the control: an unknown member is refused');
  assert.ok(!validate({ ...services()[0], capacities: [{ id: services()[0].id, available: 1 }] }), 'the control: a capacity without unit');
  const page = JSON.parse(texts.hsds);
  assert.deepEqual([page.total_items, page.size, page.empty], [page.contents.length, page.contents.length, false]);
  const ids = services().flatMap((s) => [s.id, s.service_areas[0].id, ...s.capacities.map((c) => c.id)]);
  assert.equal(new Set(ids).size, ids.length, 'ids are unique');
});

test('HSDS: what is told is true; family places and places are never mixed; what is free is told in steps', () => {
  const real = truth();
  for (const [cell, service] of Object.entries(told())) {
    const [families, places] = service.capacities;
    assert.deepEqual([families.unit.name, places.unit.name], ['family place', 'place (person)']);
    assert.deepEqual([families.maximum, places.maximum], [real[cell].families, real[cell].places], cell);
    const step = (n) => n - (n % STEP);
    assert.deepEqual([families.available, places.available], [step(real[cell].freeFamilies), step(real[cell].freePlaces)], cell);
    assert.ok([today, day()].includes(families.updated.slice(0, 10)) && families.updated.endsWith('T00:00:00Z'), 'the day, not the minute');
  }
  assert.ok(Object.values(told()).some((s) => s.capacities[0].available > 0), 'something is free');
});

test('small cells are withheld, and none follows from the others with the whole', () => {
  const real = truth(), shown = told();
  for (const cell of Object.keys(shown)) assert.ok(real[cell].houses >= MIN_HOUSES && real[cell].families >= MIN_CASES, cell);
  for (const type of ['family_home', 'temporary_hostel', 'elderly_home']) {
    const hidden = Object.keys(real).filter((c) => c.startsWith(type) && !(c in shown));
    assert.ok(hidden.length > 0, `${type}: something small is withheld`);
    if (type === 'family_home') assert.ok(hidden.length >= 2, `${hidden}: the only one withheld is the whole less the others`);
  }
  assert.ok('family_home|HU331' in shown && 'night_shelter|HU110' in shown, 'what is large is told');
});

test('secret houses change not one byte, and no house, operator or room is named', () => {
  const dir = registry('public', NETWORK);
  const both = onOneDay((format) => [dir, whole].map((d) => menedek('export', format, '--dir', d)));
  for (const format of FORMATS) {
    assert.equal(both[format][0], both[format][1], format);
    assert.doesNotMatch(texts[format], /Jelige|szoba|Kenyeres|secret|crisis|protected|halfway|Titkos|Krízis|Védett|Félutas/i);
  }
});

test('HMIS: Inventory.csv as a strict reader of HUD\'s format reads it', () => {
  const columns = ['InventoryID', 'ProjectID', 'CoCCode', 'HouseholdType', 'Availability', 'UnitInventory', 'BedInventory',
    'CHVetBedInventory', 'YouthVetBedInventory', 'VetBedInventory', 'CHYouthBedInventory', 'YouthBedInventory', 'CHBedInventory',
    'OtherBedInventory', 'ESBedType', 'InventoryStartDate', 'InventoryEndDate', 'DateCreated', 'DateUpdated', 'UserID',
    'DateDeleted', 'ExportID'];
  const date = /^\d{4}-\d\d-\d\d$/, time = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, number = /^(0|[1-9]\d*)$/, id = /^[\w-]{1,32}$/;
  const rule = { InventoryID: id, ProjectID: id, CoCCode: /^[A-Z]{2}-\d{3}$/, HouseholdType: /^[134]$/, Availability: /^[123]$/,
    ESBedType: /^[123]$/, InventoryStartDate: date, InventoryEndDate: /^$/, DateCreated: time, DateUpdated: time, UserID: id,
    DateDeleted: /^$/, ExportID: id };
  const { header, rows } = readCsv(texts.hmis);
  assert.deepEqual(header, columns);
  const shown = told();
  assert.equal(rows.length, Object.keys(shown).length);
  for (const row of rows) {
    for (const c of columns) assert.match(row[c], rule[c] ?? number, c);
    const dedicated = columns.slice(7, 14).reduce((n, c) => n + Number(row[c]), 0);
    assert.equal(Number(row.BedInventory), dedicated, 'beds are the sum of the seven columns');
    const county = row.CoCCode.replace('-', ''), cell = `${row.ProjectID.slice(6)}|${county}`;
    assert.deepEqual([Number(row.UnitInventory), Number(row.BedInventory)], shown[cell].capacities.map((c) => c.maximum), cell);
  }
  assert.equal(new Set(rows.map((r) => r.InventoryID)).size, rows.length);
});

test('FHIR: a Bundle valid by the R4 schema, whose references lead somewhere and whose answers are codes', () => {
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  ajv.addMetaSchema(JSON.parse(readFileSync(join(root, 'tests/node_modules/ajv/dist/refs/json-schema-draft-06.json'), 'utf8')));
  const validate = ajv.compile(published('fhir-r4.json'));
  const bundle = JSON.parse(texts.fhir);
  assert.ok(validate(bundle), JSON.stringify(validate.errors?.slice(0, 5)));
  assert.ok(!validate({ ...bundle, entry: [{ resource: { resourceType: 'Location', mode: 'everywhere' } }] }), 'the control: a mode that is none');
  assert.ok(!validate({ ...bundle, entry: [{ resource: { resourceType: 'Location', adress: {} } }] }), 'the control: an unknown member');
  const urls = new Set(bundle.entry.map((e) => e.fullUrl));
  assert.equal(urls.size, bundle.entry.length);
  const found = bundle.entry.map((e) => e.resource).filter((r) => r.resourceType === 'HealthcareService');
  assert.equal(found.length, Object.keys(told()).length);
  for (const service of found) {
    assert.ok(urls.has(service.coverageArea[0].reference));
    assert.match(service.characteristic[0].coding[0].code, /^(yes|maybe|no)$/);
  }
  const places = bundle.entry.map((e) => e.resource).filter((r) => r.resourceType === 'Location');
  for (const place of places) assert.equal(place.physicalType.coding[0].code, 'jdn', 'a county, never a house');
  const answer = (type, county) => found.find((s) => s.type[0].coding[0].code === type &&
    s.coverageArea[0].reference === bundle.entry.find((e) => e.resource.identifier?.[0].value === county).fullUrl).characteristic[0].coding[0].code;
  assert.equal(answer('family_home', 'HU331'), 'yes');
});

test('a wrong format is a usage error that names the right ones', () => {
  const said = (...words) => spawnSync(program, ['export', ...words, '--dir', join(work, 'all')], { encoding: 'utf8', timeout: 60000 });
  assert.equal(said().status, 2);
  assert.match(said('hsd').stderr, /did you mean hsds/);
  assert.match(said('pdf').stderr, /hmis/);
});
