// SPDX-License-Identifier: Apache-2.0
// Requests of the helpline that wait for this house's answer, and the households that are expected.
import { useCallback, useState } from 'preact/hooks';
import { api, ask } from '../api/client';
import { useAction } from '../core/action';
import { label, options, type List } from '../core/codes';
import { t } from '../i18n';
import { clock } from '../core/time';
import { Button, Countdown, Panel, Phase } from '../ui/parts';
import { householdText, since, type Reservation } from './house';

export function needs(r: Reservation): string {
  const parts = [];
  if (r.pregnant) parts.push(t('need.pregnant'));
  if (r.step_free) parts.push(t('need.step_free'));
  if (r.pet) parts.push(t('need.pet'));
  for (const tongue of r.languages ?? []) if (tongue !== 'hu') parts.push(label('language', tongue));
  return parts.join(' · ');
}

export function Card(p: { r: Reservation; children?: preact.ComponentChildren }) {
  const r = p.r;
  return (
    <li class="card">
      <p class="card-head"><strong>{householdText(r)}</strong> <span class="code">{r.number}</span></p>
      <p>{t('request.check_word')} <strong class="word">{r.check_word}</strong></p>
      {needs(r) && <p>{needs(r)}</p>}
      <p class="quiet">{label('contact_channel', r.contact_channel)}{r.unit_names ? ` · ${r.unit_names}` : ''}{r.earliest_arrival ? ` · ${t('request.from', { at: clock(r.earliest_arrival) })}` : ''}</p>
      {p.children}
    </li>
  );
}

/** A question with one button for each code of a list, and a way back. */
export function Reasons(p: { ask: string; note?: string; list: List; busy: boolean; onPick: (code: string) => void; onBack: () => void }) {
  return (
    <div class="reasons" role="group" aria-label={p.ask}>
      <p>{p.ask}</p>
      {p.note && <p class="quiet">{p.note}</p>}
      {options(p.list).map((o) => <Button single key={o.code} class="big" busy={p.busy} onClick={() => p.onPick(o.code)}>{o.label}</Button>)}
      <Button onClick={p.onBack}>{t('back')}</Button>
    </div>
  );
}

function Request(p: { r: Reservation; onAnswered: () => void }) {
  const path = { reservation: p.r.id ?? '' };
  const [declining, setDeclining] = useState(false);
  const work = useCallback(
    async (header: { 'Idempotency-Key': string }, reason: string | null) => {
      if (reason === null) await ask(api.POST('/v1/reservations/{reservation}/confirm', { params: { path, header } }));
      else await ask(api.POST('/v1/reservations/{reservation}/decline', { params: { path, header }, body: { reason: reason as never } }));
      p.onAnswered();
    },
    [path.reservation, p.onAnswered],
  );
  const action = useAction(work);
  return (
    <Card r={p.r}>
      {p.r.expires_at && <p><Countdown until={p.r.expires_at} label="request.expires" /></p>}
      {!declining && (
        <div class="row">
          <Button single class="big" kind="main" busy={action.phase === 'sending'} onClick={() => void action.run(null)}>{t('request.accept')}</Button>
          <Button class="big" onClick={() => setDeclining(true)}>{t('request.decline')}</Button>
        </div>
      )}
      {declining && <Reasons ask={t('request.why')} list="decline_reason" busy={action.phase === 'sending'} onPick={(code) => void action.run(code)} onBack={() => setDeclining(false)} />}
      <Phase of={action} />
    </Card>
  );
}

export function Requests(p: { rows: Reservation[]; onAnswered: () => void }) {
  const waiting = p.rows.filter((r) => r.state === 'requested').sort(since('requested_at')); // who has waited longest first
  if (waiting.length === 0) return null;
  return (
    <Panel title={t('request.title', { n: waiting.length })}>
      <ul class="cards urgent">{waiting.map((r) => <Request key={r.id} r={r} onAnswered={p.onAnswered} />)}</ul>
    </Panel>
  );
}
