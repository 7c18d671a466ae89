// SPDX-License-Identifier: Apache-2.0
// Who looked at the house: its manager reads names, the staff kinds and times.  Break-glass stands out for a day.
import { useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { label } from '../core/codes';
import { everything, PAGE } from '../core/pages';
import { useResource } from '../core/resource';
import { clock, now } from '../core/time';
import { t } from '../i18n';
import { Button, Wrong } from '../ui/parts';

type Look = Schemas['look-list']['data'][number];
const LOUD_MS = 86_400_000;

const lists = { candidate: 'need', disclosure: 'disclose_reason', break_glass: 'break_glass_reason' } as const;

function text(l: Look): string {
  const list = lists[l.kind as keyof typeof lists];
  const who = [l.person, l.second, l.org ?? (l.org_kind && label('org_kind', l.org_kind))].filter(Boolean).join(', ');
  return [clock(l.at), label('look_kind', l.kind), list && l.reason && label(list, l.reason), who].filter(Boolean).join(' · ');
}

const useLooks = (shelter: string, isEnough: (rows: Look[]) => boolean, pages = 1) => useResource(
  () => everything((query) => ask(api.GET('/v1/shelters/{shelter}/looks', { params: { path: { shelter }, query } })), isEnough),
  [shelter, pages], (e) => /^(break_glass|disclosure|location)/.test(e.kind));

export function LoudLooks(p: { shelter: string }) {
  const isOfToday = (l: Look | undefined): boolean => l !== undefined && now() - Date.parse(l.at) < LOUD_MS;
  const today = useLooks(p.shelter, (rows) => !isOfToday(rows.at(-1))); // however many looks came after it
  const loud = (today.data ?? []).filter((l) => l.kind === 'break_glass' && isOfToday(l));
  return <>{loud.map((l) => <p key={l.at} class="banner bad">{text(l)}</p>)}</>;
}

export function Looks(p: { shelter: string }) {
  const [pages, setPages] = useState(1);
  const r = useLooks(p.shelter, (all) => all.length >= pages * PAGE, pages);
  const rows = r.data ?? [];
  return (
    <>
      <Wrong problem={r.problem} retry={r.reload} />
      {rows.length > 0 && (
        <details>
          <summary>{t('house.looks')}</summary>
          <ul class="plain">{rows.map((l, i) => <li key={i}>{text(l)}</li>)}</ul>
          {rows.length % PAGE === 0 && <div class="row"><Button onClick={() => setPages(rows.length / PAGE + 1)}>{t('trail.older')}</Button></div>}
        </details>
      )}
    </>
  );
}
