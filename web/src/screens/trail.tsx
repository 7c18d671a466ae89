// SPDX-License-Identifier: Apache-2.0
// The audit trail, newest first, as much of it as this reader may see.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label, reasonLabel } from '../core/codes';
import { useResource } from '../core/resource';
import { clock } from '../core/time';
import type { Me } from '../core/session';
import { t, type Key } from '../i18n';
import { Button, Field, Panel, State, Wrong } from '../ui/parts';
import { TrailState } from './trail-state';

type Row = Schemas['audit-list']['data'][number];

const page = (cursor?: string) => ask(api.GET('/v1/audit', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } }));

const same = (v: string): string => v;

function Filter(p: { label: string; values: string[]; value: string; say?: (v: string) => string; onPick: (v: string) => void }) {
  const say = p.say ?? same;
  return (
    <Field label={p.label}>
      {(ids) => (
        <select {...ids} value={p.value} onChange={(e) => p.onPick(e.currentTarget.value)}>
          <option value="">{t('trail.all')}</option>
          {p.values.map((v) => <option key={v} value={v}>{say(v)}</option>)}
        </select>
      )}
    </Field>
  );
}

const outcomes: Partial<Record<string, Key>> = {
  ok: 'trail.ok', forbidden: 'trail.forbidden', sign_in_refused: 'trail.sign_in', code_required: 'trail.code', device_refused: 'trail.device', not_found: 'trail.not_found',
  no_place_left: 'trail.lost', state_conflict: 'trail.conflict', invalid: 'trail.invalid', too_many_requests: 'trail.slowed', unusual_breadth: 'trail.slowed', location_withheld: 'trail.withheld',
};
const ended = (outcome: string): string => (outcomes[outcome] ? t(outcomes[outcome]) : outcome);
const did = (action: string): string => label('audit_action', action);
const short = (id: string | undefined): string => (id ? `…${id.slice(-6)}` : '');
const distinct = (rows: Row[], of: (r: Row) => string): string[] => [...new Set(rows.map(of))].filter(Boolean).sort();

export function TrailScreen(p: { me: Me }) {
  const first = useResource(() => page(), [], () => false);
  // older pages go on from the first one as it was: once that is read anew, there may be some between them that neither has
  const [kept, setKept] = useState<{ of: unknown; rows: Row[]; next: string | undefined } | null>(null);
  const more = kept?.of === first.data ? kept : null;
  const [action, setAction] = useState('');
  const [outcome, setOutcome] = useState('');
  const rows = [...(first.data?.data ?? []), ...(more?.rows ?? [])];
  const next = more ? more.next : first.data?.next_cursor;
  const shown = rows.filter((r) => (action === '' || r.action === action) && (outcome === '' || r.outcome === outcome));

  // one at a time: a page that is asked for twice would show twice what was done once
  const older = useAction(useCallback(async (_: unknown, of: unknown, from: string | undefined) => {
    const answer = await page(from);
    setKept((k) => ({ of, rows: [...(k && k.of === of ? k.rows : []), ...answer.data], next: answer.next_cursor }));
  }, []));
  return (
    <>
      {p.me.permissions.includes('AUDIT_PROVE') && <TrailState />}
      <Panel title={t('trail.title')} aside={<span class="quiet">{t('trail.shown', { n: shown.length, of: rows.length })}</span>}>
        <Wrong problem={first.problem} retry={first.reload} />
        <div class="columns">
          <Filter label={t('trail.action')} values={distinct(rows, (r) => r.action)} value={action} say={did} onPick={setAction} />
          <Filter label={t('trail.outcome')} values={distinct(rows, (r) => r.outcome)} value={outcome} say={ended} onPick={setOutcome} />
        </div>
        <div class="scroll" tabIndex={0} role="region" aria-label={t('table_of', { what: t('trail.title') })}>
          <table>
            <thead>
              <tr>{(['when', 'action', 'outcome', 'reason', 'roles', 'who', 'what'] as const).map((c) => <th key={c} scope="col">{t(`trail.${c}`)}</th>)}</tr>
            </thead>
            <tbody>
              {shown.map((r, i) => (
                <tr key={i}>
                  <td>{r.number !== undefined && <span class="quiet">{r.number} · </span>}<time dateTime={r.at}>{clock(r.at)}</time></td>
                  <td>{did(r.action)}</td>
                  <td><State tone={r.outcome === 'ok' ? 'good' : 'bad'}>{ended(r.outcome)}</State></td>
                  <td>{reasonLabel(r.reason)}</td>
                  <td>{r.roles.map((x) => label('role', x)).join(', ')}</td>
                  <td class="code">{short(r.actor)}</td>
                  <td class="code">{short(r.subject)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {next && <div class="row"><Button busy={older.phase === 'sending'} onClick={() => void older.run(first.data, next)}>{t('trail.older')}</Button></div>}
        <Wrong problem={older.problem} retry={older.retry} />
      </Panel>
    </>
  );
}
