// SPDX-License-Identifier: Apache-2.0
// The helpline's desk: one tab for each call, so that two callers are never mixed up, and a new call one key away.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label } from '../core/codes';
import { everything } from '../core/pages';
import { useResource } from '../core/resource';
import { session, type Me } from '../core/session';
import { clock } from '../core/time';
import { t } from '../i18n';
import { announce } from '../ui/announce';
import { Button, Dialog, State, Wrong } from '../ui/parts';
import { hidden } from '../ui/shell';
import { BreakGlass } from './break-glass';
import { EpisodePage } from './desk-episode';
import { Intake } from './desk-intake';

export type Episode = Schemas['episode'];
export type Household = NonNullable<Episode['household']>;

const NEW = 'new';

const openEpisodes = (): Promise<Episode[]> => everything((query) => ask(api.GET('/v1/episodes', { params: { query } })));

/** "1+2 fő": adults and children, the shortest name that a call can have without naming anybody. */
export function householdShort(h: Household): string {
  const adults = (h.women ?? 0) + (h.men ?? 0) + (h.siblings ?? 0) + (h.partner ? 1 : 0);
  return t('desk.short', { adults, children: h.children?.length ?? 0 });
}

/** The same order at every reading, also of what was opened in one second: nothing moves from under the finger. */
const byTime = (a: Episode, b: Episode): number => a.opened_at.localeCompare(b.opened_at) || a.id.localeCompare(b.id);

/** How a call is told from the others. */
const callName = (e: Episode): string => `${e.household ? householdShort(e.household) : ''} · ${clock(e.opened_at)}`;

/** Keys that work when nobody is typing, what was typed is not on its way, and not behind cover and lock. */
function useKeys(keys: Record<string, () => void>): void {
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      const at = e.target as HTMLElement;
      const isTyping = /^(input|select|textarea)$/i.test(at.tagName) && !(at instanceof HTMLInputElement && /radio|checkbox/.test(at.type));
      if (hidden.get() || session.get().phase !== 'in' || isTyping || e.ctrlKey || e.altKey || e.metaKey || document.querySelector('dialog[open], div:not([hidden]) > .intake [inert]')) return;
      const act = keys[e.key];
      if (act) {
        e.preventDefault();
        act();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
}

function KeyHelp(p: { onClose: () => void }) {
  const rows = [['n', 'keys.new'], ['↑ ↓', 'keys.choose'], ['Enter', 'keys.hold'], ['1 … 9', 'keys.tab'], ['Shift ×3', 'keys.hide'], ['?', 'keys.help']] as const;
  return (
    <Dialog title={t('keys.title')} onClose={p.onClose}>
      <table>
        <tbody>{rows.map(([key, what]) => <tr key={key}><th scope="row"><kbd>{key}</kbd></th><td>{t(what)}</td></tr>)}</tbody>
      </table>
      <form method="dialog" class="row"><button class="button main">{t('close')}</button></form>
    </Dialog>
  );
}

export function DeskScreen(p: { me: Me }) {
  const list = useResource(openEpisodes, [p.me.user], (e) => e.kind.startsWith('episode.'));
  const [open, setOpen] = useState(NEW);
  const inFront = useRef(open); // also for what was begun when another was
  inFront.current = open;
  const [kept, setKept] = useState<Episode[]>([]); // just opened or just closed here: shown until its tab is left
  const [help, setHelp] = useState(false);
  const [news, setNews] = useState<readonly string[]>([]); // calls to which something happened while they were not in front
  const listed = (list.data ?? []).filter((e) => !e.waiting && e.state === 'open');
  const seen = useRef<Episode>(undefined); // in front of her: closed elsewhere it stays, too
  const around = seen.current?.id === open ? [seen.current, ...kept] : kept;
  const rows = [...new Map([...around, ...listed].map((e) => [e.id, e])).values()].sort(byTime);
  seen.current = rows.find((e) => e.id === open);
  const waiting = (list.data ?? []).filter((e) => e.waiting).sort(byTime);

  const pick = (id: string): void => {
    setOpen(id);
    setNews((n) => n.filter((x) => x !== id));
    setKept((k) => k.filter((e) => e.id === id));
  };
  const tell = (e: Episode, said: string): void => {
    const isInFront = inFront.current === e.id;
    announce(isInFront ? said : `${callName(e)}: ${said}`);
    if (!isInFront) setNews((n) => [...n, e.id]);
  };
  // only to whoever waits for it: not to her who answered another line meanwhile, or reads a sheet, which would lie out of sight
  // and keep everything else out of reach
  const bring = (e: Episode, from: string): void => {
    setKept((k) => [...k, e]);
    if (inFront.current === from && !document.querySelector('dialog[open]')) setOpen(e.id);
    else tell(e, t('desk.news'));
  };
  const digits = Object.fromEntries(rows.slice(0, 9).map((e, i) => [String(i + 1), () => pick(e.id)]));
  useKeys({ n: () => pick(NEW), '?': () => setHelp(true), ...digits });

  const takeOver = useAction(useCallback(
    async (_: unknown, id: string, from: string) => {
      try {
        bring(await ask(api.POST('/v1/episodes/{episode}/take-over', { params: { path: { episode: id } } })), from);
      } finally {
        list.reload(); // somebody may have been quicker
      }
    },
    [list.reload],
  ));

  return (
    <>
      <nav class="tabs calls" aria-label={t('desk.calls')}>
        <button type="button" aria-current={open === NEW ? 'page' : undefined} onClick={() => pick(NEW)}>+ {t('desk.new')}</button>
        {rows.map((e, i) => (
          <button key={e.id} type="button" aria-current={open === e.id ? 'page' : undefined} onClick={() => pick(e.id)}>
            <kbd aria-hidden="true">{i + 1}</kbd> {callName(e)}{news.includes(e.id) && <> <State tone="wait">{t('desk.news')}</State></>}
          </button>
        ))}
        <Button class="small" onClick={() => setHelp(true)}>{t('keys.button')}</Button>
      </nav>
      {waiting.length > 0 && (
        <section class="banner wait" aria-label={t('desk.waiting')}>
          <p>{t('desk.waiting')}</p>
          <ul>
            {waiting.map((e) => (
              <li key={e.id} class="row">
                {e.household ? `${householdShort(e.household)} · ${label('case_type', e.household.case_type)}` : ''} · {clock(e.opened_at)}
                <Button single onClick={() => void takeOver.run(e.id, open)}>{t('desk.take_over')}</Button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <BreakGlass me={p.me} />
      <Wrong problem={takeOver.problem} />
      <Wrong problem={list.problem} retry={list.reload} />
      <div hidden={open !== NEW}>
        <Intake isShown={open === NEW} onOpened={(e) => { bring(e, NEW); list.reload(); }} />
      </div>
      {rows.map((e) => (
        <div key={e.id} hidden={open !== e.id}>
          <EpisodePage episode={e} isShown={open === e.id} onNews={(said) => tell(e, said)} onEnded={(ended) => { setKept((k) => [...k.filter((x) => x.id !== ended.id), ended]); list.reload(); }} />
        </div>
      ))}
      {help && <KeyHelp onClose={() => setHelp(false)} />}
    </>
  );
}
