// SPDX-License-Identifier: Apache-2.0
// Who is expected and who is here: arrival, the legal end of a stay with an early warning, extension, leaving.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { dayText, daysUntil } from '../core/time';
import { t } from '../i18n';
import { Button, CodeSelect, Field, Panel, Phase, State, Still } from '../ui/parts';
import { Card, Reasons } from './house-requests';
import { since, type Reservation } from './house';

type Move =
  | { to: 'arrive' }
  | { to: 'no-show' }
  | { to: 'decline'; reason: Schemas['decline_reason'] }
  | { to: 'leave'; reason: Schemas['leave_reason'] }
  | { to: 'extend'; until: string; reason: Schemas['extend_reason'] };

const EARLY_DAYS = 7; // an end that is nearer is shown as a warning

function useMove(r: Reservation, onChanged: () => void) {
  const id = r.id ?? '';
  return useAction(useCallback(
    async (header: { 'Idempotency-Key': string }, move: Move) => {
      const params = { path: { reservation: id }, header };
      if (move.to === 'arrive') await ask(api.POST('/v1/reservations/{reservation}/arrive', { params }));
      else if (move.to === 'no-show') await ask(api.POST('/v1/reservations/{reservation}/no-show', { params }));
      else if (move.to === 'decline') await ask(api.POST('/v1/reservations/{reservation}/decline', { params, body: { reason: move.reason } }));
      else if (move.to === 'leave') await ask(api.POST('/v1/reservations/{reservation}/leave', { params, body: { reason: move.reason } }));
      else await ask(api.POST('/v1/reservations/{reservation}/extend', { params, body: { until: move.until, reason: move.reason } }));
      onChanged();
    },
    [id, onChanged],
  ));
}

function Expected(p: { r: Reservation; onChanged: () => void }) {
  const move = useMove(p.r, p.onChanged);
  const [declining, setDeclining] = useState(false);
  const busy = move.phase === 'sending';
  return (
    <Card r={p.r}>
      {!declining && (
        <div class="row">
          <Button single class="big" kind="main" busy={busy} onClick={() => void move.run({ to: 'arrive' })}>{t('stay.arrived')}</Button>
          <Button single busy={busy} onClick={() => void move.run({ to: 'no-show' })}>{t('stay.no_show')}</Button>
          <Button onClick={() => setDeclining(true)}>{t('stay.cannot')}</Button>
        </div>
      )}
      {declining && <Reasons ask={t('request.why')} note={t('stay.on_the_way')} list="decline_reason" busy={busy} onPick={(code) => void move.run({ to: 'decline', reason: code as Schemas['decline_reason'] })} onBack={() => setDeclining(false)} />}
      <Phase of={move} />
    </Card>
  );
}

function EndOfStay(p: { r: Reservation }) {
  const end = p.r.stay_end;
  if (!end) return p.r.next_review ? <p>{t('stay.review', { day: dayText(p.r.next_review) })}</p> : null;
  const days = daysUntil(end);
  if (p.r.overstay) return <p><State tone="bad">{t('stay.over', { day: dayText(end) })}</State></p>;
  if (days <= EARLY_DAYS) return <p><State tone="wait">{t(days === 0 ? 'stay.ends_today' : 'stay.ends_soon', { day: dayText(end), n: days })}</State></p>;
  return <p class="quiet">{t('stay.ends', { day: dayText(end) })}</p>;
}

function Stay(p: { r: Reservation; onChanged: () => void }) {
  const move = useMove(p.r, p.onChanged);
  const longer = useMove(p.r, p.onChanged);
  const [mode, setMode] = useState<'none' | 'extend' | 'leave'>('none');
  const [until, setUntil] = useState('');
  const [reason, setReason] = useState<string>('');
  const extension = { to: 'extend', until, reason: reason as Schemas['extend_reason'] } as const;
  const extend = (send: typeof longer.run): void => void send(extension).then((done) => done && setMode('none'));
  return (
    <Card r={p.r}>
      <EndOfStay r={p.r} />
      {mode === 'none' && (
        <div class="row">
          <Button onClick={() => setMode('extend')}>{t('stay.extend')}</Button>
          <Button onClick={() => setMode('leave')}>{t('stay.leave')}</Button>
        </div>
      )}
      {mode === 'extend' && (
        <form onSubmit={(e) => { e.preventDefault(); extend(longer.run); }}>
          <Still of={longer}>
            <Field label={t('stay.until')}>{(ids) => <input {...ids} type="date" required value={until} onInput={(e) => setUntil(e.currentTarget.value)} />}</Field>
            <CodeSelect label={t('stay.justification')} list="extend_reason" value={reason} empty="" onPick={setReason} />
          </Still>
          <div class="row">
            <Button type="submit" kind="main" disabled={reason === ''} busy={longer.phase === 'sending'}>{t('stay.extend')}</Button>
            <Button onClick={() => setMode('none')}>{t('back')}</Button>
          </div>
        </form>
      )}
      {mode === 'leave' && <Reasons ask={t('stay.where_to')} list="leave_reason" busy={move.phase === 'sending'} onPick={(code) => void move.run({ to: 'leave', reason: code as Schemas['leave_reason'] })} onBack={() => setMode('none')} />}
      <Phase of={longer} again={() => extend(longer.again)} />
      <Phase of={move} />
    </Card>
  );
}

export function Stays(p: { rows: Reservation[]; onChanged: () => void }) {
  const expected = p.rows.filter((r) => r.state === 'confirmed').sort(since('answered_at'));
  const here = p.rows.filter((r) => r.state === 'in_stay').sort(since('arrived_at'));
  return (
    <>
      <Panel title={t('stay.expected')}>
        {expected.length === 0 ? <p class="quiet">{t('stay.nobody_expected')}</p> : <ul class="cards">{expected.map((r) => <Expected key={r.id} r={r} onChanged={p.onChanged} />)}</ul>}
      </Panel>
      <Panel title={t('stay.here')}>
        {here.length === 0 ? <p class="quiet">{t('stay.nobody_here')}</p> : <ul class="cards">{here.map((r) => <Stay key={r.id} r={r} onChanged={p.onChanged} />)}</ul>}
      </Panel>
    </>
  );
}
