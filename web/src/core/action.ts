// SPDX-License-Identifier: Apache-2.0
// One thing that a person does: sending, saved, refused or not sent.  A retry repeats the same intention with the same
// idempotency key, so that nothing happens twice.
import { useCallback, useRef, useState } from 'preact/hooks';
import { newIntention, Problem } from '../api/client';
import { announce } from '../ui/announce';

export type Phase = 'idle' | 'sending' | 'saved' | 'refused' | 'unsent';

const SAID_MS = 8000; // "saved" is news for so long

export interface Action<A extends unknown[]> {
  phase: Phase;
  problem: Problem | undefined;
  run: (...args: A) => Promise<boolean>; // true: done
  retry: () => Promise<boolean>;
  again: (...args: A) => Promise<boolean>; // retry where it can be changed meanwhile: the same intention while it says the same, else another
  clear: () => void;
}

/** ${work} gets the headers of this intention and does one request. */
export function useAction<A extends unknown[]>(work: (intention: { 'Idempotency-Key': string }, ...args: A) => Promise<void>): Action<A> {
  const [state, setState] = useState<{ phase: Phase; problem?: Problem }>({ phase: 'idle' });
  const last = useRef<{ intention: { 'Idempotency-Key': string }; args: A } | undefined>(undefined);
  const busy = useRef(false);
  const isMissed = useRef(false); // another thing was pressed while one was on its way

  const send = useCallback(async () => {
    const job = last.current;
    if (busy.current || job === undefined) return false; // a second tap on a button that is at work
    busy.current = true;
    isMissed.current = false;
    setState({ phase: 'sending' });
    try {
      await work(job.intention, ...job.args);
      setState({ phase: isMissed.current ? 'idle' : 'saved' }); // or it would be read as said of what was not sent
      setTimeout(() => last.current === job && setState((s) => (s.phase === 'saved' ? { phase: 'idle' } : s)), SAID_MS);
      return true;
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      setState({ phase: e.isRetryable ? 'unsent' : 'refused', problem: e });
      announce(e.text);
      return false;
    } finally {
      busy.current = false;
    }
  }, [work]);

  const run = useCallback(
    (...args: A) => {
      if (!busy.current) last.current = { intention: newIntention(), args };
      else isMissed.current ||= JSON.stringify(args) !== JSON.stringify(last.current?.args);
      return send();
    },
    [send],
  );
  const again = useCallback(
    (...args: A) => (JSON.stringify(args) === JSON.stringify(last.current?.args) ? send() : run(...args)),
    [send, run],
  );
  const clear = useCallback(() => void (busy.current || setState({ phase: 'idle' })), []); // what is on its way is not forgotten
  return { phase: state.phase, problem: state.problem, run, retry: send, again, clear };
}
