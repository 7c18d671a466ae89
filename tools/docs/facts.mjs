// SPDX-License-Identifier: Apache-2.0
// Tables that are read from the program's own tables, so that the papers cannot say anything else: how long what is kept, and
// who may do what.  A row that these words do not know stops the building of the site: somebody has to write what it means.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (root, path) => readFileSync(join(root, path), 'utf8');

const kept = {
  requests: { hu: 'hívás (háztartás adatai, név nélkül)', en: 'call for help (the household, without names)' },
  reservations: { hu: 'foglalás és tartózkodás', en: 'reservation and stay' },
  repeats: { hu: 'válasz, hogy egy megismételt kérés ne történjen meg kétszer', en: 'answer, so that a repeated request does not act twice' },
  revoked_tokens: { hu: 'kijelentkezett munkamenet azonosítója', en: 'id of a session that was signed out' },
  events: { hu: 'értesítés egy változásról (azonosító és fajta)', en: 'notice of a change (id and kind)' },
  opened_candidates: { hu: 'ki nyitott meg egy intézményt találatként', en: 'who opened a house as a candidate' },
  looks: { hu: 'ki, mikor, miért tudott meg egy címet', en: 'who was told a location, when and why' },
  break_glass: { hu: 'vészhelyzeti betekintés', en: 'break-glass' },
};
const since = {
  'since it was opened, once it has ended': { hu: 'a nyitásától, ha már lezárult', en: 'opening, once it has ended' },
  'since its end; a stay: since it was left': { hu: 'a végétől; tartózkodás: a kiköltözéstől', en: 'its end; a stay: leaving' },
  'since the first answer; sooner, a repeat would act twice': { hu: 'az első választól', en: 'the first answer' },
  "since the token's own end": { hu: 'a munkamenet lejártától', en: 'the session’s own end' },
  'since it happened': { hu: 'a történéstől', en: 'the event' },
  'since it was opened': { hu: 'a megnyitástól', en: 'opening' },
  'since the location was told': { hu: 'a cím közlésétől', en: 'telling' },
  'since it was asked for; its looks lead to it': { hu: 'a kéréstől', en: 'asking' },
};

const units = [[365 * 86400, { hu: 'év', en: 'year' }], [86400, { hu: 'nap', en: 'day' }], [3600, { hu: 'óra', en: 'hour' }], [60, { hu: 'perc', en: 'minute' }], [1, { hu: 'másodperc', en: 'second' }]];

/** 157680000 -> "5 years"; what does not come out even goes on in the next unit. */
export function span(seconds, lang) {
  const parts = [];
  for (const [size, name] of units) {
    const count = Math.floor(seconds / size);
    if (count === 0 || (size === 86400 * 365 && seconds < size)) continue;
    parts.push(`${count} ${name[lang]}${lang === 'en' && count > 1 ? 's' : ''}`);
    seconds -= count * size;
  }
  return parts.join(lang === 'hu' ? ' és ' : ' and ');
}

function value(expression, limits) {
  const numbers = expression.replace(/INT64_C\((\d+)\)/g, '$1').replace(/LIMIT_\w+/g, (name) => {
    if (limits[name] === undefined) throw new Error(`schedule.def: ${name} is not in limits.h`);
    return `(${limits[name]})`;
  });
  if (!/^[\d\s*+()]+$/.test(numbers)) throw new Error(`schedule.def: cannot read "${expression}"`);
  // sums of products; brackets stand around products only
  return numbers.replace(/[()]/g, '').split('+').reduce((sum, part) => sum + part.split('*').reduce((of, x) => of * Number(x), 1), 0);
}

function known(words, key, lang, where) {
  if (!words[key]) throw new Error(`${where}: nobody has written what "${key}" means (tools/docs/facts.mjs)`);
  return words[key][lang];
}

/** What retention removes, from src/domain/schedule.def. */
export function retention(root, lang) {
  const limits = Object.fromEntries([...read(root, 'src/base/limits.h').matchAll(/^#define (LIMIT_\w+)\s+([\d\s*()]+?)\s*(?:\/\*.*)?$/gm)].map((m) => [m[1], m[2]]));
  const rows = [...read(root, 'src/domain/schedule.def').matchAll(/^R\((\w+), "(\w+)", (.+?), (.+), (.+?), "(.+)"\)$/gm)];
  if (rows.length === 0) throw new Error('schedule.def: no row');
  const head = lang === 'hu' ? '| mi | meddig | mitől számítva | mire állítható |' : '| what | kept for | since | may be set to |';
  const range = (a, b) => (a === b ? span(a, lang) : `${span(a, lang)} – ${span(b, lang)}`);
  return [head, '|---|---|---|---|', ...rows.map(([, , name, least, keep, most, from]) => {
    const [a, k, b] = [least, keep, most].map((x) => value(x, limits));
    return `| ${known(kept, name, lang, 'schedule.def')} (\`${name}\`) | ${span(k, lang)} | ${known(since, from, lang, 'schedule.def')} | ${range(a, b)} |`;
  })].join('\n');
}

const rights = {
  SEARCH: { hu: 'helyet keres egy nyitott híváshoz', en: 'search for an open call' },
  BOOK: { hu: 'foglal, elküld, visszavon', en: 'hold, send, cancel' },
  DISCLOSE: { hu: 'címet tud meg az általa intézett, elfogadott foglaláshoz', en: 'be told the location for a confirmed reservation of one’s own' },
  TAKE_OVER: { hu: 'más foglalását átveszi', en: 'take over another’s reservation' },
  BREAK_GLASS: { hu: 'vészhelyzeti betekintést kér', en: 'ask for break-glass' },
  BREAK_GLASS_SECOND: { hu: 'vészhelyzeti betekintést jóváhagy', en: 'approve break-glass' },
  ANSWER: { hu: 'kérésre válaszol, érkezést és kiköltözést rögzít', en: 'answer requests, mark arrivals and leaving' },
  AVAILABILITY_WRITE: { hu: 'a saját intézmény helyeit közli', en: 'publish the own house’s places' },
  LOCATION_OWN: { hu: 'a saját intézmény címét látja és írja', en: 'read and write the own house’s location' },
  SHELTER_WRITE: { hu: 'intézményt és szobát szerkeszt', en: 'edit houses and rooms' },
  EPISODE_OPEN: { hu: 'kérést nyit', en: 'open a call for help' },
  CAPACITY: { hu: 'látja, hol van esély (van, talán, nincs)', en: 'see where there is a chance (yes, maybe, no)' },
  PEOPLE_WRITE: { hu: 'munkatársat vesz fel és von vissza', en: 'add and withdraw people' },
  DEVICES_WRITE: { hu: 'eszközt vesz fel és von vissza', en: 'add and revoke devices' },
  GRANTS: { hu: 'másik munkatárs jogosultságát jóváhagyja', en: 'approve another person’s rights' },
  ORG_WRITE: { hu: 'szervezetet és intézményt vesz fel', en: 'add organisations and houses' },
  AUDIT_PROVE: { hu: 'a napló épségét ellenőrzi', en: 'check that the trail is whole' },
  ALERTS: { hu: 'szokatlanul széles betekintésről értesül', en: 'hear of unusually wide looking' },
  STATISTICS: { hu: 'statisztikát olvas', en: 'read statistics' },
};

/** Every permission's roles, by the console's names: from src/domain/policy.def and codes.h. */
function holders(root, lang) {
  const names = Object.fromEntries([...read(root, 'src/domain/codes.h').matchAll(/X\(ROLE_(\w+), "\w+", "([^"]+)", "([^"]+)"\)/g)].map((m) => [m[1], lang === 'hu' ? m[2] : m[3]]));
  const rows = [...read(root, 'src/domain/policy.def').matchAll(/^P\((\w+), (.*)\)$/gm)];
  return Object.fromEntries(rows.map((m) => [m[1], [...m[2].matchAll(/R\((\w+)\)/g)].map((r) => names[r[1]]).join(', ')]));
}

/** Who may do what that matters. */
export function policy(root, lang) {
  const who = holders(root, lang);
  return [lang === 'hu' ? '| mit | ki |' : '| what | who |', '|---|---|', ...Object.keys(rights).map((right) => {
    if (!who[right]) throw new Error(`policy.def has no ${right} (tools/docs/facts.mjs)`);
    return `| ${rights[right][lang]} | ${who[right]} |`;
  })].join('\n');
}

const anybody = { DEVICE: 'a device, before anybody signs in', SELF: 'every person' };

/** Every operation of openapi.yaml in its order, with who may use it. */
export function operations(root, lang) {
  const who = { ...holders(root, lang), ...anybody };
  const rows = [];
  let path;
  for (const line of read(root, 'openapi.yaml').split(/^components:/m)[0].split('\n')) {
    const [, at, verb, word, said] = /^ {2}(\/\S*):$|^ {4}(get|put|post|patch|delete):$|^ {6}(summary|x-permission): (.*)$/.exec(line) ?? [];
    if (at) path = at;
    else if (verb) rows.push({ call: `${verb.toUpperCase()} ${path}` });
    else if (word) rows.at(-1)[word] = said.replace(/^["'](.*)["']$/, '$1');
  }
  return ['| call | what it does | who |', '|---|---|---|', ...rows.map((r) => {
    if (!r.summary || !who[r['x-permission']]) throw new Error(`openapi.yaml: cannot read ${r.call}`);
    return `| \`${r.call}\` | ${r.summary.replace(/\|/g, '\\|')} | ${who[r['x-permission']]} |`;
  })].join('\n');
}
