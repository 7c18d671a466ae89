// SPDX-License-Identifier: Apache-2.0
// What all screens are made of.  Words and shapes carry the meaning; colour only repeats it.
import type { ComponentChildren, JSX, TargetedMouseEvent } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import type { Problem } from '../api/client';
import { options, type List } from '../core/codes';
import { age, clock, remaining, tick } from '../core/time';
import type { Action } from '../core/action';
import { t, type Key } from '../i18n';
import { announcement } from './announce';

export type Children = { children?: ComponentChildren };

/** A key that is held down presses once: what it did may have put another meaning on the button. */
const once = (e: KeyboardEvent): void => {
  if (e.repeat && e.key === 'Enter') e.preventDefault();
};

const TWICE_MS = 400;
const NEAR_PX = 30;
let pressed = { at: -TWICE_MS, x: 0, y: 0 };

/** Is ${e} the second half of a double click, or of a double tap, which phones do not count? */
function isTwin(e: MouseEvent): boolean {
  if (e.detail === 0) return false; // a key, or a reader
  const last = pressed;
  pressed = { at: e.timeStamp, x: e.clientX, y: e.clientY };
  return e.detail > 1 || (e.timeStamp - last.at < TWICE_MS && Math.hypot(e.clientX - last.x, e.clientY - last.y) < NEAR_PX);
}

/** ${single}: a double click is one press.  After a fast answer its second half would hit the opposite, or another household's button. */
export function Button(p: JSX.IntrinsicElements['button'] & { busy?: boolean; single?: boolean; kind?: 'main' | 'plain' | 'danger' }) {
  const { busy, single, kind, class: extra, onClick, ...rest } = p;
  const press = (e: TargetedMouseEvent<HTMLButtonElement>): void => {
    if (!isTwin(e) || !single) onClick?.call(e.currentTarget, e);
  };
  return (
    <button type="button" onKeyDown={once} {...rest} onClick={press} class={`button ${kind ?? 'plain'} ${typeof extra === 'string' ? extra : ''}`} aria-disabled={busy || rest.disabled ? 'true' : undefined} aria-busy={busy ? 'true' : undefined}>
      {rest.children}
    </button>
  );
}

/** A label above what it names, a hint and what is wrong below it. */
export function Field(p: { label: string; hint?: string | undefined; wrong?: string | undefined; children: (ids: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: 'true' }) => ComponentChildren }) {
  const id = useId();
  const notes = [p.hint ? `${id}-hint` : '', p.wrong ? `${id}-wrong` : ''].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{p.label}</label>
      {p.children({ id, ...(notes ? { 'aria-describedby': notes } : {}), ...(p.wrong ? { 'aria-invalid': 'true' as const } : {}) })}
      {p.hint && <p class="hint" id={`${id}-hint`}>{p.hint}</p>}
      {p.wrong && <p class="wrong" id={`${id}-wrong`}>{p.wrong}</p>}
    </div>
  );
}

/** One of a code list, from a select. */
export function CodeSelect(p: { label: string; list: List; value: string; onPick: (code: string) => void; empty?: string; only?: readonly string[] }) {
  const rows = options(p.list).filter((r) => !p.only || p.only.includes(r.code));
  return (
    <Field label={p.label}>
      {(ids) => (
        <select {...ids} value={p.value} onChange={(e) => p.onPick(e.currentTarget.value)}>
          {p.empty !== undefined && <option value="">{p.empty}</option>}
          {rows.map((r) => <option key={r.code} value={r.code}>{r.label}</option>)}
        </select>
      )}
    </Field>
  );
}

/** One of a code list, all in sight. */
export function CodeRadios(p: { legend: string; list: List; value: string; onPick: (code: string) => void; only?: readonly string[] }) {
  const name = useId();
  const rows = options(p.list).filter((r) => !p.only || p.only.includes(r.code));
  return (
    <fieldset class="choice">
      <legend>{p.legend}</legend>
      {rows.map((r) => (
        <label key={r.code} class="pill">
          <input type="radio" name={name} value={r.code} checked={p.value === r.code} onChange={() => p.onPick(r.code)} />
          <span>{r.label}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function Check(p: { label: string; checked: boolean; onChange: (to: boolean) => void }) {
  return (
    <label class="pill">
      <input type="checkbox" checked={p.checked} onChange={(e) => p.onChange(e.currentTarget.checked)} />
      <span>{p.label}</span>
    </label>
  );
}

/** A small number with a button on each side, each large enough for a thumb. */
export function Stepper(p: { label: string; value: number; min?: number; max: number; onStep: (to: number) => void; text?: string }) {
  const min = p.min ?? 0;
  const step = (by: number): void => {
    const to = Math.min(p.max, Math.max(min, p.value + by));
    if (to !== p.value) p.onStep(to);
  };
  return (
    <div class="stepper" role="group" aria-label={p.label}>
      <Button class="step" aria-label={t('step.less', { what: p.label })} disabled={p.value <= min} onClick={() => step(-1)}>−</Button>
      <output>{p.text ?? p.value}</output>
      <Button class="step" aria-label={t('step.more', { what: p.label })} disabled={p.value >= p.max} onClick={() => step(1)}>+</Button>
    </div>
  );
}

/** Time to go, counted down.  Spoken once, not each second. */
export function Countdown(p: { until: string; label: Key }) {
  tick.use();
  const left = remaining(p.until);
  return (
    <span class={left === '00:00' ? 'countdown over' : 'countdown'}>
      <span class="quiet">{t(p.label)}</span> <time dateTime={p.until} role="timer" aria-live="off">{left}</time>
    </span>
  );
}

/** How old a statement is. */
export function Age(p: { at: string }) {
  tick.use();
  return <time dateTime={p.at} title={clock(p.at)}>{age(p.at)}</time>;
}

/** A state: a shape, a word, and a colour that repeats them. */
export type Tone = 'good' | 'wait' | 'bad' | 'calm';
const shapes: Record<Tone, string> = { good: '■', wait: '◐', bad: '✕', calm: '○' };
export function State(p: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`state ${p.tone}`}>
      <span aria-hidden="true">{shapes[p.tone]}</span>{'\u00a0'}{p.children}
    </span>
  );
}

/** What went wrong and what to do, near the button that caused it. */
export function Wrong(p: { problem: Problem | undefined; retry?: (() => unknown) | undefined }) {
  if (!p.problem) return null;
  return (
    <div class="trouble" role="alert">
      <p>{p.problem.text}</p>
      {p.problem.body.request_id && <p class="hint">{t('problem.number', { id: p.problem.body.request_id })}</p>}
      {p.retry && p.problem.isRetryable && <Button onClick={() => void p.retry?.()}>{t('problem.retry')}</Button>}
    </div>
  );
}

/** Where her keyboard and her reader go on when ${of} has changed and what had the focus is gone with it. */
export function useCatch<E extends HTMLElement>(isHere: boolean, of: unknown) {
  const box = useRef<E>(null);
  useEffect(() => {
    if (isHere && document.activeElement === document.body) box.current?.focus();
  }, [isHere, of]);
  return box;
}

/** What is being sent stands still: what was typed over it would be lost with the answer, or called saved.  The focus comes back. */
export function Still<A extends unknown[]>(p: { of: Action<A>; children: ComponentChildren }) {
  const isSending = p.of.phase === 'sending';
  const had = useRef<HTMLElement | null>(null);
  if (isSending) had.current ??= document.activeElement as HTMLElement | null;
  useEffect(() => {
    if (isSending) return;
    if (document.activeElement === document.body) had.current?.focus();
    had.current = null;
  }, [isSending]);
  return <div inert={isSending}>{p.children}</div>;
}

/** The state of an action in one word, beside its button.  ${again}: what "try again" sends, of fields that may say something else by now. */
export function Phase<A extends unknown[]>(p: { of: Action<A>; again?: () => unknown }) {
  if (p.of.phase === 'sending') return <span class="phase">{t('phase.sending')}</span>;
  if (p.of.phase === 'saved') return <span class="phase saved" role="status">{t('phase.saved')}</span>;
  return <Wrong problem={p.of.problem} retry={p.of.phase === 'unsent' ? (p.again ?? p.of.retry) : undefined} />;
}

export function Panel(p: { title: string; children?: ComponentChildren; aside?: ComponentChildren; id?: string; level?: 2 | 3 }) {
  const id = useId();
  const Heading = p.level === 3 ? 'h3' : 'h2';
  return (
    <section class="panel" aria-labelledby={id} id={p.id}>
      <header>
        <Heading id={id}>{p.title}</Heading>
        {p.aside}
      </header>
      {p.children}
    </section>
  );
}

/** A dialog of the browser's own: focus stays in it, Escape closes it. */
export function Dialog(p: { title: string; onClose: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    box.current?.showModal();
  }, []);
  return (
    <dialog ref={box} aria-labelledby={id} onClose={p.onClose}>
      <h2 id={id}>{p.title}</h2>
      {p.children}
    </dialog>
  );
}

export function Announcer() {
  const a = announcement.use();
  return <p class="unseen" role="status" key={a.n}>{a.text}</p>;
}
