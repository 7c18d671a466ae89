// SPDX-License-Identifier: Apache-2.0
// Which screen is shown: by the phase of the session, then by the roles of the person.
import { useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { session, type Me } from './core/session';
import { lang, t } from './i18n';
import { screensFor } from './screens';
import { Passphrase } from './screens/account';
import { Barred, Cover, SignInScreen } from './screens/signin';
import { hidden, Shell } from './ui/shell';

// never while a finger is on it: a tab that moves between touch and release is not pressed
const middle = (tab: HTMLElement) => tab.scrollIntoView({ block: 'nearest', inline: 'center' });

function Work(p: { me: Me }) {
  const screens = screensFor(p.me);
  const [open, setOpen] = useState(screens[0]?.id);
  const screen = screens.find((s) => s.id === open) ?? screens[0];
  lang.use();
  if (!screen) return <Shell title={t('brand')}><p>{t('no_screen')}</p></Shell>;
  const nav = screens.length > 1 && (
    <nav class="tabs" aria-label={t('nav')}>
      {screens.map((s) => (
        <button key={s.id} type="button" aria-current={s === screen ? 'page' : undefined}
          onClick={(e) => { setOpen(s.id); middle(e.currentTarget); }}
          onFocus={(e) => e.currentTarget.matches(':focus-visible') && middle(e.currentTarget)}>{t(s.title)}</button>
      ))}
    </nav>
  );
  return (
    <Shell title={t(screen.title)} nav={nav}>
      <screen.view key={screen.id} me={p.me} />
    </Shell>
  );
}

export function App() {
  const s = session.use();
  const isHidden = hidden.use();
  lang.use();
  useEffect(() => {
    document.documentElement.lang = lang.get();
  });
  // one and the same while nothing of the person changes: covering it must not draw it again
  const work = useMemo(
    () => s.me && (s.mustChange ? <Shell title={t('account.passphrase')}><Passphrase first /></Shell> : <Work me={s.me} key={s.me.user} />),
    [s.me, s.mustChange],
  );
  const isAway = isHidden || s.phase === 'locked';
  // a dialog that stays open out of sight keeps everything else out of reach, also the cover's button and the passphrase
  useLayoutEffect(() => {
    if (isAway) for (const d of document.querySelectorAll<HTMLDialogElement>('dialog[open]')) d.close();
  }, [isAway]);
  if (s.phase === 'starting') return null;
  if (s.phase === 'barred') return <Barred />;
  const front = isHidden ? <Cover /> : isAway && <SignInScreen />;
  if (s.me === null || s.phase === 'out') return front || <SignInScreen />;
  // behind cover and lock the work stays as it is, out of sight and out of reach
  return (
    <>
      {front}
      <div hidden={isAway} inert={isAway}>
        {work}
      </div>
    </>
  );
}
