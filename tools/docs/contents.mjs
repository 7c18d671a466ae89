// SPDX-License-Identifier: Apache-2.0
// What is in the site and in which order.  `at`: the source below the root; {lang} stands where a page has both languages,
// and only English ones are marked so for Hungarian readers.
export const LANGS = ['hu', 'en'];

export const sections = [
  {
    title: { hu: 'Kezdés', en: 'Begin' },
    pages: [
      { at: 'docs/guide/index.{lang}.md', file: { hu: 'index.html', en: 'index.en.html' } },
      { at: 'docs/guide/start.{lang}.md' },
      { at: 'docs/guide/downtime-card.{lang}.md' },
    ],
  },
  {
    title: { hu: 'Szerepkörök', en: 'Roles' },
    pages: [
      { at: 'docs/guide/shelter-staff.{lang}.md' },
      { at: 'docs/guide/shelter-manager.{lang}.md' },
      { at: 'docs/guide/counsellor.{lang}.md' },
      { at: 'docs/guide/shift-lead.{lang}.md' },
      { at: 'docs/guide/family-support.{lang}.md' },
      { at: 'docs/guide/admin.{lang}.md' },
      { at: 'docs/guide/auditor.{lang}.md' },
      { at: 'docs/guide/statistician.{lang}.md' },
    ],
  },
  {
    title: { hu: 'Adatvédelem és biztonság', en: 'Privacy and security' },
    pages: [
      { at: 'docs/privacy/privacy.{lang}.md' },
      { at: 'docs/privacy/records.{lang}.md' },
      { at: 'docs/privacy/dpia.{lang}.md' },
      { at: 'docs/threats.md' },
    ],
  },
  {
    title: { hu: 'Üzemeltetés', en: 'Operating' },
    pages: [
      { at: 'docs/manual.{lang}.md' },
      { at: 'docs/operations.md' },
      { at: 'docs/downtime.md' },
      { at: 'docs/data.md' },
      { at: 'docs/webhooks.md' },
      { at: 'docs/hsm.md' },
      { at: 'docs/outside-issuer.md' },
      { at: 'docs/cluster/README.md', file: { en: 'cluster.html' } },
      { at: 'docs/scale.md' },
    ],
  },
  {
    title: { hu: 'Fejlesztőknek', en: 'For developers' },
    pages: [
      { at: 'README.md', file: { en: 'readme.html' } },
      { at: 'docs/api.md' },
      { at: 'docs/problems.md' },
      { at: 'docs/architecture.md' },
      { at: 'docs/design.md' },
      { at: 'docs/nodes.md' },
      { at: 'docs/reliability.md' },
      { at: 'docs/proof.md' },
      { at: 'docs/performance.md' },
    ],
  },
];

const leaf = (path) => path.split('/').at(-1).replace(/\.md$/, '.html');

/** Every page: where it comes from, its file in the site, its language, and the file of the same page in the other one. */
export const pages = sections.flatMap((section) =>
  section.pages.flatMap((row) => {
    const langs = row.at.includes('{lang}') ? LANGS : ['en'];
    const file = (lang) => row.file?.[lang] ?? leaf(row.at.replace('{lang}', lang));
    return langs.map((lang) => ({ section, row, lang, source: row.at.replace('{lang}', lang), file: file(lang),
      other: langs.length > 1 ? file(lang === 'hu' ? 'en' : 'hu') : undefined }));
  }));
