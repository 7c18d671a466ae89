// SPDX-License-Identifier: Apache-2.0
// Break-glass: one asks, another agrees, the one who asked is told once; the house hears of it and reads both names.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { api, ask, newIntention, Problem, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label, options } from '../core/codes';
import { useCover } from '../core/cover';
import { useResource } from '../core/resource';
import { session, type Me } from '../core/session';
import { Store } from '../core/store';
import { t } from '../i18n';
import { announce } from '../ui/announce';
import { Button, Countdown, Panel, Phase, State, Wrong } from '../ui/parts';
import { Place } from './desk-reservation';

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
      {options('break_glass_reason').map((o) => <Button single key={o.code} busy={action.phase === 'sending'} onClick={() => void action.run(o.code as Schemas['break_glass_reason'])}>{o.label}</Button>)}
      <Button onClick={() => setAsking(false)}>{t('back')}</Button>
      <Phase of={action} />
    </div>
  );
}

function Row(p: { g: Glass; mine: boolean; onChange: () => void; onTell: (id: string) => void }) {
  const id = p.g.id;
  const approve = useAction(useCallback(
    async (header: { 'Idempotency-Key': string }) => {
      await ask(api.POST('/v1/break-glass/{break_glass}/approve', { params: { path: { break_glass: id }, header } }));
      p.onChange();
    },
    [id, p.onChange],
  ));
  const isAsked = p.g.approved_at === undefined;
  return (
    <li class="card">
      <p><strong>{p.g.person}</strong>: {label('break_glass_reason', p.g.reason)}</p>
      {p.g.second && <p class="quiet">{t('glass.approved_by', { who: p.g.second })}</p>}
      {p.g.until && <p><Countdown until={p.g.until} label="glass.until" /></p>}
      <div class="row">
        {isAsked && !p.mine && <Button single kind="main" busy={approve.phase === 'sending'} onClick={() => void approve.run()}>{t('glass.approve')}</Button>}
        {isAsked && p.mine && <State tone="wait">{t('glass.waits')}</State>}
        {!isAsked && p.mine && <Button single kind="main" onClick={() => p.onTell(id)}>{t('glass.tell')}</Button>}
      </div>
      <Phase of={approve} />
    </li>
  );
}

interface Telling {
  id: string;
  intention: ReturnType<typeof newIntention>;
  place?: Schemas['disclosure'];
  problem?: Problem;
}

/** It is told once: an answer that comes when she has gone to another screen waits for her.  A try that did not arrive can be sent
 * again; one whose answer was lost is spent, with any key. */
const telling = new Store<Telling | null>(null);

async function tell(id: string, intention = newIntention()): Promise<void> {
  const before = telling.get();
  if (before && !before.place && !before.problem) return; // it is on its way
  const mine: Telling = { id, intention };
  const end = (how: Telling | null): void => void (telling.get() === mine && telling.set(how));
  telling.set(mine);
  try {
    const place = await ask(api.POST('/v1/break-glass/{break_glass}/disclosures', { params: { path: { break_glass: id }, header: intention } }));
    end(session.get().phase === 'in' ? { ...mine, place } : null);
  } catch (e) {
    if (!(e instanceof Problem)) throw e;
    end({ ...mine, problem: e });
    announce(e.text);
  }
}

const cover = (): void => void (telling.get()?.place && telling.set(null));

/** What was seen is covered when she goes, and a refusal said. */
function leave(): void {
  if (telling.get()?.problem?.isRetryable === false) telling.set(null);
  cover();
}

/** What was told ends with the lock, and all of it with her. */
session.watch(() => {
  if (session.get().me === null) telling.set(null);
  else if (session.get().phase !== 'in') cover();
});

/** What of the own desk waits for a second person or for its telling. */
export function BreakGlass(p: { me: Me }) {
  const r = useResource(() => ask(api.GET('/v1/break-glass', {})), [p.me.user], (e) => e.kind.startsWith('break_glass') || e.kind.startsWith('reservation.'));
  // not in the row: once told, the list has the row no longer, but what was told, or why not, must stay
  const { id, intention, place, problem } = telling.use() ?? {};
  useCover(place, cover);
  useEffect(() => leave, []);
  const rows = (r.data?.data ?? []).sort((a, b) => a.asked_at.localeCompare(b.asked_at));
  if (rows.length === 0 && !place && !problem) return <Wrong problem={r.problem} retry={r.reload} />;
  return (
    <Panel title={t('glass.title')}>
      {place && <Place place={place} onCover={cover} />}
      <Wrong problem={problem} retry={() => id && void tell(id, intention)} />
      <ul class="cards urgent">{rows.map((g) => <Row key={g.id} g={g} mine={g.person === p.me.name} onChange={r.reload} onTell={(g) => void tell(g)} />)}</ul>
    </Panel>
  );
}
