// SPDX-License-Identifier: Apache-2.0
// Instead of asking "are you sure?": it is done, and for ten seconds it can be undone.
import { useEffect } from 'preact/hooks';
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
  offer.set({ text, undo });
  announce(text);
}

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
      <Button onClick={() => { offer.set(null); current.undo(); }}>{t('undo')}</Button>
    </section>
  );
}
