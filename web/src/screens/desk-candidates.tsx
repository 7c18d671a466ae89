// SPDX-License-Identifier: Apache-2.0
// Ranked candidates with plain reasons.  Arrow keys choose, Enter holds; after a lost race the next best is already chosen.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { api, ask, Problem, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label, options } from '../core/codes';
import { listen } from '../core/live';
import { session } from '../core/session';
import { now } from '../core/time';
import { t, type Key } from '../i18n';
import { announce } from '../ui/announce';
import { Age, Button, Check, CodeSelect, Panel, Phase, State } from '../ui/parts';
import type { Episode } from './desk';
import type { DeskReservation } from './desk-episode';

type Candidate = Schemas['candidate'];
type Search = Schemas['search'];

const OLD_MS = 10 * 60_000; // after a quarter of an hour none of a list can be held
const PAUSE_MS = 20_000; // "tell me when something fits": between two searches, which are counted

/** How the last reservation ended without her. */
const ENDS: Partial<Record<string, Key>> = { declined_by_house: 'candidate.declined', expired: 'candidate.expired', no_show: 'candidate.no_show' };

/** Why this one: in words, the deciding things first. */
function reasons(c: Candidate): string {
  const parts = [label('answer', c.answer), t('candidate.units', { units: c.unit_count, places: c.places })];
  if (c.spare > 0) parts.push(t('candidate.spare', { n: c.spare }));
  if (c.step_free) parts.push(t('candidate.step_free'));
  return parts.join(' · ');
}

function Row(p: { c: Candidate; isChosen: boolean; id: string; onChoose: () => void; onHold: () => void }) {
  return (
    <li id={p.id} role="option" aria-selected={p.isChosen} class="candidate" onClick={p.onChoose} onDblClick={p.onHold}>
      <span><strong>{p.c.code_name}</strong> {label('shelter_type', p.c.type)} · {label('zone', p.c.zone)}</span>
      <span>{reasons(p.c)}</span>
      <span>{p.c.address_unprotected && <State tone="wait">{t('candidate.unprotected')}</State>}</span>
      <span class={p.c.freshness === 'fresh' ? 'quiet' : 'old'}>{p.c.freshness === 'unknown' || !p.c.confirmed_at ? label('freshness', 'unknown') : <Age at={p.c.confirmed_at} />}</span>
    </li>
  );
}

function NothingFits(p: { found: Search; isWatching: boolean; onWatch: (on: boolean) => void }) {
  const order = { yes: 0, maybe: 1, no: 2 };
  const blocked = [...p.found.blocked].sort((a, b) => order[a.share] - order[b.share]).slice(0, 5);
  return (
    <div class="banner wait">
      <p><strong>{t('nothing.title')}</strong></p>
      {blocked.length > 0 && (
        <>
          <p>{t('nothing.blocked')}</p>
          <ul class="plain">{blocked.map((b) => <li key={b.reason}>{label('fit_reason', b.reason)}: {t(`nothing.share.${b.share}`)}</li>)}</ul>
        </>
      )}
      <Check label={t('nothing.watch')} checked={p.isWatching} onChange={p.onWatch} />
    </div>
  );
}

function Near(p: { found: Search }) {
  const worth = p.found.near_misses.filter((n) => n.freshness !== 'fresh');
  if (p.found.near_misses.length === 0) return null;
  return (
    <details open={p.found.candidates.length === 0}>
      <summary>{t('near.title', { n: p.found.near_misses.length })}</summary>
      {worth.length > 0 && <p>{t('near.worth_a_call')}</p>}
      <ul class="plain">
        {p.found.near_misses.map((n) => (
          <li key={n.code_name}><strong>{n.code_name}</strong> {label('shelter_type', n.type)} · {label('zone', n.zone)} · {n.reasons.map((x) => label('fit_reason', x)).join(', ')} · <span class={n.freshness === 'fresh' ? 'quiet' : 'old'}>{label('freshness', n.freshness)}</span></li>
        ))}
      </ul>
    </details>
  );
}

export function Candidates(p: { episode: Episode; isShown: boolean; last: DeskReservation | null; onHeld: (r: DeskReservation) => void; onNews: (said: string) => void }) {
  const [found, setFound] = useState<Search>();
  const [chosen, setChosen] = useState(0);
  const [consent, setConsent] = useState(false);
  const [need, setNeed] = useState(options('need')[0]?.code ?? '');
  const [contact, setContact] = useState(options('contact_channel')[0]?.code ?? '');
  const [lost, setLost] = useState<Candidate | null>(null); // proposed by the service after a lost race
  const [watching, setWatching] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const foundAt = useRef(-Infinity); // ms
  const onNews = useRef(p.onNews);
  onNews.current = p.onNews;
  const isDue = useRef(false); // something was told that no search knows of yet

  const hold = useCallback(
    async (header: { 'Idempotency-Key': string }, candidate: string, need: string, contact: string) => {
      const body = { episode: p.episode.id, candidate, consent: true as const, need: need as Schemas['need'], contact_channel: contact as Schemas['contact_channel'] };
      try {
        p.onHeld(await ask(api.POST('/v1/reservations', { params: { header }, body })));
      } catch (e) {
        if (e instanceof Problem && e.code === 'no_place_left') {
          setLost(e.body.next ?? null);
          if (e.body.next) setChosen(0); // the one that is named
        }
        throw e;
      }
    },
    [p.episode.id, p.onHeld],
  );
  const holding = useAction(hold);

  const search = useCallback(async () => {
    isDue.current = false;
    const answer = await ask(api.POST('/v1/episodes/{episode}/searches', { params: { path: { episode: p.episode.id } } }));
    foundAt.current = Date.now();
    setFound((before) => {
      if (before && before.candidates.length === 0 && answer.candidates.length > 0) onNews.current(t('nothing.now_fits', { n: answer.candidates.length }));
      return answer;
    });
    setChosen(0);
    setLost(null); // what was proposed before is older, and so is what was said of it
    holding.clear();
    if (answer.candidates.length > 0) setWatching(false); // or the list would change under her eyes
  }, [p.episode.id, holding.clear]);
  const searching = useAction(search);

  // when she looks at the call: searches are counted and recorded as hers, and most calls of the desk are others'
  useEffect(() => {
    if (!p.isShown || Date.now() - foundAt.current < OLD_MS) return;
    setFound(undefined); // or it would change under her eyes
    void searching.run();
  }, [p.episode.id, p.isShown]);
  useEffect(() => {
    if (p.isShown && found) list.current?.focus();
  }, [p.isShown, found !== undefined]);
  useEffect(() => {
    if (!watching) return;
    let timer = 0;
    let last = 0;
    void searching.run(); // what was freed since she searched was told to nobody here
    // places were freed somewhere, or we may have missed it: at once, but not again and again
    const end = listen((e) => {
      if (e.kind !== 'capacity.changed' && e.kind !== 'reset') return;
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        last = now();
        isDue.current = true; // also while one is on its way
        void searching.run();
      }, Math.max(0, last + PAUSE_MS - now()));
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [watching]);
  useEffect(() => { // an answer that did not come is asked for again; behind the lock nothing is, and its end is a reset
    if (!watching || searching.phase === 'sending' || (searching.phase !== 'unsent' && !isDue.current)) return;
    const timer = setTimeout(() => session.get().phase === 'in' && void searching.run(), searching.phase === 'unsent' ? PAUSE_MS : 0);
    return () => clearTimeout(timer);
  }, [watching, searching.phase]);

  useEffect(() => document.getElementById(`c-${p.episode.id}-${chosen}`)?.scrollIntoView({ block: 'nearest' }), [chosen]);

  const ended = ENDS[p.last?.state ?? ''];
  const next = p.last?.next?.[0];
  const proposed = lost ?? found?.candidates.find((c) => c.code_name === next?.code_name); // as the newest search has it, if it does
  const rows = found ? [...(proposed ? [proposed] : []), ...found.candidates.filter((c) => c.code_name !== proposed?.code_name)] : [];
  const at = Math.min(chosen, Math.max(0, rows.length - 1));
  const holdRow = (c: Candidate | undefined, send = holding.run): void => {
    if (c && consent) void send(c.candidate, need, contact);
    else if (c) {
      announce(t('candidate.consent_first'));
      document.getElementById(`consent-${p.episode.id}`)?.querySelector('input')?.focus();
    }
  };
  const holdChosen = (): void => holdRow(rows[at]);
  const onBox = (e: KeyboardEvent): void => {
    if (e.key === 'Enter' && !e.repeat && e.target instanceof HTMLInputElement) holdChosen(); // in a list it picks: the reason is not said yet
  };
  const onKey = (e: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step !== undefined) setChosen(Math.min(rows.length - 1, Math.max(0, at + step)));
    else if (e.key !== 'Enter') return;
    else if (!e.repeat) holdChosen(); // whoever still holds it down has read nothing since
    e.preventDefault();
  };
  const after = !lost && ended && <p class="banner wait" role="alert">{t(ended)} {proposed && t('candidate.next', { name: proposed.code_name })}</p>;
  if (!found) return <Panel title={t('candidate.title')}>{searching.problem && after}<Phase of={searching} /></Panel>;
  return (
    <Panel title={t('candidate.title')} aside={<span class="quiet">{t('candidate.sums', { fits: found.fits, full: found.full, unknown: found.unknown })}</span>}>
      {lost && <p class="banner wait" role="alert">{t('candidate.lost', { name: lost.code_name })}</p>}
      {after}
      {rows.length > 0 ? (
        <>
          <div class="columns" id={`consent-${p.episode.id}`} onKeyDown={onBox}>
            <Check label={t('candidate.consent')} checked={consent} onChange={setConsent} />
            <CodeSelect label={t('candidate.need')} list="need" value={need} onPick={setNeed} />
            <CodeSelect label={t('candidate.contact')} list="contact_channel" value={contact} onPick={setContact} />
          </div>
          <ul ref={list} class="candidates" role="listbox" tabIndex={0} aria-label={t('candidate.title')} aria-activedescendant={`c-${p.episode.id}-${at}`} onKeyDown={onKey}>
            {rows.map((c, i) => <Row key={c.candidate} id={`c-${p.episode.id}-${i}`} c={c} isChosen={i === at} onChoose={() => setChosen(i)} onHold={() => { setChosen(i); holdRow(c); }} />)}
          </ul>
          <div class="row">
            <Button single kind="main" class="big" busy={holding.phase === 'sending'} onClick={holdChosen}>{t('candidate.hold')} <kbd>Enter</kbd></Button>
            <Button onClick={() => void searching.run()} busy={searching.phase === 'sending'}>{t('candidate.again')}</Button>
          </div>
        </>
      ) : <NothingFits found={found} isWatching={watching} onWatch={setWatching} />}
      <Near found={found} />
      {(!lost || holding.problem?.code !== 'no_place_left') && <Phase of={holding} again={() => holdRow(rows[at], holding.again)} />}
      {searching.problem && <Phase of={searching} />}
    </Panel>
  );
}
