// SPDX-License-Identifier: Apache-2.0
// Which screen is shown: by the phase of the session, then by the roles of the person.
import { useEffect, useState } from 'preact/hooks';
import { session, type Me } from './core/session';
import { lang, t } from './i18n';
import { screensFor } from './screens';
import { Passphrase } from './screens/account';
import { Cover, SignInScreen } from './screens/signin';
import { hidden, Shell } from './ui/shell';

function Work(p: { me: Me }) {
  const screens = screensFor(p.me);
  const [open, setOpen] = useState(screens[0]?.id);
  const screen = screens.find((s) => s.id === open) ?? screens[0];
  lang.use();
  if (!screen) return <Shell title={t('brand')}><p>{t('no_screen')}</p></Shell>;
  const nav = screens.length > 1 && (
    <nav class="tabs" aria-label={t('nav')}>
      {screens.map((s) => (
        <button key={s.id} type="button" aria-current={s === screen ? 'page' : undefined} onClick={() => setOpen(s.id)}>{t(s.title)}</button>
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
  if (isHidden) return <Cover />;
  if (s.phase === 'starting') return null;
  if (s.phase === 'out' || s.me === null) return <SignInScreen />;
  // behind the lock the work stays as it is, out of sight and out of reach
  return (
    <>
      {s.phase === 'locked' && <SignInScreen />}
      <div hidden={s.phase === 'locked'} inert={s.phase === 'locked'}>
        {s.mustChange ? <Shell title={t('account.passphrase')}><Passphrase first /></Shell> : <Work me={s.me} key={s.me.user} />}
      </div>
    </>
  );
}
