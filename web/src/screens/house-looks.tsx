// SPDX-License-Identifier: Apache-2.0
// Who looked at the house: its manager reads names, the staff kinds and times.  Break-glass stands out for a day.
import { api, ask, type Schemas } from '../api/client';
import { label } from '../core/codes';
import { useResource } from '../core/resource';
import { clock, now } from '../core/time';
import { t } from '../i18n';
import { Wrong } from '../ui/parts';

type Look = Schemas['look-list']['data'][number];
const LOUD_MS = 86_400_000;

const lists = { candidate: 'need', disclosure: 'disclose_reason', break_glass: 'break_glass_reason' } as const;

function text(l: Look): string {
  const list = lists[l.kind as keyof typeof lists];
  const who = [l.person, l.second, l.org ?? (l.org_kind && label('org_kind', l.org_kind))].filter(Boolean).join(', ');
  return [clock(l.at), label('look_kind', l.kind), list && l.reason && label(list, l.reason), who].filter(Boolean).join(' · ');
}

const useLooks = (shelter: string) => useResource(
  () => ask(api.GET('/v1/shelters/{shelter}/looks', { params: { path: { shelter } } })),
  [shelter], (e) => /^(break_glass|disclosure|location)/.test(e.kind));

export function LoudLooks(p: { shelter: string }) {
  const loud = (useLooks(p.shelter).data?.data ?? []).filter((l) => l.kind === 'break_glass' && now() - Date.parse(l.at) < LOUD_MS);
  return <>{loud.map((l) => <p key={l.at} class="banner bad">{text(l)}</p>)}</>;
}

export function Looks(p: { shelter: string }) {
  const r = useLooks(p.shelter);
  const rows = r.data?.data ?? [];
  return (
    <>
      <Wrong problem={r.problem} retry={r.reload} />
      {rows.length > 0 && (
        <details>
          <summary>{t('house.looks')}</summary>
          <ul class="plain">{rows.map((l, i) => <li key={i}>{text(l)}</li>)}</ul>
        </details>
      )}
    </>
  );
}
