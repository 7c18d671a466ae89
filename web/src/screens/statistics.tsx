// SPDX-License-Identifier: Apache-2.0
// Tables of whole quarters and years with a picture of each; what is withheld is seen and explained, never guessed at.
import { useState } from 'preact/hooks';
import { api, ask, bearer, Problem, type Schemas } from '../api/client';
import { options, type List } from '../core/codes';
import { useResource } from '../core/resource';
import { dayText, now } from '../core/time';
import { t } from '../i18n';
import { Button, Field, Panel, Wrong } from '../ui/parts';

type Table = Schemas['statistics'];

const tables = {
  placements: { rows: 'shelter_type', columns: 'zone' },
  outcomes: { rows: 'outcome', columns: 'channel' },
  declines: { rows: 'decline_reason', columns: 'shelter_type' },
} as const satisfies Record<string, { rows: List; columns: List }>;
type Name = keyof typeof tables;

/** Quarters and years that are over, newest first. */
function periods(): string[] {
  const today = new Date(now());
  const list: string[] = [];
  for (let year = today.getUTCFullYear(), quarter = Math.floor(today.getUTCMonth() / 3); list.length < 12; ) {
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

const STEPS = 4; // shades of the picture
const CELL = 44;

/** How the cells compare, as squares; a withheld one is hatched. */
function Picture(p: { data: Table; name: Name }) {
  const rows = options(tables[p.name].rows).map((r) => r.code);
  const columns = options(tables[p.name].columns).map((c) => c.code);
  const most = Math.max(1, ...p.data.rows.map((c) => c.value));
  return (
    <svg class="picture" viewBox={`0 0 ${columns.length * CELL} ${rows.length * CELL}`} role="img" aria-label={t('statistics.picture')}>
      <defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" stroke="currentColor" stroke-width="1.5" /></pattern></defs>
      {p.data.rows.map((c) => {
        const x = columns.indexOf(c.column) * CELL;
        const y = rows.indexOf(c.key) * CELL;
        const shade = Math.ceil((c.value / most) * STEPS);
        return <rect key={`${c.key} ${c.column}`} x={x + 1} y={y + 1} width={CELL - 2} height={CELL - 2} class={`shade-${c.withheld ? 0 : shade}`} fill={c.withheld ? 'url(#hatch)' : undefined} />;
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
        <caption>{t(`statistics.${p.name}`)}, {dayText(p.data.from)} – {dayText(p.data.to)}</caption>
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
  const answer = await fetch(`/v1/statistics?table=${table}&period=${period}&format=csv`, { headers: bearer() });
  if (!answer.ok) throw new Problem(answer.status, 'unknown', {}, 0);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `${table}-${period}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
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
        </>
      )}
      <div class="row no-print">
        <Button onClick={() => void download(table, period).catch((e: unknown) => setProblem(e instanceof Problem ? e : new Problem(0, 'offline', {}, 0)))}>{t('statistics.csv')}</Button>
        <Button onClick={() => print()}>{t('sheet.print')}</Button>
      </div>
    </Panel>
  );
}
