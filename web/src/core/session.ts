// SPDX-License-Identifier: Apache-2.0
// Who sits here.  The token lives in memory only; tabs of one browser hand it to each other.  It is renewed silently while
// somebody works, and dropped when nobody does: the screen is then locked, with the work kept behind the lock.
import { ask, api, onLost, Problem, setToken, tokenBefore, type Schemas } from '../api/client';
import { loadCodes } from './codes';
import { Store } from './store';

export type Me = Schemas['me'];
export type Role = Schemas['role'];

export type Why = 'none' | 'signed_out' | 'idle' | 'hidden' | 'ended' | 'barred';

export interface Session {
  phase: 'starting' | 'out' | 'in' | 'locked' | 'barred'; // barred: nobody works on this device any more
  why: Why;
  me: Me | null;
  mustChange: boolean;
  closing: number; // seconds until the idle lock, once it is near; 0 = not near
}

const IDLE_MS = 5 * 60_000;
const WARN_MS = 30_000;
const RENEW_AT = 0.6; // of a token's life
const TELL_MS = 1000; // so often at most one tab tells the others that somebody works

const empty: Session = { phase: 'starting', why: 'none', me: null, mustChange: false, closing: 0 };
export const session = new Store<Session>(empty);

const tabs = new BroadcastChannel('menedek-session');
type TabMessage =
  | { kind: 'ask' }
  | { kind: 'have'; token: string; until: number; user: string; at: number } // ms: when it was told
  | { kind: 'gone'; why: Why; ended: string | null; at: number }
  | { kind: 'busy' };

let token: string | null = null;
let tokenUntil = 0;
let untilBefore = 0; // of the token that this one took the place of
let tokenLife = 0;
let renewTimer = 0;
let lastInput = { wall: 0, steady: 0 }; // by two clocks: one can be put back, the other may stand still while the machine sleeps
let told = 0;
let drops = 0; // who began to be let in before the last is not let in
let shutAt = 0; // ms: when somebody last locked or left; what was told before opens nothing

const used = (): void => void (lastInput = { wall: Date.now(), steady: performance.now() });
const idle = (): number => Math.max(Date.now() - lastInput.wall, performance.now() - lastInput.steady);
const change = (part: Partial<Session>): void => session.update((s) => ({ ...s, ...part }));

function keep(answer: string, seconds: number): void {
  untilBefore = token === null ? 0 : tokenUntil;
  token = answer;
  tokenLife = seconds * 1000;
  tokenUntil = Date.now() + tokenLife;
  setToken(token);
  clearTimeout(renewTimer);
  renewTimer = window.setTimeout(() => void renew(), tokenLife * RENEW_AT);
}

function forget(): void {
  token = null;
  setToken(null);
  clearTimeout(renewTimer);
}

/** Forget it, and let in nobody who is being let in just now. */
function drop(): void {
  forget();
  drops++;
}

/** Let the neighbours in, or go on: once it is known whose token it is. */
function hand(): void {
  const { phase, me } = session.get();
  if (token !== null && phase === 'in' && me) tabs.postMessage({ kind: 'have', token, until: tokenUntil, user: me.user, at: Date.now() } satisfies TabMessage);
}

/** ${ended}: which token the server is told of already. */
function tellGone(why: Why, ended: string | null): void {
  tabs.postMessage({ kind: 'gone', why, ended, at: shutAt } satisfies TabMessage);
}

/** At the server ${which} is void from now on. */
const end = (which: string): void =>
  void fetch('/v1/tokens/current', { method: 'DELETE', headers: { Authorization: `Bearer ${which}` }, keepalive: true }).catch(() => {});

async function renew(): Promise<void> {
  const had = token;
  if (had === null) return;
  try {
    const answer = await ask(api.POST('/v1/tokens/renew', {}));
    if (token !== had) return end(answer.access_token); // locked meanwhile, or a neighbour was quicker
    keep(answer.access_token, answer.expires_in);
    hand();
  } catch (e) {
    // without an answer the old token may still be good: try until it is not
    if (token === had && e instanceof Problem && e.isRetryable && Date.now() < tokenUntil - 10_000)
      renewTimer = window.setTimeout(() => void renew(), 5000);
  }
}

async function enter(mustChange: boolean): Promise<void> {
  const mine = drops;
  const me = await ask(api.GET('/v1/me'));
  await loadCodes();
  if (mine !== drops || token === null) return;
  used();
  session.set({ phase: 'in', why: 'none', me, mustChange, closing: 0 });
}

export type SignIn = Schemas['sign-in'];

/** Sign in, or open the lock: then only the same person gets the work behind it back.  Locked meanwhile it stays locked. */
export async function signIn(who: SignIn): Promise<void> {
  const mine = drops;
  const answer = await ask(api.POST('/v1/tokens', { body: who }));
  if (mine !== drops) return end(answer.access_token);
  const before = session.get().me;
  keep(answer.access_token, answer.expires_in);
  if (before !== null && before.name !== who.user) session.set({ ...empty, phase: 'out' }); // another person starts anew
  try {
    await enter(answer.must_change);
  } catch (e) {
    // a token behind a screen that asks for a passphrase would let the next tab in, and be renewed without end
    if (mine === drops) {
      end(answer.access_token);
      drop();
    }
    throw e;
  }
  if (mine === drops) hand();
}

/** The token ends at the server, in every tab; what was typed stays behind the lock. */
function close(phase: 'out' | 'locked', why: Why): void {
  const had = token;
  if (had !== null) end(had);
  drop();
  shutAt = Date.now();
  session.set({ ...(phase === 'locked' ? session.get() : empty), phase, why, closing: 0 });
  tellGone(why, had);
}

export const signOut = (): void => close('out', 'signed_out');
/** Also against whoever is being let in just now. */
export const lock = (why: Why): void => {
  const { phase } = session.get();
  if (phase === 'in' || phase === 'locked') close('locked', why);
  if (phase === 'out') close('out', why);
};

/** The device was taken out: nothing of the work stays, and nobody is asked for a passphrase. */
function bar(): void {
  drop();
  session.set({ ...empty, phase: 'barred' });
}

onLost((code) => {
  if (code === 'device_refused') {
    bar();
    tellGone('barred', null);
  }
  if (session.get().phase !== 'in') return;
  // given just before a new passphrase or second factor voided all but the one that asked: that one is renewed again
  const last = tokenBefore();
  if (last !== null) {
    const until = untilBefore;
    keep(last, 0);
    tokenUntil = until; // as long as it is good a renewal without an answer is tried again
    return;
  }
  drop();
  change({ phase: 'locked', why: 'ended', closing: 0 });
});

/** Somebody works, here or in another tab. */
function stayOpen(): void {
  used();
  if (session.get().closing > 0) change({ closing: 0 });
}

/** Let in by a neighbour, or else nothing is kept: a token behind a screen that asks for a passphrase would let the next tab in,
 * and be renewed without end.  At the server it goes on: it is the neighbour's. */
async function follow(given: string): Promise<void> {
  try {
    await enter(false);
  } catch {
    if (token === given && session.get().phase !== 'in') forget(); // it stays as it is: what is behind the lock is not lost
  }
}

function take(m: TabMessage & { kind: 'have' }): void {
  const { phase, me } = session.get();
  if (phase === 'barred' || (phase !== 'in' && m.at <= shutAt)) return; // told just before the lock, of which its teller had not heard
  // somebody else signed in where this one could not be let in, or opened her own beside a screen that is locked
  const isOther = me !== null && m.user !== me.user;
  if (isOther) { // nothing is done in her name on the other's screen, and nothing of the one is shown to the other
    if (token !== null) end(token);
    drop();
    session.set({ ...empty, phase: 'out' });
  }
  keep(m.token, (m.until - Date.now()) / 1000);
  if (phase !== 'in' || isOther) void follow(m.token);
}

tabs.onmessage = (event: MessageEvent<TabMessage>) => {
  const m = event.data;
  if (m.kind === 'ask') hand();
  if (m.kind === 'have' && m.token !== token && m.until > Date.now()) take(m);
  if (m.kind === 'busy') stayOpen();
  if (m.kind !== 'gone') return;
  if (token !== null && token !== m.ended) end(token); // renewed, and not heard of by the one that locked
  if (m.why === 'barred') bar();
  drop();
  shutAt = m.at;
  if (session.get().phase !== 'in') return;
  if (m.why === 'signed_out') session.set({ ...empty, phase: 'out', why: m.why });
  else change({ phase: 'locked', why: m.why, closing: 0 });
};

for (const kind of ['pointerdown', 'keydown'] as const)
  addEventListener(kind, () => {
    if (session.get().phase === 'in' && idle() >= IDLE_MS) lock('idle'); // it wakes the machine: no timer has run yet
    stayOpen();
    if (session.get().phase !== 'in' || lastInput.steady - told < TELL_MS) return;
    told = lastInput.steady;
    tabs.postMessage({ kind: 'busy' } satisfies TabMessage); // an idle neighbour would lock this one, too
  }, { capture: true, passive: true });

setInterval(() => {
  if (session.get().phase !== 'in') return;
  const left = IDLE_MS - idle();
  if (left <= 0) lock('idle');
  else if (left <= WARN_MS) change({ closing: Math.ceil(left / 1000) });
}, 1000);

// Left, and come back to by the back button: of what the tabs told each other meanwhile nothing was heard.  It begins anew.
addEventListener('pageshow', (e) => {
  if (!e.persisted) return;
  document.documentElement.hidden = true; // not one look
  location.reload();
});

/** Ask the other tabs; when none answers, somebody has to sign in. */
export function start(): void {
  tabs.postMessage({ kind: 'ask' } satisfies TabMessage);
  setTimeout(() => {
    if (session.get().phase === 'starting') change({ phase: 'out' });
  }, 250);
}

/** The passphrase is one's own now: the work may begin. */
export const passphraseChanged = (): void => change({ mustChange: false });

export const hasRole = (me: Me, ...roles: Role[]): boolean => me.roles.some((r) => roles.includes(r));
