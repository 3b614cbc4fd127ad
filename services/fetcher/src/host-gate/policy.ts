// How much of one target host may be used at once, per second, and after how many faults it gets a rest. There is no cost
// bucket here: one client must not be able to lock a host for everybody. Pure: state in, state out.

import { LIMITS } from '@sekisho/contracts';

export interface HostState {
  /** Connections in use. */
  readonly active: number;
  /** Fetches that may start now, refilled with time; fractions count. */
  readonly tokens: number;
  readonly refilledAtMs: number;
  /** Faults in a row. */
  readonly faults: number;
  readonly pausedUntilMs: number;
}

export type Admission =
  | { readonly kind: 'go'; readonly state: HostState }
  /** `ms` until a token is there; undefined: until a connection is given back. */
  | { readonly kind: 'wait'; readonly ms: number | undefined }
  | { readonly kind: 'paused'; readonly retryAfterS: number };

export const newHost = (nowMs: number): HostState => ({
  active: 0,
  tokens: LIMITS.hostFetchesBurst,
  refilledAtMs: nowMs,
  faults: 0,
  pausedUntilMs: 0,
});

/** May a fetch start? With `go` the state already holds its connection and its token. */
export function admit(state: HostState, nowMs: number): Admission {
  if (state.pausedUntilMs > nowMs) return { kind: 'paused', retryAfterS: secondsUntil(state.pausedUntilMs, nowMs) };
  if (state.active >= LIMITS.hostConnectionsMax) return { kind: 'wait', ms: undefined };
  const tokens = tokensAt(state, nowMs);
  if (tokens < 1) return { kind: 'wait', ms: Math.ceil(((1 - tokens) * 1_000) / LIMITS.hostFetchesPerSecond) };
  return { kind: 'go', state: { ...state, active: state.active + 1, tokens: tokens - 1, refilledAtMs: nowMs } };
}

export const afterRelease = (state: HostState): HostState => ({ ...state, active: Math.max(0, state.active - 1) });

export const afterSuccess = (state: HostState): HostState => ({ ...state, faults: 0 });

/** The tenth fault in a row pauses the host and starts the count anew. */
export function afterFault(state: HostState, nowMs: number): HostState {
  const faults = state.faults + 1;
  if (faults < LIMITS.hostFaultsToPause) return { ...state, faults };
  return { ...afterPause(state, nowMs, LIMITS.hostPauseMs / 1_000), faults: 0 };
}

/** A pause the host asked for (429), at most the limit; never shortens one that runs. */
export function afterPause(state: HostState, nowMs: number, seconds: number): HostState {
  const untilMs = nowMs + Math.min(seconds, LIMITS.hostRetryAfterMaxS) * 1_000;
  return { ...state, pausedUntilMs: Math.max(state.pausedUntilMs, untilMs) };
}

/** Nothing would be lost by forgetting the host, so flooding the table with names buys no fresh budget. */
export const isForgettable = (state: HostState, nowMs: number): boolean =>
  state.active === 0 && state.pausedUntilMs <= nowMs && tokensAt(state, nowMs) >= LIMITS.hostFetchesBurst;

const secondsUntil = (untilMs: number, nowMs: number): number => Math.max(1, Math.ceil((untilMs - nowMs) / 1_000));

function tokensAt(state: HostState, nowMs: number): number {
  const seconds = Math.max(0, nowMs - state.refilledAtMs) / 1_000;
  return Math.min(LIMITS.hostFetchesBurst, state.tokens + seconds * LIMITS.hostFetchesPerSecond);
}
