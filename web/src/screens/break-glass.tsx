// SPDX-License-Identifier: Apache-2.0
// Break-glass: one asks, another agrees, the one who asked is told once; the house hears of it and reads both names.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label, options } from '../core/codes';
import { useResource } from '../core/resource';
import type { Me } from '../core/session';
import { t } from '../i18n';
import { Button, Countdown, Panel, Phase, State, Wrong } from '../ui/parts';
import { Place, usePlace } from './desk-reservation';

type Glass = Schemas['break-glass'];

export function AskBreakGlass(p: { reservation: string }) {
  const [asking, setAsking] = useState(false);
  const action = useAction(useCallback(
    async (header: { 'Idempotency-Key': string }, reason: Schemas['break_glass_reason']) => {
      await ask(api.POST('/v1/reservations/{reservation}/break-glass', { params: { path: { reservation: p.reservation }, header }, body: { reason } }));
      setAsking(false);
    },
    [p.reservation],
  ));
  if (!asking) return <><Button kind="danger" onClick={() => setAsking(true)}>{t('glass.ask')}</Button>{action.phase === 'saved' && <span class="phase saved">{t('glass.asked')}</span>}</>;
  return (
    <div class="reasons" role="group" aria-label={t('glass.why')}>
      <p>{t('glass.why')} <span class="quiet">{t('glass.second')}</span></p>
      {options('break_glass_reason').map((o) => <Button key={o.code} busy={action.phase === 'sending'} onClick={() => void action.run(o.code as Schemas['break_glass_reason'])}>{o.label}</Button>)}
      <Button onClick={() => setAsking(false)}>{t('back')}</Button>
      <Phase of={action} />
    </div>
  );
}

function Row(p: { g: Glass; mine: boolean; onChange: () => void }) {
  const [place, setPlace] = usePlace();
  const id = p.g.id;
  const act = useAction(useCallback(
    async (header: { 'Idempotency-Key': string }, what: 'approve' | 'tell') => {
      const params = { path: { break_glass: id }, header };
      if (what === 'approve') await ask(api.POST('/v1/break-glass/{break_glass}/approve', { params }));
      else setPlace(await ask(api.POST('/v1/break-glass/{break_glass}/disclosures', { params })));
      if (what === 'approve') p.onChange();
    },
    [id, p.onChange],
  ));
  const isAsked = p.g.approved_at === undefined;
  return (
    <li class="card">
      <p><strong>{p.g.person}</strong>: {label('break_glass_reason', p.g.reason)}</p>
      {p.g.second && <p class="quiet">{t('glass.approved_by', { who: p.g.second })}</p>}
      {p.g.until && <p><Countdown until={p.g.until} label="glass.until" /></p>}
      {place ? <Place place={place} onCover={() => { setPlace(null); p.onChange(); }} /> : (
        <div class="row">
          {isAsked && !p.mine && <Button kind="main" busy={act.phase === 'sending'} onClick={() => void act.run('approve')}>{t('glass.approve')}</Button>}
          {isAsked && p.mine && <State tone="wait">{t('glass.waits')}</State>}
          {!isAsked && p.mine && <Button kind="main" busy={act.phase === 'sending'} onClick={() => void act.run('tell')}>{t('glass.tell')}</Button>}
        </div>
      )}
      <Phase of={act} />
    </li>
  );
}

/** What of the own desk waits for a second person or for its telling. */
export function BreakGlass(p: { me: Me }) {
  const r = useResource(() => ask(api.GET('/v1/break-glass', {})), [p.me.user], (e) => e.kind.startsWith('break_glass') || e.kind.startsWith('reservation.'));
  if (!r.data || r.data.data.length === 0) return <Wrong problem={r.problem} retry={r.reload} />;
  return (
    <Panel title={t('glass.title')}>
      <ul class="cards urgent">{r.data.data.map((g) => <Row key={g.id} g={g} mine={g.person === p.me.name} onChange={r.reload} />)}</ul>
    </Panel>
  );
}
