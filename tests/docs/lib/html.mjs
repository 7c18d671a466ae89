// SPDX-License-Identifier: Apache-2.0
// A strict reader of the handbook's HTML: less than HTML allows, so that what it lets through is valid, loads nothing from
// elsewhere, runs nothing and can be read aloud.  It shares no code with what writes the pages.
const VOID = new Set(['meta', 'link', 'img', 'br', 'hr']);
const ATTRIBUTES = {
  html: ['lang'], meta: ['charset', 'name', 'content'], link: ['rel', 'href'], a: ['href', 'lang', 'hreflang', 'class', 'id', 'aria-current'],
  main: ['id'], nav: ['id', 'class', 'aria-label'], p: ['class'], div: ['class', 'tabindex', 'role', 'aria-label'], pre: ['tabindex'], code: ['class'],
  img: ['src', 'alt', 'width', 'height'], th: ['scope'], li: ['lang'], ol: ['start'], h1: ['id'], h2: ['id'], h3: ['id'], h4: ['id'],
  svg: ['viewBox', 'width', 'height', 'role', 'aria-labelledby'], title: ['id'], desc: ['id'], rect: ['x', 'y', 'width', 'height', 'rx'],
  path: ['d'], text: ['x', 'y', 'class'],
};
const PLAIN = ['head', 'body', 'header', 'footer', 'ul', 'em', 'strong', 'del', 'table', 'thead', 'tbody', 'tr', 'td', 'blockquote', 'figure', 'figcaption', 'br', 'hr'];
const BLOCK = new Set(['p', 'div', 'ul', 'ol', 'li', 'table', 'pre', 'blockquote', 'figure', 'nav', 'h1', 'h2', 'h3', 'h4']);
const ONLY_IN = { li: ['ul', 'ol'], tr: ['thead', 'tbody'], th: ['tr'], td: ['tr'], thead: ['table'], tbody: ['table'], figcaption: ['figure'], rect: ['svg'], path: ['svg'], text: ['svg'], desc: ['svg'], main: ['body'] };
const ONLY_HOLDS = { ul: ['li'], ol: ['li'], table: ['thead', 'tbody'], thead: ['tr'], tbody: ['tr'], tr: ['th', 'td'] };

/** A named value, in quotes, once, known for its element. */
function attributesOf(name, source, wrong) {
  const found = {};
  const rest = source.replace(/\s+([a-zA-Z-]+)="([^"<]*)"/g, (_, key, value) => {
    if (found[key] !== undefined) wrong(`<${name}> has ${key} twice`);
    if (!(ATTRIBUTES[name] ?? []).includes(key)) wrong(`<${name}> may not have ${key}`);
    found[key] = value;
    return '';
  });
  if (rest.trim() !== '') wrong(`<${name}>: cannot read "${rest.trim()}"`);
  return found;
}

function place(name, stack, wrong) {
  const parent = stack.at(-1);
  if (!ATTRIBUTES[name] && !PLAIN.includes(name)) wrong(`<${name}> is not among the elements of the handbook`);
  if (ONLY_IN[name] && !ONLY_IN[name].includes(parent)) wrong(`<${name}> in <${parent}>`);
  if (ONLY_HOLDS[parent] && !ONLY_HOLDS[parent].includes(name)) wrong(`<${name}> in <${parent}>`);
  if (BLOCK.has(name) && stack.some((s) => s === 'p' || /^h\d$/.test(s))) wrong(`<${name}> in a paragraph or heading`);
  if (name === 'a' && stack.includes('a')) wrong('a link in a link');
}

/** All that was found, and in `wrongs` what must not be there. */
export function read(html) {
  const page = { elements: [], wrongs: [], text: '' };
  const wrong = (what) => page.wrongs.push(what);
  const stack = [];
  if (!html.startsWith('<!DOCTYPE html>\n')) wrong('no doctype');
  const body = html.replace(/^<!DOCTYPE html>\n/, '');
  let at = 0;
  for (const tag of body.matchAll(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z-]+="[^"]*")*)\s*>/g)) {
    const between = body.slice(at, tag.index);
    if (/[<>]/.test(between) || /&(?!(amp|lt|gt|quot|#\d+);)/.test(between)) wrong(`a bare mark in "${between.slice(0, 60)}"`);
    if (between.trim() && ONLY_HOLDS[stack.at(-1)]) wrong(`text in <${stack.at(-1)}>`);
    page.text += between;
    at = tag.index + tag[0].length;
    const [, end, name, attributes] = tag;
    if (end) {
      if (stack.pop() !== name) wrong(`</${name}> closes something else`);
      continue;
    }
    place(name, stack, wrong);
    page.elements.push({ name, in: stack.at(-1), attributes: attributesOf(name, attributes, wrong), at: tag.index });
    if (!VOID.has(name)) stack.push(name);
  }
  if (stack.length > 0 || body.slice(at).trim() !== '') wrong(`left open: ${stack.join(' ')}`);
  return page;
}

/** Of one kind, in the order of the page. */
export const all = (page, ...names) => page.elements.filter((e) => names.includes(e.name));
