// SPDX-License-Identifier: Apache-2.0
// What stands around every page: name, language, contents; links that work from a disk as from a server.
import { LANGS, sections } from './contents.mjs';
import { escape, plain } from './text.mjs';

const words = {
  hu: { name: 'Menedék kézikönyv', skip: 'Ugrás a tartalomra', contents: 'Tartalom', english: ' (angolul)', other: 'English', onPage: 'Ezen az oldalon', version: 'Kiadás' },
  en: { name: 'Menedék handbook', skip: 'Skip to the text', contents: 'Contents', english: '', other: 'Magyar', onPage: 'On this page', version: 'Release' },
};
const HOME = { hu: 'index.html', en: 'index.en.html' };
const LONG = 5; // sections from which a page has a list of them

function entry(page, shown, w) {
  const foreign = shown.lang === page.lang ? '' : ` lang="${shown.lang}" hreflang="${shown.lang}"`;
  const here = shown.file === page.file ? ' aria-current="page"' : '';
  return `<li><a href="${shown.file}"${foreign}${here}>${escape(shown.title)}</a>${foreign ? w.english : ''}</li>`;
}

function contents(page, made, w) {
  const parts = sections.map((section) => {
    const rows = section.pages.map((row) => made.find((p) => p.row === row && p.lang === page.lang) ?? made.find((p) => p.row === row));
    return `<h2>${section.title[page.lang]}</h2>\n<ul>\n${rows.map((p) => entry(page, p, w)).join('\n')}\n</ul>`;
  });
  return `<nav id="contents" aria-label="${w.contents}">\n${parts.join('\n')}\n</nav>`;
}

function onPage(page, w) {
  const heads = [...page.body.matchAll(/<h2 id="([^"]*)">(.*?)<\/h2>/gs)];
  if (heads.length < LONG) return page.body;
  const list = `<nav class="on-page" aria-label="${w.onPage}">\n<ul>\n${heads.map(([, id, inner]) => `<li><a href="#${id}">${escape(plain(inner))}</a></li>`).join('\n')}\n</ul>\n</nav>`;
  return page.body.replace('</h1>', `</h1>\n${list}`);
}

/** The whole document of ${page}; ${made} are all pages, for the contents. */
export function frame(page, made, version) {
  const w = words[page.lang];
  const to = LANGS.find((l) => l !== page.lang);
  return `<!DOCTYPE html>
<html lang="${page.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escape(page.title)} – ${w.name}</title>
<link rel="stylesheet" href="site.css">
</head>
<body>
<a class="skip" href="#text">${w.skip}</a>
<header>
<p class="brand"><a href="${HOME[page.lang]}">${w.name}</a></p>
<p><a class="to-contents" href="#contents">${w.contents}</a> <a href="${page.other ?? HOME[to]}" lang="${to}" hreflang="${to}">${w.other}</a></p>
</header>
<main id="text">
${onPage(page, w).trim()}
</main>
${contents(page, made, w)}
<footer><p>${w.version} ${escape(version)} · Apache-2.0</p></footer>
</body>
</html>
`;
}
