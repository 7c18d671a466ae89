// SPDX-License-Identifier: Apache-2.0
// Signing in, and opening the lock.  The device has proved itself in the handshake: here only the person is asked.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../api/client';
import { session, signIn, signOut, type Why } from '../core/session';
import { t, type Key } from '../i18n';
import { CODE, codeOf } from '../ui/forms';
import { Button, Field, Wrong } from '../ui/parts';
import { hidden, Shell } from '../ui/shell';

const notes: Record<Why, Key | null> = {
  none: null, signed_out: 'why.signed_out', idle: 'why.idle', hidden: null, ended: 'why.ended', barred: null,
};

export function SignInScreen() {
  const s = session.use();
  const isLocked = s.phase === 'locked';
  const [user, setUser] = useState(isLocked ? (s.me?.name ?? '') : '');
  const [passphrase, setPassphrase] = useState('');
  const [code, setCode] = useState('');
  const [needsCode, setNeedsCode] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const first = useRef<HTMLInputElement>(null);
  const second = useRef<HTMLInputElement>(null);
  const note = notes[s.why];

  useEffect(() => first.current?.focus(), []);
  useEffect(() => second.current?.focus(), [needsCode]); // once: not at each key that is typed elsewhere

  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await signIn({ user: user.trim(), passphrase, ...(needsCode && code !== '' ? { code: codeOf(code) } : {}) });
    } catch (e) {
      if (!(e instanceof Problem)) throw e;
      setProblem(e);
      setCode('');
      if (e.code === 'code_required') {
        setNeedsCode(true); // the passphrase was right: it stays
        second.current?.focus();
        return;
      }
      setPassphrase('');
      first.current?.focus();
    } finally {
      setBusy(false);
    }
  };

  return (
    <Shell title={t(isLocked ? 'lock.title' : 'signin.title')}>
      <form class="narrow" onSubmit={(e) => void submit(e)}>
        {note && <p class="banner calm">{t(note)}</p>}
        {isLocked && <p>{t('lock.kept')}</p>}
        <Field label={t('signin.user')}>
          {(ids) => <input {...ids} ref={isLocked ? null : first} name="user" autocomplete="username" autocapitalize="none" spellcheck={false} required value={user} onInput={(e) => { setUser(e.currentTarget.value); setNeedsCode(false); }} />}
        </Field>
        <Field label={t('signin.passphrase')}>
          {(ids) => <input {...ids} ref={isLocked ? first : null} type="password" name="passphrase" autocomplete="current-password" required value={passphrase} onInput={(e) => setPassphrase(e.currentTarget.value)} />}
        </Field>
        {needsCode && (
          <Field label={t('signin.code')} hint={t('signin.code_hint')}>
            {(ids) => <input {...ids} ref={second} name="code" {...CODE} value={code} onInput={(e) => setCode(e.currentTarget.value)} />}
          </Field>
        )}
        <Wrong problem={problem} />
        <div class="row">
          <Button type="submit" kind="main" busy={busy}>{t(busy ? 'signin.busy' : isLocked ? 'lock.open' : 'signin.go')}</Button>
          {isLocked && <Button onClick={() => { hidden.set(false); signOut(); }}>{t('lock.other')}</Button>}
        </div>
      </form>
    </Shell>
  );
}

/** This device is not let in any more: what its person does now.  Whoever else holds it learns nothing. */
export function Barred() {
  return (
    <Shell title={t('barred.title')}>
      <div class="narrow banner bad" role="alert">
        <p>{t('barred.why')}</p>
        <p>{t('barred.what')}</p>
      </div>
    </Shell>
  );
}

/** Nothing that could be asked about: a blank page with a neutral line, until Enter or a tap. */
export function Cover() {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  return (
    <main class="cover">
      <h1>{t('brand')}</h1>
      <Button ref={button} onClick={() => hidden.set(false)}>{t('cover.open')}</Button>
    </main>
  );
}
