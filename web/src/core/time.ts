// SPDX-License-Identifier: Apache-2.0
// Times as people read them, always those of Budapest, whatever the computer thinks; and the clock that redraws them.
// The server's clock counts: its Date header corrects a computer that is wrong.
import { lang, t } from '../i18n';
import { Store } from './store';

const ZONE = 'Europe/Budapest';

let ahead = 0; // ms that the server's clock is before ours

/** Learn from an answer how far our clock is off. */
export function learnClock(date: string | null, asked: number): void {
  const server = date === null ? NaN : Date.parse(date);
  if (Number.isNaN(server)) return;
  const off = server + 500 - (asked + Date.now()) / 2; // the header is cut to the second
  // what took long, on a slow line or while a laptop slept, knows no better than half of that
  if (Math.abs(off - ahead) > 1500 + Math.abs(Date.now() - asked) / 2) ahead = off;
}

export const now = (): number => Date.now() + ahead;

/** Ticks each second while something on the screen counts. */
export const tick = new Store(0);
setInterval(() => {
  if (!document.hidden) tick.update((n) => n + 1);
}, 1000);

const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = lang.get() + JSON.stringify(options);
  let made = formats.get(id);
  if (!made) {
    made = new Intl.DateTimeFormat(lang.get() === 'hu' ? 'hu-HU' : 'en-GB', { timeZone: ZONE, ...options });
    formats.set(id, made);
  }
  return made;
}

const HOUR_MS = 3_600_000;
const hour: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };

/** With an hour and minute.  In the night when the clock goes back an hour comes twice: then it says which of the two it is. */
function spell(options: Intl.DateTimeFormatOptions, time: string | number): string {
  const at = new Date(time);
  const said = (later: number): string => format({ ...options, ...hour }).format(at.getTime() + later);
  if (said(HOUR_MS) === said(0)) return t('clock.summer', { at: said(0) });
  return said(-HOUR_MS) === said(0) ? t('clock.winter', { at: said(0) }) : said(0);
}

const days = new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE }); // the Swedes write days as ISO 8601 does

/** "2026-11-21" of now. */
export const today = (): string => days.format(now());

/** Days on the calendar from today until ${day}: an hour more or less in one of them does not matter. */
export const daysUntil = (day: string): number => Math.round((Date.parse(day) - Date.parse(today())) / (24 * HOUR_MS));

/** "14:05", and the day before it when that is not today. */
export function clock(time: string | number): string {
  return spell(days.format(new Date(time)) === today() ? {} : { month: 'short', day: 'numeric' }, time);
}

/** With the day and the year, as paper needs it. */
export const stamp = (time: string | number): string => spell({ year: 'numeric', month: 'short', day: 'numeric' }, time);

/** A calendar day ("2026-11-21" or a time). */
export function dayText(time: string): string {
  const at = time.length === 10 ? new Date(`${time}T12:00:00Z`) : new Date(time);
  return format({ year: 'numeric', month: 'long', day: 'numeric' }).format(at);
}

/** "29:58" or "1:02:03" to go; never below zero. */
export function remaining(until: string): string {
  const left = Math.max(0, Math.floor((Date.parse(until) - now()) / 1000));
  const pad = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(left / 3600);
  const rest = `${pad(Math.floor((left % 3600) / 60))}:${pad(left % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** How long ago, in words: seconds do not matter, minutes, hours and days do. */
export function age(time: string): string {
  const minutes = Math.max(0, Math.floor((now() - Date.parse(time)) / 60000));
  if (minutes < 1) return t('age.now');
  if (minutes < 60) return t('age.minutes', { n: minutes });
  if (minutes < 48 * 60) return t('age.hours', { n: Math.floor(minutes / 60) });
  return t('age.days', { n: Math.floor(minutes / 1440) });
}
