// SPDX-License-Identifier: Apache-2.0
// A location that is shown covers itself: after a minute, though the laptop slept or its clock was put back meanwhile, and with
// the lock, whoever opens it.
import { useEffect } from 'preact/hooks';
import { session } from './session';
import { tick } from './time';

const SHOWN_MS = 60_000;

/** Have ${cover} called in time; a change of ${shown} begins the minute anew.  ${cover} is one and the same at each draw. */
export function useCover(shown: unknown, cover: () => void): void {
  useEffect(() => {
    if (!shown) return;
    const until = Date.now() + SHOWN_MS;
    const timer = setTimeout(cover, SHOWN_MS); // it stands still while the machine sleeps
    const look = (): void => void ((session.get().phase !== 'in' || Date.now() >= until) && cover());
    const ends = [tick.watch(look), session.watch(look)];
    look(); // the answer may have come after the lock
    return () => {
      clearTimeout(timer);
      for (const end of ends) end();
    };
  }, [shown, cover]);
}
