// SPDX-License-Identifier: Apache-2.0
// One event stream for a browser, however many tabs are open: the tab that holds the lock reads it and tells the others.
// Screens hear of a change at once and read again what it concerns.
import { bearer, heard } from '../api/client';
import { now } from './time';
import { session } from './session';
import { Store } from './store';

export interface LiveEvent {
  kind: string; // "reservation.held", or "reset": anything may have changed
  subject: string;
}

export interface LiveState {
  is: 'off' | 'live' | 'waiting';
  since: number; // ms: last sign of life; 0: none yet
}

export const live = new Store<LiveState>({ is: 'off', since: 0 });

const LOCK = 'menedek-events';
const SILENT_MS = 40_000; // the server sends a comment each 15 s
const listeners = new Set<(e: LiveEvent) => void>();
const channel = new BroadcastChannel('menedek-live');
type ChannelMessage = { event: LiveEvent } | { state: LiveState } | { ask: true };

function hear(e: LiveEvent): void {
  for (const fn of [...listeners]) fn(e);
}

function tell(e: LiveEvent): void {
  hear(e);
  channel.postMessage({ event: e } satisfies ChannelMessage);
}

let silence = 0;

/** Nothing is live that is not heard of: the tab that reads for us may be put to sleep by the browser, and keeps the lock. */
function know(state: LiveState): void {
  live.set(state);
  clearTimeout(silence);
  silence = window.setTimeout(() => running !== null && live.set({ is: 'waiting', since: live.get().since }), SILENT_MS);
}

function say(): void {
  channel.postMessage({ state: live.get() } satisfies ChannelMessage);
}

function show(is: LiveState['is']): void {
  know({ is, since: is === 'live' ? now() : live.get().since }); // a try that failed is no sign of life
  say();
}

channel.onmessage = ({ data }: MessageEvent<ChannelMessage>) => {
  if ('event' in data) hear(data.event);
  else if ('ask' in data) isLeading && say(); // to a tab that was opened later
  else if (running !== null) know(data.state);
};

/** Call ${fn} for every event until the returned function is called. */
export function listen(fn: (e: LiveEvent) => void): () => void {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

/** Server-sent events out of text that arrives in pieces (HTML standard, 9.2). */
export class EventParser {
  #rest = '';
  lastId = '';

  /** Another stream begins: what the last one told by half is told again, whole. */
  begin(): void {
    this.#rest = '';
  }

  feed(piece: string, found: (kind: string, data: string) => void): void {
    const blocks = (this.#rest + piece).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) {
      let kind = 'message';
      let data = '';
      for (const line of block.split('\n')) {
        const colon = line.indexOf(':');
        if (colon <= 0) continue; // a comment: a sign of life
        const value = line.slice(colon + 1).trimStart();
        const field = line.slice(0, colon);
        if (field === 'event') kind = value;
        if (field === 'data') data += value;
        if (field === 'id') this.lastId = value;
      }
      if (data !== '' || kind !== 'message') found(kind, data);
    }
  }
}

/** ${code} was said of ${sent}, with which the stream was opened: of one that was renewed since it is no news, for a new
 * passphrase or second factor voids all but the one that asked.  The stream opens anew, and hears if more was taken away. */
function hearEnd(code: string, sent: string | undefined): void {
  if (sent === bearer().Authorization || code === 'device_refused') heard(code);
}

function take(kind: string, data: string, sent: string | undefined): void {
  let of: { subject?: string; code?: string } = {};
  try {
    of = JSON.parse(data || '{}') as typeof of;
  } catch {
    kind = 'reset'; // not understood: read everything again
  }
  if (kind === 'ended') hearEnd(of.code ?? '', sent); // the device, the person or a right was taken away
  else tell({ kind, subject: of.subject ?? '' });
}

async function readStream(parser: EventParser, signal: AbortSignal, stop: () => void): Promise<void> {
  const headers: Record<string, string> = { ...bearer() };
  const sent = headers.Authorization;
  if (parser.lastId !== '') headers['Last-Event-ID'] = parser.lastId;
  parser.begin();
  let silent = window.setTimeout(stop, SILENT_MS); // from the first: also a stream that never opens
  try {
    const answer = await fetch('/v1/events', { headers, signal, cache: 'no-store' });
    if (!answer.ok || answer.body === null) {
      hearEnd(((await answer.json()) as { code?: string }).code ?? '', sent);
      throw new Error(String(answer.status));
    }
    show('live');
    if (parser.lastId === '') tell({ kind: 'reset', subject: '' }); // what came before we listened is not told
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(silent);
      silent = window.setTimeout(stop, SILENT_MS);
      show('live');
      parser.feed(value, (kind, data) => take(kind, data, sent));
    }
  } finally {
    clearTimeout(silent);
  }
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

let isLeading = false;

/** Read as long as somebody is signed in; after a break begin again where it stopped. */
async function lead(ended: AbortSignal): Promise<void> {
  isLeading = true;
  ended.addEventListener('abort', () => { isLeading = false; }, { once: true });
  const parser = new EventParser();
  for (let tries = 0; !ended.aborted; ) {
    const once = new AbortController();
    const stop = (): void => once.abort();
    ended.addEventListener('abort', stop, { once: true });
    try {
      await readStream(parser, once.signal, stop);
      tries = 0;
    } catch {
      tries++;
    }
    ended.removeEventListener('abort', stop);
    if (ended.aborted) return;
    show('waiting');
    await pause(Math.min(500 * 2 ** tries, 10_000));
  }
}

let running: AbortController | null = null;

function follow(): void {
  const isIn = session.get().phase === 'in' && (session.get().me?.permissions.includes('EVENTS') ?? false);
  if (isIn && running === null) {
    const mine = new AbortController();
    running = mine;
    know(live.get());
    channel.postMessage({ ask: true } satisfies ChannelMessage);
    navigator.locks.request(LOCK, { signal: mine.signal }, () => lead(mine.signal)).catch(() => {});
  } else if (!isIn && running !== null) {
    running.abort();
    running = null;
    live.set({ is: 'off', since: live.get().since });
  }
}

session.watch(follow);
