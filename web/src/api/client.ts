// SPDX-License-Identifier: Apache-2.0
// The API by its contract: paths, bodies and answers are typed from openapi.yaml.  Every failure is a Problem, whether
// the server refused or could not be reached.
import createClient, { type Middleware } from 'openapi-fetch';
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
    return [this.body.title, this.body.detail].filter(Boolean).join('. ') || t('problem.unknown');
  }

  /** May the very same request succeed if it is sent again?  After 401: once the lock is open. */
  get isRetryable(): boolean {
    return this.status === 0 || this.status === 401 || this.status === 429 || this.status === 503;
  }
}

let token: string | null = null;
let lost: () => void = () => {};

export const setToken = (to: string | null): void => void (token = to);
export const bearer = (): Record<string, string> => (token === null ? {} : { Authorization: `Bearer ${token}` });
/** Have ${then} called when the server no longer knows our token. */
export const onLost = (then: () => void): void => void (lost = then);
/** An answer says that it does not know our token. */
export const tokenRefused = (status: number): void => {
  if (status === 401) lost();
};

const headers: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(bearer())) if (!request.headers.has(name)) request.headers.set(name, value);
    request.headers.set('Accept-Language', lang.get());
    return request;
  },
};

export const api = createClient<paths>({ baseUrl: location.origin, cache: 'no-store', credentials: 'same-origin' });
// same-origin and not omit: without credentials a browser does not show its certificate either
api.use(headers);

interface Answer<T> {
  data?: T;
  error?: unknown;
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
  if (answer.response.ok) return answer.data as T;
  const body = (typeof answer.error === 'object' && answer.error !== null ? answer.error : {}) as Partial<ProblemBody>;
  const problem = new Problem(
    answer.response.status, body.code ?? 'unknown', body, Number(answer.response.headers.get('retry-after') ?? 0));
  if (problem.code === 'token_invalid' || problem.code === 'token_required') lost();
  throw problem;
}

/** A key for one intention of a person: a retry of the same intention uses the same key, so nothing happens twice. */
export const newIntention = (): { 'Idempotency-Key': string } => ({ 'Idempotency-Key': crypto.randomUUID() });
