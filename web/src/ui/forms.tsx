// SPDX-License-Identifier: Apache-2.0
// What the managing screens are filled in with.
import { useState } from 'preact/hooks';
import type { Problem } from '../api/client';
import { t } from '../i18n';
import { Button, Check, Field } from './parts';

/** What the service says of the field at ${pointer}. */
export const wrongAt = (p: Problem | undefined, pointer: string | undefined): string | undefined =>
  pointer === undefined ? undefined : p?.body.errors?.find((e) => e.pointer === `/${pointer}`)?.detail;

type Named = { label: string; hint?: string | undefined; problem?: Problem | undefined; at?: string };

type Input = { type?: 'number' | 'search' | 'tel'; pattern?: string; min?: number; max?: number; maxLength?: number; required?: boolean; autocomplete?: 'off'; spellcheck?: false };

export function Text(p: Named & Input & { value: string | number; onText: (v: string) => void }) {
  const { label, hint, problem, at, onText, ...rest } = p;
  return <Field label={label} hint={hint} wrong={wrongAt(problem, at)}>{(ids) => <input {...ids} required {...(rest as object)} onInput={(e) => onText(e.currentTarget.value)} />}</Field>;
}

/** A field for a code of the authenticator app or a backup code: those have letters, which a phone must offer, all of them small. */
export const CODE = { autocomplete: 'one-time-code', autocapitalize: 'none', spellcheck: false, required: true } as const;
export const codeOf = (typed: string): string => typed.replace(/\s/g, '').toLowerCase();

export interface Choice {
  code: string;
  label: string;
}

/** With a first row that says nothing: what must not be chosen by oversight has no default. */
export const unsaid = (rows: Choice[]): Choice[] => [{ code: '', label: '' }, ...rows];

export function Pick(p: Named & { rows: Choice[]; value: string; onPick: (v: string) => void }) {
  return (
    <Field label={p.label} hint={p.hint} wrong={wrongAt(p.problem, p.at)}>
      {(ids) => (
        <select {...ids} required={p.rows[0]?.code === ''} value={p.value} onChange={(e) => p.onPick(e.currentTarget.value)}>
          {p.rows.map((r) => <option key={r.code} value={r.code}>{r.label}</option>)}
        </select>
      )}
    </Field>
  );
}

/** Any number of them. */
export function Several(p: Named & { rows: Choice[]; value: readonly string[]; onPick: (v: string[]) => void }) {
  const wrong = wrongAt(p.problem, p.at);
  return (
    <fieldset class="choice">
      <legend>{p.label}</legend>
      {p.rows.map((r) => <Check key={r.code} label={r.label} checked={p.value.includes(r.code)} onChange={(to) => p.onPick(to ? [...p.value, r.code] : p.value.filter((c) => c !== r.code))} />)}
      {wrong && <p class="wrong">{wrong}</p>}
    </fieldset>
  );
}

/** What cannot be undone takes a second press, elsewhere: a button pressed twice by mistake only asks and takes it back. */
export function Sure(p: { label: string; busy: boolean; onYes: () => void }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button kind={asking ? 'plain' : 'danger'} onClick={() => setAsking(!asking)}>{asking ? t('back') : p.label}</Button>
      {asking && <Button kind="danger" busy={p.busy} onClick={() => { setAsking(false); p.onYes(); }}>{t('sure', { what: p.label })}</Button>}
    </>
  );
}

/** A secret that is shown this once. */
export function Once(p: { text: string; secret: string | undefined; onDone: () => void }) {
  return (
    <div class="location" role="status">
      <p>{p.text}</p>
      {p.secret && <p class="code secret">{p.secret}</p>}
      <Button onClick={p.onDone}>{t('account.codes_kept')}</Button>
    </div>
  );
}
