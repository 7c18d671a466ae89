// SPDX-License-Identifier: Apache-2.0
// The shift lead: what the desk has open, which houses do not answer, who looked unusually widely; taking over.
import { useCallback } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label } from '../core/codes';
import { reservations } from '../core/pages';
import { useResource } from '../core/resource';
import type { Me } from '../core/session';
import { clock, now, stamp } from '../core/time';
import { t } from '../i18n';
import { Age, Button, Countdown, Panel, Phase, State, Wrong } from '../ui/parts';
import { PrintPaper } from '../ui/paper';
import { AskBreakGlass, BreakGlass } from './break-glass';
import { householdText, since } from './house';

type Reservation = Schemas['reservation'];
const WATCHED = ['held', 'requested', 'confirmed'];

function Row(p: { r: Reservation; onChange: () => void }) {
  const r = p.r;
  const id = r.id ?? '';
  const take = useAction(useCallback(
    async (header: { 'Idempotency-Key': string }) => {
      await ask(api.POST('/v1/reservations/{reservation}/take-over', { params: { path: { reservation: id }, header } }));
      p.onChange();
    },
    [id, p.onChange],
  ));
  const step = r.state === 'requested' ? (r.escalation ?? 0) : 0;
  return (
    <li class="card">
      <p class="card-head"><span><strong class="code">{r.number}</strong> {r.code_name} · {label('shelter_type', r.type)}</span><State tone={r.state === 'confirmed' ? 'good' : 'wait'}>{label('reservation_state', r.state)}</State></p>
      {step > 0 && r.requested_at && <p><State tone="bad">{t('lead.no_answer', { n: Math.max(1, Math.floor((now() - Date.parse(r.requested_at)) / 60_000)) })}</State></p>}
      {r.requested_at && <p class="quiet">{t('lead.asked')} <Age at={r.requested_at} /></p>}
      {r.expires_at && r.state !== 'confirmed' && <p><Countdown until={r.expires_at} label={r.state === 'held' ? 'reservation.hold_ends' : 'request.expires'} /></p>}
      <div class="row">
        <Button single busy={take.phase === 'sending'} onClick={() => void take.run()}>{t('desk.take_over')}</Button>
        {r.state !== 'held' && <AskBreakGlass reservation={id} />}
      </div>
      <Phase of={take} />
    </li>
  );
}

function Alerts() {
  const r = useResource(() => ask(api.GET('/v1/alerts', {})), [], (e) => e.kind.startsWith('alert'));
  if (!r.data || r.data.data.length === 0) return <Wrong problem={r.problem} retry={r.reload} />;
  return (
    <Panel title={t('lead.alerts')}>
      <ul class="plain">
        {r.data.data.map((a, i) => (
          <li key={i}><State tone="bad">{a.person ?? ''}</State> {label('breadth_class', a.class)}: {t('lead.alert_counts', { hour: a.last_hour, day: a.last_day })} · {clock(a.at)}</li>
        ))}
      </ul>
    </Panel>
  );
}

export function LeadScreen(p: { me: Me }) {
  const r = useResource(reservations, [p.me.user], (e) => e.kind.startsWith('reservation.'));
  const rows = (r.data ?? []).filter((x) => WATCHED.includes(x.state ?? '')).sort((a, b) => (b.escalation ?? 0) - (a.escalation ?? 0) || since('held_at')(a, b));
  return (
    <>
      <BreakGlass me={p.me} />
      <Alerts />
      <Panel title={t('lead.open', { n: rows.length })}>
        <Wrong problem={r.problem} retry={r.reload} />
        {r.data && rows.length === 0 && <p class="quiet">{t('lead.none')}</p>}
        <ul class="cards">{rows.map((x) => <Row key={x.id} r={x} onChange={r.reload} />)}</ul>
      </Panel>
      {r.data && (
        <PrintPaper name={t('desk.title')} how={t('paper.desk')} at={r.at} isOld={r.problem !== undefined}
          tables={[{
            title: t('lead.open', { n: rows.length }),
            head: [t('reservation.number'), t('reservation.word'), t('sheet.house'), t('sheet.household'), t('paper.state'), t('paper.until')],
            rows: rows.map((x) => [x.number, x.check_word, `${x.code_name} · ${label('shelter_type', x.type)}`, householdText(x), label('reservation_state', x.state), x.expires_at && x.state !== 'confirmed' ? stamp(x.expires_at) : '']),
          }]}
          blank={[t('paper.time'), t('sheet.house'), t('paper.code'), t('sheet.household'), t('paper.yes')]} />
      )}
    </>
  );
}
