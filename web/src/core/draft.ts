// SPDX-License-Identifier: Apache-2.0
// What is typed over what the service has.  Only that is sent, under the version over which it was typed; when somebody else was
// sooner, it stays, and what lies behind it is read anew.
import { useCallback, useRef, useState } from 'preact/hooks';
import { Problem } from '../api/client';
import { useAction, type Action } from './action';
import { useResource } from './resource';

type Tagged<T> = { data: T; etag: string };
type Part<T> = { [K in keyof T]?: T[K] | undefined };

export interface Draft<T, A extends unknown[] = []> {
  value: T | undefined; // as it would be
  base: T | undefined; // as it is
  typed: Part<T>;
  problem: Problem | undefined; // of reading
  set: (part: Part<T>) => void;
  action: Action<A>;
  save: () => void;
  send: (more: Part<T>) => void; // what was typed, and this
}

/** ${load} reads it with its version; ${save} sends what was typed under that version. */
export function useDraft<T extends object>(load: () => Promise<Tagged<T>>, save: (typed: Part<T>, etag: string) => Promise<unknown>, deps: readonly unknown[]): Draft<T, [Part<T>, string]> {
  const r = useResource(load, deps, () => false);
  const [draft, setDraft] = useState<{ typed: Part<T>; etag?: string | undefined }>({ typed: {} });
  const action = useAction(useCallback(async (_: unknown, typed: Part<T>, etag: string) => {
    try {
      await save(typed, etag);
    } catch (e) {
      if (e instanceof Problem && e.status === 412) {
        r.set(await load()); // the next try is over what is there now
        setDraft((d) => ({ typed: d.typed }));
      }
      throw e;
    }
    await load().then(r.set, r.reload); // what is typed next is typed over this
    setDraft((d) => ({ typed: Object.fromEntries(Object.entries(d.typed).filter(([name, value]) => value !== typed[name as keyof T])) as Part<T> }));
  }, deps));
  const extra = useRef<Part<T>>({});
  const now = (): Promise<boolean> => action.run({ ...draft.typed, ...extra.current }, draft.etag ?? r.data?.etag ?? '');
  const send = (more: Part<T>): void => {
    extra.current = more;
    void now();
  };
  return {
    value: r.data && { ...r.data.data, ...draft.typed },
    base: r.data?.data,
    typed: draft.typed,
    problem: r.problem,
    set: (part) => setDraft((d) => ({ typed: { ...d.typed, ...part }, etag: d.etag ?? r.data?.etag })),
    action: { ...action, retry: now }, // with what was typed since, or that would stand unsent under "saved"
    save: () => send({}),
    send,
  };
}
