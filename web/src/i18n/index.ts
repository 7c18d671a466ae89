// SPDX-License-Identifier: Apache-2.0
// Two languages, one set of keys: a key that one of them lacks does not compile.  The texts are data beside the script, and
// a browser fetches those of the language in use.  Messages are kept as keys and put into words when they are drawn, so
// that a change of language changes everything that is on the screen.
import { Store } from '../core/store';
import en from './en.json?url';
import hu from './hu.json?url';

type Hungarian = typeof import('./hu.json');
type English = typeof import('./en.json');
export type Lang = 'hu' | 'en';
export type Key = keyof Hungarian;
type None<T extends never> = T;
/** The compiler refuses this line, and names the keys, when one language lacks what the other has. */
export type Lacking = None<Exclude<keyof Hungarian, keyof English> | Exclude<keyof English, keyof Hungarian>>;
export type Values = Record<string, string | number>;

/** A text that has not been put into words yet. */
export interface Message {
  key: Key;
  values?: Values;
}

const files: Record<Lang, string> = { hu, en };
const KEPT = 'lang'; // the only thing that this page keeps in the browser
const RETRY = 2000; // milliseconds

let texts: Partial<Record<Key, string>> = {};

function kept(): Lang {
  try {
    return localStorage.getItem(KEPT) === 'en' ? 'en' : 'hu';
  } catch {
    return 'hu'; // storage is forbidden here
  }
}

export const lang = new Store<Lang>(kept());

async function load(to: Lang): Promise<void> {
  const answer = await fetch(files[to]);
  if (!answer.ok) throw new Error(files[to]);
  texts = await answer.json();
}

/** The texts of the language that was chosen last; without them nothing can be drawn, so it is tried until they come. */
export async function loadTexts(): Promise<void> {
  for (;;) {
    try {
      return await load(lang.get());
    } catch {
      await new Promise((done) => setTimeout(done, RETRY));
    }
  }
}

/** Change the language; without a connection what is shown stays as it is. */
export async function setLang(to: Lang): Promise<void> {
  try {
    await load(to);
  } catch {
    return;
  }
  lang.set(to);
  document.documentElement.lang = to;
  try {
    localStorage.setItem(KEPT, to);
  } catch {
    // the choice then lasts until the page is closed
  }
}

/** The text of ${key}; {name} in it is replaced by the value of that name, {name|one|more} by it and the word that suits it. */
export function t(key: Key, values?: Values): string {
  const text = texts[key] ?? '';
  return values ? text.replace(/\{(\w+)(?:\|(.*?)\|(.*?))?\}/g, (whole, name: string, one?: string, more?: string) =>
    [values[name] ?? whole, values[name] === 1 ? one : more].join(' ').trim()) : text;
}

export const say = (m: Message): string => t(m.key, m.values);
