// SPDX-License-Identifier: Apache-2.0
// One call: what fits, what is held, how it ended.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { api, ask, Problem, type Schemas } from '../api/client';
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
      {options('outcome').map((o) => <Button single key={o.code} busy={action.phase === 'sending'} onClick={() => void action.run(o.code as Schemas['outcome'])}>{o.label}</Button>)}
      <Button onClick={() => setAsking(false)}>{t('back')}</Button>
      <Phase of={action} />
    </div>
  );
}

type Had = DeskReservation | { id: string; state?: never } | undefined;

const lastOf = new Map<string, string>(); // of each call of this sitting: whoever looks at another screen meanwhile is told on her return

/** A call no longer names a reservation that ended without a stay: ${had}, which it had last, says how it ended and which place is
 * the next best.  Read once it is over: what is proposed must not change under her eyes. */
async function load(id: string, had: Had): Promise<{ episode: Episode; reservation: DeskReservation | null }> {
  const episode = await ask(api.GET('/v1/episodes/{episode}', { params: { path: { episode: id } } }));
  const at = episode.reservation ?? had?.id;
  if (at === undefined) return { episode, reservation: null };
  if (had?.state && had.id === at && isOver(had)) return { episode, reservation: had };
  const reservation = await ask(api.GET('/v1/reservations/{reservation}', { params: { path: { reservation: at } } })).catch((e: unknown) => {
    if (episode.reservation !== undefined || !(e instanceof Problem) || e.status !== 404) throw e;
    return null; // over for so long that it is gone
  });
  return { episode, reservation };
}

export function EpisodePage(p: { episode: Episode; isShown: boolean; onEnded: (e: Episode) => void; onNews: (said: string) => void }) {
  const first = p.episode.reservation ?? lastOf.get(p.episode.id);
  const had = useRef<Had>(first === undefined ? undefined : { id: first });
  const r = useResource(() => load(p.episode.id, had.current), [p.episode.id], (e) => e.kind.startsWith('reservation.') || e.kind.startsWith('episode.'));
  const episode = r.data?.episode ?? p.episode;
  const now = r.data?.reservation ?? null;
  if (now) {
    had.current = now;
    lastOf.set(p.episode.id, now.id);
  }
  const isOpen = episode.state === 'open';
  const stood = useRef<string>(undefined);
  useEffect(() => { // what the house answers while she is on another line
    if (!p.isShown && now?.state && stood.current && now.state !== stood.current) p.onNews(label('reservation_state', now.state));
    stood.current = now?.state;
  }, [now?.state]);

  const onReservation = (to: DeskReservation): void => {
    r.set({ episode, reservation: to });
    had.current = to;
    r.reload();
  };
  return (
    <>
      <Panel title={t('desk.call')} aside={isOpen ? <Outcome episode={episode} onEnded={p.onEnded} /> : <State tone="calm">{episode.outcome ? label('outcome', episode.outcome) : label('episode_state', episode.state)}</State>}>
        {episode.household && <Needs h={episode.household} />}
        <Wrong problem={r.problem} retry={r.reload} />
      </Panel>
      {now && <ReservationPanel key={now.id} reservation={now} isShown={p.isShown} onChange={onReservation} />}
      {isOpen && (now ? isOver(now) : r.data || !had.current) && (
        <Candidates episode={episode} isShown={p.isShown} last={now} onHeld={onReservation} onNews={p.onNews} />
      )}
    </>
  );
}
