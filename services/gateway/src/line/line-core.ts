// Waiting lines as a state machine without clock or promises: who waits, who runs, who is next, who waited too long.
//
// A client's own load makes its line long and ends in SEKISHO_LIMIT_LINE; the load of others, seen as a head that could
// run and finds no slot, ends in SEKISHO_LIMIT_QUEUE. `ready` holds exactly the clients that wait and are below their own
// maximum, in the order they are served: after a grant a client goes to the end, so between two grants of one client every
// other ready client is served once.

import type { Code } from '@sekisho/contracts';

export interface LineLimits {
  /** Entries that run at once, all clients together. */
  readonly runningMax: number;
  /** Entries of one client that run at once. */
  readonly clientRunningMax: number;
  /** Waiting entries of one client. */
  readonly entriesMax: number;
  /** Waiting entries of all clients. */
  readonly entriesTotalMax: number;
  /** Clients that wait or run. */
  readonly clientsMax: number;
  /** Longest wait of an entry, ms. */
  readonly waitMs: number;
  /** Longest wait of the head of a line that could run, ms. */
  readonly headWaitMs: number;
}

export interface Entry {
  readonly client: string;
  readonly enteredAtMs: number;
  state: 'waiting' | 'running' | 'ended';
}

export interface Expired {
  readonly entry: Entry;
  readonly code: Code;
}

export type Entered = { readonly ok: true; readonly entry: Entry } | { readonly ok: false; readonly code: Code };

export interface LineCore {
  readonly waiting: number;
  readonly running: number;
  readonly clients: number;
  enter(client: string, nowMs: number): Entered;
  /** Entries that may run from now on, in order. To be called after each enter, end and expire. */
  grant(nowMs: number): Entry[];
  /** The entry leaves, waiting or running; a second time does nothing. */
  end(entry: Entry, nowMs: number): void;
  /** Entries that waited too long; they have left. */
  expire(nowMs: number): Expired[];
}

interface Line {
  readonly client: string;
  readonly entries: Entry[];
  running: number;
  /** Since when the head could run, were a slot free; meaningful while the line is ready. */
  headSinceMs: number;
}

interface State {
  readonly limits: LineLimits;
  readonly lines: Map<string, Line>;
  readonly ready: Set<Line>;
  waiting: number;
  running: number;
}

export function createLineCore(limits: LineLimits): LineCore {
  const state: State = { limits, lines: new Map(), ready: new Set(), waiting: 0, running: 0 };
  return {
    get waiting() {
      return state.waiting;
    },
    get running() {
      return state.running;
    },
    get clients() {
      return state.lines.size;
    },
    enter: (client, nowMs) => enter(state, client, nowMs),
    grant: (nowMs) => grant(state, nowMs),
    end: (entry, nowMs) => end(state, entry, nowMs),
    expire: (nowMs) => expire(state, nowMs),
  };
}

function enter(state: State, client: string, nowMs: number): Entered {
  const { limits, lines } = state;
  const known = lines.get(client);
  if (known !== undefined && known.entries.length >= limits.entriesMax) return { ok: false, code: 'SEKISHO_LIMIT_LINE' };
  const full = state.waiting >= limits.entriesTotalMax || (known === undefined && lines.size >= limits.clientsMax);
  if (full) return { ok: false, code: 'SEKISHO_LIMIT_QUEUE' };
  const line = known ?? { client, entries: [], running: 0, headSinceMs: nowMs };
  const entry: Entry = { client, enteredAtMs: nowMs, state: 'waiting' };
  lines.set(client, line);
  line.entries.push(entry);
  state.waiting += 1;
  refresh(state, line, nowMs);
  return { ok: true, entry };
}

function grant(state: State, nowMs: number): Entry[] {
  const granted: Entry[] = [];
  while (state.running < state.limits.runningMax) {
    const line = state.ready.values().next().value;
    const entry = line?.entries.shift();
    if (line === undefined || entry === undefined) break;
    entry.state = 'running';
    line.running += 1;
    state.running += 1;
    state.waiting -= 1;
    state.ready.delete(line);
    refresh(state, line, nowMs);
    granted.push(entry);
  }
  return granted;
}

function end(state: State, entry: Entry, nowMs: number): void {
  const line = state.lines.get(entry.client);
  if (line === undefined || entry.state === 'ended') return;
  if (entry.state === 'running') {
    line.running -= 1;
    state.running -= 1;
  } else {
    leave(state, line, line.entries.indexOf(entry), nowMs);
  }
  entry.state = 'ended';
  refresh(state, line, nowMs);
}

function expire(state: State, nowMs: number): Expired[] {
  const expired: Expired[] = [];
  for (const line of state.lines.values()) {
    for (let code = headFault(state, line, nowMs); code !== undefined; code = headFault(state, line, nowMs)) {
      const entry = leave(state, line, 0, nowMs);
      if (entry === undefined) break;
      entry.state = 'ended';
      expired.push({ entry, code });
    }
    refresh(state, line, nowMs);
  }
  return expired;
}

/** Entries stand in order of arrival, so only the head can be the one that waited longest. */
function headFault(state: State, line: Line, nowMs: number): Code | undefined {
  const head = line.entries[0];
  if (head === undefined) return undefined;
  if (state.ready.has(line) && nowMs - line.headSinceMs > state.limits.headWaitMs) return 'SEKISHO_LIMIT_QUEUE';
  return nowMs - head.enteredAtMs > state.limits.waitMs ? 'SEKISHO_LIMIT_LINE' : undefined;
}

function leave(state: State, line: Line, index: number, nowMs: number): Entry | undefined {
  const entry = index < 0 ? undefined : line.entries.splice(index, 1)[0];
  if (entry === undefined) return undefined;
  state.waiting -= 1;
  if (index === 0) line.headSinceMs = nowMs; // a new head: its own wait begins
  return entry;
}

/** Membership in `ready` after any change of the line; forgets a line nobody uses. */
function refresh(state: State, line: Line, nowMs: number): void {
  const isReady = line.entries.length > 0 && line.running < state.limits.clientRunningMax;
  if (!isReady) state.ready.delete(line);
  else if (!state.ready.has(line)) {
    line.headSinceMs = nowMs;
    state.ready.add(line);
  }
  if (line.entries.length === 0 && line.running === 0) state.lines.delete(line.client);
}
