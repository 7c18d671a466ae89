// SPDX-License-Identifier: Apache-2.0
// What is held: number and check word to say aloud, time to go, the next step first.  The location is shown once it is asked
// for with a reason, and covers itself again.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { useCover } from '../core/cover';
import { label, options } from '../core/codes';
import { clock } from '../core/time';
import { t } from '../i18n';
import { Button, Countdown, Panel, Phase, State, useCatch, Wrong, type Tone } from '../ui/parts';
import { isOver, type DeskReservation } from './desk-episode';
import { Sheet } from './desk-sheet';

type Disclosure = Schemas['disclosure'];

const tones: Record<string, Tone> = { held: 'wait', requested: 'wait', confirmed: 'good', in_stay: 'good' };

type Step = { to: 'request' } | { to: 'renew' } | { to: 'cancel'; reason: Schemas['cancel_reason'] } | { to: 'client-decline'; reason: Schemas['client_reason'] };

function useStep(r: DeskReservation, onChange: (r: DeskReservation) => void) {
  const id = r.id ?? '';
  return useAction(useCallback(
    async (header: { 'Idempotency-Key': string }, step: Step) => {
      const params = { path: { reservation: id }, header };
      if (step.to === 'request') onChange(await ask(api.POST('/v1/reservations/{reservation}/request', { params })));
      else if (step.to === 'renew') onChange(await ask(api.POST('/v1/reservations/{reservation}/renew', { params })));
      else if (step.to === 'cancel') onChange(await ask(api.POST('/v1/reservations/{reservation}/cancel', { params, body: { reason: step.reason } })));
      else onChange(await ask(api.POST('/v1/reservations/{reservation}/client-decline', { params, body: { reason: step.reason } })));
    },
    [id, onChange],
  ));
}

/** A place that was told: it covers itself again. */
export function usePlace() {
  const [place, setPlace] = useState<Disclosure | null>(null);
  useCover(place, useCallback(() => setPlace(null), []));
  return [place, setPlace] as const;
}

export function Place(p: { place: Disclosure; onCover: () => void }) {
  const place = p.place;
  const box = useCatch<HTMLDivElement>(true, place); // there is a minute to read it
  return (
    <div class="location no-print" ref={box} tabIndex={-1} role="group" aria-label={t('place.title')}>
      <p><strong>{place.address}</strong></p>
      <p class="code">{place.intake_phone}</p>
      {place.travel_notes && <p>{place.travel_notes}</p>}
      <p class="quiet">{t('location.hides')} {t('location.left', { n: place.disclosures_left, at: clock(place.until) })}</p>
      <Button onClick={p.onCover}>{t('location.cover')}</Button>
    </div>
  );
}

function Location(p: { r: DeskReservation }) {
  const id = p.r.id ?? '';
  const [place, setPlace] = usePlace();
  const action = useAction(useCallback(
    async (header: { 'Idempotency-Key': string }, reason: Schemas['disclose_reason']) =>
      setPlace(await ask(api.POST('/v1/reservations/{reservation}/disclosures', { params: { path: { reservation: id }, header }, body: { reason } }))),
    [id],
  ));
  const box = useCatch<HTMLDivElement>(true, place);
  if (place) return <Place place={place} onCover={() => setPlace(null)} />;
  return (
    <div class="reasons" ref={box} tabIndex={-1} role="group" aria-label={t('location.why')}>
      <p>{t('location.why')} <span class="quiet">{t('location.logged')}</span></p>
      <div class="row">{options('disclose_reason').map((o) => <Button single key={o.code} busy={action.phase === 'sending'} onClick={() => void action.run(o.code as Schemas['disclose_reason'])}>{o.label}</Button>)}</div>
      <Wrong problem={action.problem} retry={action.retry} />
    </div>
  );
}

function Ending(p: { title: string; list: 'cancel_reason' | 'client_reason'; busy: boolean; onPick: (code: string) => void }) {
  const [asking, setAsking] = useState(false);
  if (!asking) return <Button onClick={() => setAsking(true)}>{p.title}</Button>;
  return (
    <div class="reasons" role="group" aria-label={p.title}>
      <p>{p.title}</p>
      {options(p.list).map((o) => <Button single key={o.code} busy={p.busy} onClick={() => p.onPick(o.code)}>{o.label}</Button>)}
      <Button onClick={() => setAsking(false)}>{t('back')}</Button>
    </div>
  );
}

export function ReservationPanel(p: { reservation: DeskReservation; isShown: boolean; onChange: (r: DeskReservation) => void }) {
  const r = p.reservation;
  const step = useStep(r, p.onChange);
  const [sheet, setSheet] = useState(false);
  const isLive = !isOver(r);
  // what she pressed is gone: on with number and word, and from there to the next step; on no button, a key still down would press it
  const aloud = useCatch<HTMLParagraphElement>(p.isShown && isLive, r.state);
  return (
    <Panel title={t('reservation.title')} aside={<State tone={tones[r.state ?? ''] ?? 'calm'}>{label('reservation_state', r.state)}</State>}>
      <p class="aloud" ref={aloud} tabIndex={-1}>
        <span><span class="quiet">{t('reservation.number')}</span> <strong class="code">{r.number}</strong></span>
        <span><span class="quiet">{t('reservation.word')}</span> <strong class="word">{r.check_word}</strong></span>
        <span>{r.code_name} · {label('shelter_type', r.type)} · {label('zone', r.zone)}</span>
      </p>
      {isLive && r.expires_at && <p><Countdown until={r.expires_at} label={r.state === 'held' ? 'reservation.hold_ends' : 'request.expires'} /></p>}
      {(r.escalation ?? 0) > 0 && r.state === 'requested' && <p><State tone="bad">{t('reservation.escalated', { n: r.escalation ?? 0 })}</State></p>}
      {isLive && (
        <div class="row">
          {r.state === 'held' && <Button single kind="main" class="big" busy={step.phase === 'sending'} onClick={() => void step.run({ to: 'request' })}>{t('reservation.request')}</Button>}
          {r.state === 'held' && !r.renewed && <Button single busy={step.phase === 'sending'} onClick={() => void step.run({ to: 'renew' })}>{t('reservation.renew')}</Button>}
          <Button onClick={() => setSheet(true)}>{t('sheet.open')}</Button>
          {r.state !== 'in_stay' && <Ending title={t('reservation.client_declines')} list="client_reason" busy={step.phase === 'sending'} onPick={(c) => void step.run({ to: 'client-decline', reason: c as Schemas['client_reason'] })} />}
          {r.state !== 'in_stay' && <Ending title={t('reservation.cancel')} list="cancel_reason" busy={step.phase === 'sending'} onPick={(c) => void step.run({ to: 'cancel', reason: c as Schemas['cancel_reason'] })} />}
        </div>
      )}
      {r.state === 'confirmed' && <Location r={r} />}
      <Phase of={step} />
      {sheet && <Sheet reservation={r.id ?? ''} onClose={() => setSheet(false)} />}
    </Panel>
  );
}
