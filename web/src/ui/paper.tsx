// SPDX-License-Identifier: Apache-2.0
// What is printed for the hours without the system: what stands now, and empty lines for what happens then.  Only on paper.
import { useEffect, useState } from 'preact/hooks';
import { live } from '../core/live';
import { session } from '../core/session';
import { now, stamp, tick } from '../core/time';
import { t } from '../i18n';
import { Button } from './parts';

const LINES = 12; // to fill in by hand

export interface PaperTable {
  title: string;
  head: string[];
  rows: (string | undefined)[][];
}

interface Paper {
  name: string;
  how: string;
  at: number; // ms: when it was read
  isOld: boolean; // reading it again failed
  tables: PaperTable[];
  blank: string[]; // heads of the empty lines
}

function Table(p: { of: PaperTable }) {
  return (
    <table>
      <caption>{p.of.title}</caption>
      <thead><tr>{p.of.head.map((h) => <th key={h} scope="col">{h}</th>)}</tr></thead>
      <tbody>{p.of.rows.map((row, i) => <tr key={i}>{row.map((cell, j) => <td key={j}>{cell}</td>)}</tr>)}</tbody>
    </table>
  );
}

function Sheet(p: Paper) {
  tick.use();
  const asOf = p.isOld ? p.at : Math.max(p.at, live.use().since); // while the stream lives nothing has changed since
  return (
    <section class="paper">
      <h1>{t('paper.open')} · {p.name}</h1>
      {session.get().me?.demo && <p><strong>{t('demo')}</strong></p>}
      <p><strong>{t('capacity.at', { at: stamp(asOf) })}</strong> · {t('sheet.printed')}: {stamp(now())}</p>
      <p>{p.how}</p>
      {p.tables.map((of) => <Table key={of.title} of={of} />)}
      <Table of={{ title: t('paper.by_hand'), head: p.blank, rows: Array(LINES).fill(p.blank.map(() => '')) }} />
    </section>
  );
}

/** Stands right in <main>: on paper it takes the place of all that is there. */
export function PrintPaper(p: Paper) {
  const [prints, setPrints] = useState(0);
  useEffect(() => {
    if (prints > 0) print();
  }, [prints]);
  return (
    <>
      <div class="row"><Button onClick={() => setPrints(prints + 1)}>{t('paper.open')}</Button></div>
      {prints > 0 && <Sheet {...p} />}
    </>
  );
}
