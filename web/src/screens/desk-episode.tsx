// SPDX-License-Identifier: Apache-2.0
// One call: what fits, what is held, how it ended.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label, options } from '../core/codes';
import { useResource } from '../core/resource';
import { t } from '../i18n';
import { Button, Panel, Phase, State, Wrong } from '../ui/parts';
import { householdShort, type Episode, type Household } from './desk';
import { Candidates } from './desk-candidates';
import { ReservationPanel } from './desk-reservation';

export type DeskReservation = Schemas['reservation'];
const OVER = ['declined_by_house', 'declined_by_client', 'cancelled', 'expired', 'no_show', 'left'];
export const isOver = (r: DeskReservation): boolean => OVER.includes(r.state ?? '');

function Needs(p: { h: Household }) {
  const h = p.h;
  const words = [
    label('case_type', h.case_type),
    ...(['danger_to_life', 'pregnant', 'partner', 'step_free', 'pet', 'assistance_animal', 'acute_addiction', 'acute_psychiatric'] as const).filter((f) => h[f]).map((f) => t(`flag.${f}`)),
    ...(h.children ?? []).map((c) => `${t(c.sex === 'female' ? 'child.girl' : 'child.boy')}, ${label('age_band', c.band)}`),
    ...(h.languages ?? []).map((l) => label('language', l)),
  ];
  return (
    <p>
      <strong>{householdShort(h)}</strong> · {words.join(' · ')}
      {(h.danger_counties?.length ?? 0) > 0 && <> · <State tone="bad">{t('desk.not_in', { where: h.danger_counties?.map((c) => label('county', c)).join(', ') ?? '' })}</State></>}
    </p>
  );
}

function Outcome(p: { episode: Episode; onEnded: (e: Episode) => void }) {
  const [asking, setAsking] = useState(false);
  const close = useCallback(
    async (_: unknown, outcome: Schemas['outcome']) => p.onEnded(await ask(api.POST('/v1/episodes/{episode}/close', { params: { path: { episode: p.episode.id } }, body: { outcome } }))),
    [p.episode.id, p.onEnded],
  );
  const action = useAction(close);
  if (!asking) return <Button onClick={() => setAsking(true)}>{t('desk.close')}</Button>;
  return (
    <div class="reasons" role="group" aria-label={t('desk.outcome')}>
      <p>{t('desk.outcome')}</p>
      {options('outcome').map((o) => <Button key={o.code} busy={action.phase === 'sending'} onClick={() => void action.run(o.code as Schemas['outcome'])}>{o.label}</Button>)}
      <Button onClick={() => setAsking(false)}>{t('back')}</Button>
      <Phase of={action} />
    </div>
  );
}

async function load(id: string): Promise<{ episode: Episode; reservation: DeskReservation | null }> {
  const episode = await ask(api.GET('/v1/episodes/{episode}', { params: { path: { episode: id } } }));
  const reservation = episode.reservation
    ? await ask(api.GET('/v1/reservations/{reservation}', { params: { path: { reservation: episode.reservation } } }))
    : null;
  return { episode, reservation };
}

export function EpisodePage(p: { episode: Episode; isShown: boolean; onEnded: (e: Episode) => void }) {
  const r = useResource(() => load(p.episode.id), [p.episode.id], (e) => e.kind.startsWith('reservation.') || e.kind.startsWith('episode.'));
  const [last, setLast] = useState<DeskReservation | null>(null); // the one that ended under our eyes: it names the next best
  const episode = r.data?.episode ?? p.episode;
  const now = r.data?.reservation ?? last;
  const isOpen = episode.state === 'open';

  const onReservation = (to: DeskReservation): void => {
    setLast(to);
    r.reload();
  };
  return (
    <>
      <Panel title={t('desk.call')} aside={isOpen ? <Outcome episode={episode} onEnded={p.onEnded} /> : <State tone="calm">{episode.outcome ? label('outcome', episode.outcome) : label('episode_state', episode.state)}</State>}>
        {episode.household && <Needs h={episode.household} />}
        <Wrong problem={r.problem} retry={r.reload} />
      </Panel>
      {now && <ReservationPanel key={now.id} reservation={now} isShown={p.isShown} onChange={onReservation} />}
      {isOpen && (now === null || isOver(now)) && (
        <Candidates episode={episode} isShown={p.isShown} next={now?.next?.[0] ?? null} onHeld={onReservation} />
      )}
    </>
  );
}
