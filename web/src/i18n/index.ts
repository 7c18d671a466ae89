// SPDX-License-Identifier: Apache-2.0
// Two languages, one set of keys: a key that one of them lacks does not compile.  Messages are kept as keys and put into
// words when they are drawn, so that a change of language changes everything that is on the screen.
import { Store } from '../core/store';
import { en } from './en';
import { hu } from './hu';

export type Lang = 'hu' | 'en';
export type Key = keyof typeof hu;
export type Values = Record<string, string | number>;

/** A text that has not been put into words yet. */
export interface Message {
  key: Key;
  values?: Values;
}

const texts: Record<Lang, Record<Key, string>> = { hu, en };
const KEPT = 'lang'; // the only thing that this page keeps in the browser

function kept(): Lang {
  try {
    return localStorage.getItem(KEPT) === 'en' ? 'en' : 'hu';
  } catch {
    return 'hu'; // storage is forbidden here
  }
}

export const lang = new Store<Lang>(kept());

export function setLang(to: Lang): void {
  lang.set(to);
  document.documentElement.lang = to;
  try {
    localStorage.setItem(KEPT, to);
  } catch {
    // the choice then lasts until the page is closed
  }
}

/** The text of ${key}; {name} in it is replaced by the value of that name. */
export function t(key: Key, values?: Values): string {
  const text = texts[lang.get()][key];
  return values ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : text;
}

export const say = (m: Message): string => t(m.key, m.values);
