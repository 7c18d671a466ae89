// SPDX-License-Identifier: Apache-2.0
// The API by its contract: paths, bodies and answers are typed from openapi.yaml.  Every failure is a Problem, whether
// the server refused or could not be reached.
import type { Client } from 'openapi-fetch';
import { lang, t } from '../i18n';
import { learnClock } from '../core/time';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type ProblemBody = Schemas['problem'];

export class Problem extends Error {
  constructor(
    readonly status: number, // 0: no answer
    readonly code: string,
    readonly body: Partial<ProblemBody>,
    readonly retryAfter: number, // seconds; 0: not said
  ) {
    super(code);
  }

  /** What to tell a person: what happened, and what the server says to do. */
  get text(): string {
    if (this.status === 0) return t('problem.offline');
    if (token !== null && this.code === 'token_invalid') return t('problem.was_locked'); // "sign in again" has been done
    return [this.body.title, this.body.detail].filter(Boolean).join('. ') || t('problem.unknown');
  }

  /** May the very same request succeed if it is sent again?  After 401: once the lock is open. */
  get isRetryable(): boolean {
    return this.status === 0 || this.status === 401 || this.status === 429 || this.status === 503;
  }
}

let token: string | null = null;
let before: string | null = null; // the token that this one renewed
let taken: string | null = null; // that of the two with which something succeeded last
let lost: (code: string) => void = () => {};

export const setToken = (to: string | null): void => {
  before = to && token; // never that of an earlier person
  token = to;
  if (to === null) taken = null;
};
/** The token that was taken last, when it is the one before; null: there is none but ours. */
export const tokenBefore = (): string | null => (taken === token ? null : taken);
export const bearer = (): Record<string, string> => (token === null ? {} : { Authorization: `Bearer ${token}` });
const OVER = ['token_invalid', 'token_required', 'device_refused'];
/** Have ${then} called when the server no longer knows our token, or this device. */
export const onLost = (then: (code: string) => void): void => void (lost = then);
/** The service has said ${code}: that may be the end of it. */
export const heard = (code: string): void => {
  if (OVER.includes(code)) lost(code);
};

/** A node that fell silent, or a radio hole, ends no connection: without this a button is at work until the system gives up, a quarter
 * of an hour on some.  What had no answer by then counts as unsent, and is tried again with the same key. */
const ANSWER_MS = 40_000;
export const limit = (): AbortSignal => AbortSignal.timeout(ANSWER_MS);

interface Options {
  params?: { path?: Record<string, string>; query?: Record<string, string>; header?: Record<string, string> };
  body?: unknown;
}

/** One request by the contract.  What is no JSON has no body to speak of. */
const by = (method: string) => async (path: string, { params = {}, body }: Options = {}): Promise<Answer<unknown>> => {
  const at = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params.path?.[name] ?? ''));
  const query = String(new URLSearchParams(params.query));
  const sent = token;
  const response = await fetch(query ? `${at}?${query}` : at, {
    method,
    cache: 'no-store',
    signal: limit(),
    headers: { ...bearer(), 'Accept-Language': lang.get(), ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...params.header },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    // as said
  }
  return response.ok ? { data: read, response, sent } : { error: read, response, sent };
};

/** Typed like the client that openapi-fetch makes, of which nothing else is needed here. */
export const api = { GET: by('GET'), POST: by('POST'), PUT: by('PUT'), PATCH: by('PATCH') } as unknown as Pick<Client<paths>, 'GET' | 'POST' | 'PUT' | 'PATCH'>;

interface Answer<T> {
  data?: T;
  error?: unknown;
  sent?: string | null; // the token it was asked with
  response: Response;
}

/** The body of a success; anything else is thrown as a Problem. */
export async function ask<T>(request: Promise<Answer<T>>): Promise<T> {
  const asked = Date.now();
  let answer: Answer<T>;
  try {
    answer = await request;
  } catch {
    throw new Problem(0, 'offline', {}, 0);
  }
  learnClock(answer.response.headers.get('date'), asked);
  if (answer.response.ok) {
    if (answer.sent === token || answer.sent === before) taken = answer.sent;
    return answer.data as T;
  }
  const body = (typeof answer.error === 'object' && answer.error !== null ? answer.error : {}) as Partial<ProblemBody>;
  const problem = new Problem(
    answer.response.status, body.code ?? 'unknown', body, Number(answer.response.headers.get('retry-after') ?? 0));
  if (answer.sent === token || problem.code === 'device_refused') heard(problem.code); // of a token before the lock it is no news
  throw problem;
}

/** The body of a success with the version of what it shows, for If-Match. */
export async function askTagged<T>(request: Promise<Answer<T>>): Promise<{ data: T; etag: string }> {
  const data = await ask(request);
  return { data, etag: (await request).response.headers.get('etag') ?? '*' };
}

/** A key for one intention of a person: a retry of the same intention uses the same key, so nothing happens twice. */
export const newIntention = (): { 'Idempotency-Key': string } => ({ 'Idempotency-Key': crypto.randomUUID() });
