// SPDX-License-Identifier: Apache-2.0
// What stands around every screen: skip link, neutral title, who and where, live state, language, hide, sign out.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { live } from '../core/live';
import { lock, session, signOut } from '../core/session';
import { Store } from '../core/store';
import { clock, now, stamp, tick } from '../core/time';
import { lang, setLang, t } from '../i18n';
import { Announcer, Button, State } from './parts';
import { UndoBar } from './undo';

const SHIFTS = 3;
const WITHIN_MS = 900;

/** Cover everything at once, then lock: the cover must not wait for the network. */
export const hidden = new Store(false);
export function hide(): void {
  hidden.set(true);
  lock('hidden');
}

function useHideKeys(): void {
  useEffect(() => {
    let times: number[] = [];
    const onKey = (e: KeyboardEvent): void => {
      if (e.key !== 'Shift') times = [];
      else if (!e.repeat) {
        times = [...times.filter((at) => e.timeStamp - at < WITHIN_MS), e.timeStamp];
        if (times.length >= SHIFTS) hide();
      }
    };
    addEventListener('keydown', onKey, true);
    return () => removeEventListener('keydown', onKey, true);
  }, []);
}

/** Covered when a button is pressed, not when it is let go: the press may be all there is time for. */
const hiding = {
  onPointerDown: hide,
  onClick: hide, // by whatever presses without a pointer
  onKeyDown: (e: KeyboardEvent): void => {
    if (e.key === 'Enter' || e.key === ' ') hide();
  },
};

export function LanguageSwitch() {
  const to = lang.use() === 'hu' ? 'en' : 'hu';
  return <Button class="small" lang={to} onClick={() => setLang(to)}>{to === 'en' ? 'English' : 'Magyar'}</Button>;
}

function LiveMark() {
  tick.use();
  const state = live.use();
  if (state.is === 'off') return null;
  if (state.is === 'live') return <State tone="good">{t('live.on')} <time>{clock(state.since)}</time></State>;
  return <span role="status"><State tone="bad">{t('live.waiting', { at: clock(state.since || performance.timeOrigin) })}</State></span>;
}

/** Counted down to the eye, spoken once. */
function ClosingWarning() {
  const { closing } = session.use();
  const first = useRef(0);
  first.current = closing && (first.current || closing);
  if (closing === 0) return null;
  return (
    <>
      <p class="unseen" role="alert">{t('lock.soon', { n: first.current })}</p>
      <div class="banner wait" aria-hidden="true">{t('lock.soon', { n: closing })}</div>
    </>
  );
}

const SOON_DAYS = 14; // a new device takes a person elsewhere and a way

function DeviceEnds() {
  tick.use();
  const until = session.use().me?.device_until;
  const left = Date.parse(until ?? '') - now();
  if (until === undefined || !(left < SOON_DAYS * 86_400_000)) return null;
  return <div class={`banner ${left < 2 * 86_400_000 ? 'bad' : 'wait'}`} role="status">{t('device.ends', { at: stamp(until) })}</div>;
}

export function Shell(p: { title: string; children: ComponentChildren; nav?: ComponentChildren }) {
  const s = session.use();
  lang.use();
  useHideKeys();
  const isIn = s.phase === 'in';
  return (
    <>
      <a class="skip" href="#main">{t('skip.main')}</a>
      {isIn && <button type="button" class="skip" {...hiding}>{t('hide.skip')}</button>}
      <header class="top">
        {isIn && s.me?.demo && <p class="banner bad demo">{t('demo')}</p>}
        <p class="brand">{t('brand')}</p>
        {isIn && <LiveMark />}
        <div class="tools">
          <LanguageSwitch />
          {isIn && <Button class="small" {...hiding} aria-keyshortcuts="Shift Shift Shift">{t('hide')}</Button>}
          {isIn && <Button class="small" onClick={signOut}>{t('sign_out')}</Button>}
        </div>
      </header>
      <ClosingWarning />
      {isIn && <DeviceEnds />}
      {p.nav}
      <main id="main" tabIndex={-1}>
        <h1>{p.title}</h1>
        {p.children}
      </main>
      <UndoBar />
      <Announcer />
    </>
  );
}
