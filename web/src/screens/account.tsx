// SPDX-License-Identifier: Apache-2.0
// One's own access: a new passphrase, the second factor with its backup codes, signing out everywhere.
import { useCallback, useState } from 'preact/hooks';
import { api, ask, type Schemas } from '../api/client';
import { useAction } from '../core/action';
import { passphraseChanged, session, signOut, type Me } from '../core/session';
import { t } from '../i18n';
import { CODE, codeOf } from '../ui/forms';
import { Button, Field, Panel, Phase } from '../ui/parts';

function Secret(p: { label: string; value: string; onInput: (v: string) => void; fresh?: boolean; hint?: string }) {
  return (
    <Field label={p.label} hint={p.hint}>
      {(ids) => <input {...ids} type="password" required minLength={p.fresh ? 12 : 1} autocomplete={p.fresh ? 'new-password' : 'current-password'} value={p.value} onInput={(e) => p.onInput(e.currentTarget.value)} />}
    </Field>
  );
}

export function Passphrase(p: { first?: boolean }) {
  const [before, setBefore] = useState('');
  const [after, setAfter] = useState('');
  const change = useAction(useCallback(async (_: unknown, old_passphrase: string, new_passphrase: string) => {
    await ask(api.PUT('/v1/me/passphrase', { body: { old_passphrase, new_passphrase } }));
    setBefore('');
    setAfter('');
    passphraseChanged();
  }, []));
  return (
    <Panel title={t('account.passphrase')}>
      {p.first && <p class="banner wait">{t('account.must_change')}</p>}
      <form class="narrow" onSubmit={(e) => { e.preventDefault(); void change.run(before, after); }}>
        <Secret label={t('account.old')} value={before} onInput={setBefore} />
        <Secret label={t('account.new')} value={after} onInput={setAfter} fresh hint={t('account.new_hint')} />
        <div class="row"><Button type="submit" kind="main" busy={change.phase === 'sending'}>{t('account.change')}</Button></div>
        <Phase of={change} />
      </form>
    </Panel>
  );
}

function Enrol(p: { onDone: () => void }) {
  const [passphrase, setPassphrase] = useState('');
  const [code, setCode] = useState('');
  const [secret, setSecret] = useState<Schemas['totp']>();
  const [codes, setCodes] = useState<string[]>();
  const begin = useAction(useCallback(async (_: unknown, given: string) => setSecret(await ask(api.POST('/v1/me/totp', { body: { passphrase: given } }))), []));
  const confirm = useAction(useCallback(async (_: unknown, given: string) => setCodes((await ask(api.POST('/v1/me/totp/confirm', { body: { code: given } }))).backup_codes), []));
  if (codes)
    return (
      <>
        <p class="banner wait">{t('account.codes')}</p>
        <ol class="codes">{codes.map((c) => <li key={c} class="code">{c}</li>)}</ol>
        <div class="row"><Button onClick={() => print()}>{t('sheet.print')}</Button><Button kind="main" onClick={p.onDone}>{t('account.codes_kept')}</Button></div>
      </>
    );
  if (secret)
    return (
      <form class="narrow" onSubmit={(e) => { e.preventDefault(); void confirm.run(codeOf(code)); }}>
        <p>{t('account.app')}</p>
        <p class="code secret">{secret.secret.replace(/(.{4})/g, '$1 ')}</p>
        <p><a href={secret.uri}>{t('account.app_link')}</a></p>
        <Field label={t('signin.code')}>{(ids) => <input {...ids} inputMode="numeric" autocomplete="one-time-code" required value={code} onInput={(e) => setCode(e.currentTarget.value)} />}</Field>
        <div class="row"><Button type="submit" kind="main" busy={confirm.phase === 'sending'}>{t('account.confirm')}</Button></div>
        <Phase of={confirm} />
      </form>
    );
  return (
    <form class="narrow" onSubmit={(e) => { e.preventDefault(); void begin.run(passphrase); }}>
      <p>{t('account.factor_why')}</p>
      <Secret label={t('signin.passphrase')} value={passphrase} onInput={setPassphrase} />
      <div class="row"><Button type="submit" busy={begin.phase === 'sending'}>{t('account.enrol')}</Button></div>
      <Phase of={begin} />
    </form>
  );
}

function Remove(p: { left: number; onDone: () => void }) {
  const [passphrase, setPassphrase] = useState('');
  const [code, setCode] = useState('');
  const remove = useAction(useCallback(async (_: unknown, body: Schemas['totp-removal']) => {
    await ask(api.POST('/v1/me/totp/remove', { body }));
    p.onDone();
  }, [p.onDone]));
  return (
    <form class="narrow" onSubmit={(e) => { e.preventDefault(); void remove.run({ passphrase, code: codeOf(code) }); }}>
      <p>{t('account.factor_on', { n: p.left })}</p>
      <Secret label={t('signin.passphrase')} value={passphrase} onInput={setPassphrase} />
      <Field label={t('signin.code')}>{(ids) => <input {...ids} {...CODE} value={code} onInput={(e) => setCode(e.currentTarget.value)} />}</Field>
      <div class="row"><Button type="submit" kind="danger" busy={remove.phase === 'sending'}>{t('account.remove')}</Button></div>
      <Phase of={remove} />
    </form>
  );
}

export function AccountScreen(p: { me: Me }) {
  const everywhere = useAction(useCallback(async () => {
    await ask(api.POST('/v1/me/sign-out-everywhere'));
    signOut();
  }, []));
  const again = useCallback(async () => {
    const me = await ask(api.GET('/v1/me'));
    session.update((s) => ({ ...s, me }));
  }, []);
  return (
    <>
      <Panel title={t('account.factor')}>{p.me.second_factor ? <Remove left={p.me.backup_codes_left} onDone={() => void again()} /> : <Enrol onDone={() => void again()} />}</Panel>
      <Passphrase />
      <Panel title={t('account.everywhere')}>
        <p>{t('account.everywhere_why')}</p>
        <div class="row"><Button kind="danger" busy={everywhere.phase === 'sending'} onClick={() => void everywhere.run()}>{t('account.everywhere')}</Button></div>
        <Phase of={everywhere} />
      </Panel>
    </>
  );
}
