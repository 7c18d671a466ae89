// SPDX-License-Identifier: Apache-2.0
// Something read from the service and kept fresh: read again after the events that concern it, kept with its age while the
// service cannot be reached.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../api/client';
import { listen, type LiveEvent } from './live';
import { now } from './time';

export interface Resource<T> {
  data: T | undefined;
  problem: Problem | undefined; // of the last try
  at: number; // ms: when the data were read
  reload: () => void;
  set: (data: T) => void; // what a change has answered
}

const SETTLE_MS = 30; // events of one change come together

export function useResource<T>(load: () => Promise<T>, deps: readonly unknown[], concerns: (e: LiveEvent) => boolean = () => true): Resource<T> {
  const [state, setState] = useState<{ data?: T; problem?: Problem; at: number }>({ at: 0 });
  const round = useRef(0);

  const reload = useCallback(() => {
    const mine = ++round.current;
    load().then(
      (data) => mine === round.current && setState({ data, at: now() }),
      (e: unknown) => {
        if (!(e instanceof Problem)) throw e;
        if (mine === round.current) setState((s) => ({ ...s, problem: e }));
      },
    );
  }, deps);

  useEffect(() => {
    let timer = 0;
    reload();
    const end = listen((e) => {
      if (e.kind !== 'reset' && !concerns(e)) return;
      clearTimeout(timer);
      timer = window.setTimeout(reload, SETTLE_MS);
    });
    return () => {
      clearTimeout(timer);
      round.current++;
      end();
    };
  }, [reload]);

  const set = useCallback((data: T) => {
    round.current++; // an answer that is still on its way is older
    setState({ data, at: now() });
  }, []);
  return { data: state.data, problem: state.problem, at: state.at, reload, set };
}
