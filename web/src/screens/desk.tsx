// SPDX-License-Identifier: Apache-2.0
// The helpline's desk: one tab for each call, so that two callers are never mixed up, and a new call one key away.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { label } from '../core/codes';
import { everything } from '../core/pages';
import { useResource } from '../core/resource';
import { session, type Me } from '../core/session';
import { clock } from '../core/time';
import { t } from '../i18n';
import { Button, Dialog, Wrong } from '../ui/parts';
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

/** Keys that work when nobody is typing, and not behind cover and lock. */
function useKeys(keys: Record<string, () => void>): void {
  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      const at = e.target as HTMLElement;
      const isTyping = /^(input|select|textarea)$/i.test(at.tagName) && !(at instanceof HTMLInputElement && /radio|checkbox/.test(at.type));
      if (hidden.get() || session.get().phase !== 'in' || isTyping || e.ctrlKey || e.altKey || e.metaKey || document.querySelector('dialog[open]')) return;
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
  const [kept, setKept] = useState<Episode[]>([]); // just opened or just closed here: shown until its tab is left
  const [help, setHelp] = useState(false);
  const listed = (list.data ?? []).filter((e) => !e.waiting && e.state === 'open');
  const rows = [...listed, ...kept.filter((k) => !listed.some((e) => e.id === k.id))].sort((a, b) => a.opened_at.localeCompare(b.opened_at));
  const waiting = (list.data ?? []).filter((e) => e.waiting);

  const pick = (id: string): void => {
    setOpen(id);
    setKept((k) => k.filter((e) => e.id === id));
  };
  const digits = Object.fromEntries(rows.slice(0, 9).map((e, i) => [String(i + 1), () => pick(e.id)]));
  useKeys({ n: () => pick(NEW), '?': () => setHelp(true), ...digits });

  const takeOver = useAction(useCallback(
    async (_: unknown, id: string) => {
      try {
        const taken = await ask(api.POST('/v1/episodes/{episode}/take-over', { params: { path: { episode: id } } }));
        setKept((k) => [...k, taken]);
        setOpen(id);
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
            <kbd aria-hidden="true">{i + 1}</kbd> {e.household ? householdShort(e.household) : ''} · {clock(e.opened_at)}
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
                <Button onClick={() => void takeOver.run(e.id)}>{t('desk.take_over')}</Button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <BreakGlass me={p.me} />
      <Wrong problem={takeOver.problem} />
      <Wrong problem={list.problem} retry={list.reload} />
      <div hidden={open !== NEW}>
        <Intake isShown={open === NEW} onOpened={(e) => { setKept((k) => [...k, e]); setOpen(e.id); list.reload(); }} />
      </div>
      {rows.map((e) => (
        <div key={e.id} hidden={open !== e.id}>
          <EpisodePage episode={e} isShown={open === e.id} onEnded={(ended) => { setKept((k) => [...k.filter((x) => x.id !== ended.id), ended]); list.reload(); }} />
        </div>
      ))}
      {help && <KeyHelp onClose={() => setHelp(false)} />}
    </>
  );
}
