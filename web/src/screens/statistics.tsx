// SPDX-License-Identifier: Apache-2.0
// Tables of whole quarters and years with a picture of each; what is withheld is seen and explained, never guessed at.
import { useState } from 'preact/hooks';
import { api, ask, bearer, limit, Problem, type Schemas } from '../api/client';
import { options, type List } from '../core/codes';
import { useResource } from '../core/resource';
import { dayText, today } from '../core/time';
import { t } from '../i18n';
import { Button, Field, Panel, Wrong } from '../ui/parts';
import { save } from '../ui/save';

type Table = Schemas['statistics'];

const tables = {
  placements: { rows: 'shelter_type', columns: 'zone' },
  outcomes: { rows: 'outcome', columns: 'channel' },
  declines: { rows: 'decline_reason', columns: 'shelter_type' },
} as const satisfies Record<string, { rows: List; columns: List }>;
type Name = keyof typeof tables;

/** Quarters and years that are over, newest first. */
function periods(): string[] {
  const list: string[] = [];
  for (let year = parseInt(today(), 10), quarter = Math.floor((Number(today().slice(5, 7)) - 1) / 3); list.length < 12; ) {
    if (quarter === 0) {
      year--;
      quarter = 4;
      list.push(String(year));
    }
    list.push(`${year}-Q${quarter}`);
    quarter--;
  }
  return list;
}

const BAR = { left: 250, wide: 300, high: 26, mark: 14 };

const letter = (i: number): string => String.fromCharCode(65 + i);

/** What the letters stand for that are in the picture. */
const legend = (data: Table, name: Name): string =>
  options(tables[name].columns).map((c, i) => (data.rows.some((x) => x.column === c.code && x.value > 0) ? `${letter(i)}: ${c.label}` : '')).filter(Boolean).join(' · ');

/** A bar for each row with anything in it, in the shades and letters of its columns; a hatched square for each withheld cell. */
function Picture(p: { data: Table; name: Name }) {
  const columns = options(tables[p.name].columns);
  const rows = options(tables[p.name].rows)
    .map((r) => ({ ...r, cells: columns.map((c) => p.data.rows.find((x) => x.key === r.code && x.column === c.code)) }))
    .filter((r) => r.cells.some((c) => c && (c.value > 0 || c.withheld)));
  const sum = (cells: (Table['rows'][number] | undefined)[]): number => cells.reduce((n, c) => n + (c?.value ?? 0), 0);
  const most = Math.max(1, ...rows.map((r) => sum(r.cells)));
  if (rows.length === 0) return <p>{t('statistics.empty')}</p>;
  return (
    <svg class="picture" viewBox={`0 0 640 ${rows.length * BAR.high}`} role="img" aria-label={t('statistics.picture')}>
      <defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="5" stroke="currentColor" stroke-width="1.5" /></pattern></defs>
      {rows.map((r, y) => {
        let x = BAR.left;
        return (
          <g key={r.code} transform={`translate(0 ${y * BAR.high})`}>
            <text x={BAR.left - 8} y="17" text-anchor="end">{r.label}</text>
            {r.cells.map((c, i) => {
              if (!c || c.value === 0) return null;
              const wide = (c.value / most) * BAR.wide;
              x += wide;
              return (
                <g key={c.column} class={`shade-${i % 4}`}>
                  <rect x={x - wide} y="4" width={wide} height="18"><title>{`${columns[i]?.label ?? ''}: ${c.value}`}</title></rect>
                  {wide >= BAR.mark && <text x={x - wide / 2} y="17" text-anchor="middle">{letter(i)}</text>}
                </g>
              );
            })}
            {r.cells.filter((c) => c?.withheld).map((c, i) => <rect key={c?.column} x={x + 6 + i * (BAR.mark + 3)} y="6" width={BAR.mark} height={BAR.mark} fill="url(#hatch)" stroke="currentColor" />)}
          </g>
        );
      })}
    </svg>
  );
}

function Cells(p: { data: Table; name: Name }) {
  const of = tables[p.name];
  const cell = (row: string, column: string) => p.data.rows.find((c) => c.key === row && c.column === column);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t('table_of', { what: t(`statistics.${p.name}`) })}>
      <table class="numbers">
        <caption><span>{t(`statistics.${p.name}`)}, {dayText(p.data.from)} – {dayText(p.data.to)}</span></caption>
        <thead><tr><td />{options(of.columns).map((c) => <th key={c.code} scope="col">{c.label}</th>)}</tr></thead>
        <tbody>
          {options(of.rows).map((r) => (
            <tr key={r.code}>
              <th scope="row">{r.label}</th>
              {options(of.columns).map((c) => {
                const x = cell(r.code, c.code);
                return <td key={c.code}>{x?.withheld ? <abbr title={t('statistics.withheld')}>×</abbr> : (x?.value ?? '')}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The same table as a file; made here from the service's own CSV, which needs our token. */
async function download(table: Name, period: string): Promise<void> {
  const answer = await fetch(`/v1/statistics?table=${table}&period=${period}&format=csv`, { headers: bearer(), signal: limit() });
  if (!answer.ok) throw new Problem(answer.status, 'unknown', {}, 0);
  save(await answer.blob(), `${table}-${period}.csv`);
}

export function StatisticsScreen() {
  const [table, setTable] = useState<Name>('placements');
  const choices = periods();
  const [period, setPeriod] = useState(choices[0] ?? '');
  const r = useResource(async () => (await ask(api.GET('/v1/statistics', { params: { query: { table, period } as never } }))) as Table, [table, period], () => false);
  const [problem, setProblem] = useState<Problem>();
  return (
    <Panel title={t('statistics.title')}>
      <div class="columns no-print">
        <Field label={t('statistics.table')}>
          {(ids) => <select {...ids} value={table} onChange={(e) => setTable(e.currentTarget.value as Name)}>{Object.keys(tables).map((n) => <option key={n} value={n}>{t(`statistics.${n as Name}`)}</option>)}</select>}
        </Field>
        <Field label={t('statistics.period')}>
          {(ids) => <select {...ids} value={period} onChange={(e) => setPeriod(e.currentTarget.value)}>{choices.map((x) => <option key={x} value={x}>{x}</option>)}</select>}
        </Field>
      </div>
      <Wrong problem={r.problem ?? problem} retry={r.reload} />
      {r.data && r.data.table === table && (
        <>
          <Cells data={r.data} name={table} />
          <p class="quiet">× {t('statistics.withheld')}</p>
          <Picture data={r.data} name={table} />
          <p class="quiet">{legend(r.data, table)}</p>
        </>
      )}
      <div class="row no-print">
        <Button onClick={() => void download(table, period).catch((e: unknown) => setProblem(e instanceof Problem ? e : new Problem(0, 'offline', {}, 0)))}>{t('statistics.csv')}</Button>
        <Button onClick={() => print()}>{t('sheet.print')}</Button>
      </div>
    </Panel>
  );
}
