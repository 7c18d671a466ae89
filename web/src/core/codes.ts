// SPDX-License-Identifier: Apache-2.0
// The code lists of the field, as the service has them: the console knows no label of its own.
import { api, ask, type Schemas } from '../api/client';
import { lang } from '../i18n';

type Codes = Schemas['codes'];
export type List = Exclude<keyof Codes, '$defs'>;

let codes: Codes | null = null;

export async function loadCodes(): Promise<void> {
  codes ??= await ask(api.GET('/v1/codes'));
}

/** What ${code} of ${list} is called. */
export function label(list: List, code: string | undefined): string {
  const row = codes?.[list].find((r) => r.code === code);
  return row ? row[lang.get()] : (code ?? '');
}

const REASONS: List[] = ['need', 'decline_reason', 'client_reason', 'cancel_reason', 'disclose_reason', 'break_glass_reason', 'extend_reason', 'leave_reason', 'outcome'];

/** What a reason in the trail is called, of whichever list it is. */
export function reasonLabel(code: string | undefined): string {
  const list = REASONS.find((l) => codes?.[l].some((r) => r.code === code));
  return list ? label(list, code) : (code ?? '');
}

/** All codes of ${list} with their labels, in the order of the service. */
export const options = (list: List): { code: string; label: string }[] =>
  (codes?.[list] ?? []).map((r) => ({ code: r.code, label: r[lang.get()] }));
