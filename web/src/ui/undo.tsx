// SPDX-License-Identifier: Apache-2.0
// Instead of asking "are you sure?": it is done, and for ten seconds it can be undone.
import { useEffect } from 'preact/hooks';
import { session } from '../core/session';
import { Store } from '../core/store';
import { t } from '../i18n';
import { announce } from './announce';
import { Button } from './parts';

interface Offer {
  text: string;
  undo: () => void;
}

const SHOWN_MS = 10_000;
const offer = new Store<Offer | null>(null);

export function offerUndo(text: string, undo: () => void): void {
  if (session.get().phase !== 'in') return; // the answer came after the lock
  offer.set({ text, undo });
  announce(text);
}

/** It ends with the lock: it names a room, and whoever signs in next may be another. */
session.watch(() => {
  if (session.get().phase === 'in') return;
  offer.set(null);
  announce('');
});

export function UndoBar() {
  const current = offer.use();
  useEffect(() => {
    if (current === null) return;
    const timer = setTimeout(() => offer.get() === current && offer.set(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [current]);
  if (current === null) return null;
  return (
    <section class="undo" aria-label={t('undo')}>
      <span>{current.text}</span>
      <Button single onClick={() => { offer.set(null); current.undo(); }}>{t('undo')}</Button>
    </section>
  );
}
