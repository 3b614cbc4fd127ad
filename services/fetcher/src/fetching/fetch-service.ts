// One fetch from request to outcome: loop check, guarded connection, status, bounded body, sniffing, then the bytes go to
// the work Redis or on to the gateway. Never rejects; every socket, slot and byte of memory is given back.

import { type Code, DOCUMENTS, type FetchOutcome, type FetchRequest, LIMITS, type RefusalOutcome, SekishoError, toSekishoError } from '@sekisho/contracts';
import { checkLoop, type FetchDeps as GuardDeps, guardedFetch, type GuardedResponse } from '@sekisho/netguard';
import type { Clock } from '@sekisho/runtime';
import type { HostGate } from '../host-gate/host-gate.ts';
import type { MemoryBudget } from '../store/memory-budget.ts';
import type { SourceStore } from '../store/source-store.ts';
import { readDocument } from './document.ts';
import { type OpenBody, openResponse } from './open-response.ts';
import { storeBody } from './store-body.ts';

const RETRY_AFTER_S = 5;

export interface FetchServiceDeps {
  readonly guard: Omit<GuardDeps, 'acquire'>;
  readonly gate: HostGate;
  readonly store: SourceStore;
  readonly memory: MemoryBudget;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly limits: FetchLimits;
  readonly onPhase?: (phase: 'headers' | 'body', seconds: number) => void;
}

export interface FetchLimits {
  /** Fetches at once, streams included. */
  readonly runningMax: number;
  readonly connectMs: number;
  readonly headersMs: number;
  /** A picture from first to last byte; a stream up to its first bytes. */
  readonly totalMs: number;
  readonly idleMs: number;
}

export const DEFAULT_FETCH_LIMITS: FetchLimits = {
  runningMax: 256,
  connectMs: LIMITS.connectMs,
  headersMs: LIMITS.headersMs,
  totalMs: LIMITS.pictureTotalMs,
  idleMs: LIMITS.streamIdleMs,
};

/** For the log only. */
export interface FetchFacts {
  host: string;
  detail: string;
  redirects: number;
  upstreamStatus: number;
  bytes: number;
}

export const noFacts = (): FetchFacts => ({ host: '', detail: '', redirects: 0, upstreamStatus: 0, bytes: 0 });

export interface Fetched {
  readonly outcome: FetchOutcome;
  readonly facts: FetchFacts;
  /** With a document: all of it. */
  readonly document?: Buffer;
  /** With a stream: send it, then call `done` with how it ended, in every case: it frees the connection and the slot. */
  readonly stream?: OpenBody & { readonly done: (fault: Code | undefined) => void };
}

export interface FetchService {
  /** `signal` ends the work in every phase, a stream's body included. */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<Fetched>;
  readonly running: number;
}

export function createFetchService(deps: FetchServiceDeps): FetchService {
  let running = 0;
  return {
    get running() {
      return running;
    },
    fetch: async (request, signal) => {
      const facts = noFacts();
      if (running >= deps.limits.runningMax) {
        return { facts, outcome: refusal(new SekishoError('SEKISHO_LIMIT_FETCHES', { retryAfterS: RETRY_AFTER_S })) };
      }
      running += 1;
      const leave = (): void => {
        running -= 1;
      };
      return await new Fetch(request, deps, { facts, leave }).run(signal);
    },
  };
}

/** Faults that say something about the host, and so may pause it. */
const HOST_FAULTS: ReadonlySet<Code> = new Set([
  'SEKISHO_UPSTREAM_FAULT', 'SEKISHO_UPSTREAM_CONNECT', 'SEKISHO_UPSTREAM_TLS', 'SEKISHO_UPSTREAM_TIMEOUT', 'SEKISHO_UPSTREAM_DNS',
]);
/** What policy refuses, as opposed to what went wrong. */
const DENIALS = /^SEKISHO_(?:TARGET_|TYPE_|LOOP$|IMAGE_|UPSTREAM_TOO_LARGE$)/;

export function refusal(fault: SekishoError): RefusalOutcome {
  const { code, upstreamStatus, retryAfterS } = fault;
  return {
    kind: DENIALS.test(code) ? 'deny' : 'fault',
    code,
    ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  };
}

class Fetch {
  readonly #request: FetchRequest;
  readonly #deps: FetchServiceDeps;
  readonly #facts: FetchFacts;
  readonly #leave: () => void;
  readonly #stop = new AbortController();
  readonly #startedMs: number;
  /** A connection of the host was ours, so its silence is the host's and not our queue's. */
  #wasAdmitted = false;

  constructor(request: FetchRequest, deps: FetchServiceDeps, { facts, leave }: { readonly facts: FetchFacts; readonly leave: () => void }) {
    this.#request = request;
    this.#deps = deps;
    this.#facts = facts;
    this.#leave = leave;
    this.#startedMs = deps.clock.monotonicMs();
  }

  async run(signal: AbortSignal): Promise<Fetched> {
    const stop = this.#stop;
    const onAbort = (): void => stop.abort('SEKISHO_ABORTED');
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const timer = setTimeout(() => stop.abort('SEKISHO_UPSTREAM_TIMEOUT'), this.#deadlineMs());
    const end = (): void => {
      signal.removeEventListener('abort', onAbort);
      this.#leave();
    };
    const fetched = await this.#fetch(end).catch((error: unknown) => this.#refuse(this.#reasonOf(error)));
    clearTimeout(timer);
    if (fetched.stream === undefined) end();
    return fetched;
  }

  #deadlineMs(): number {
    return Math.min(this.#request.limits.deadlineMs, this.#deps.limits.totalMs);
  }

  /** What a stop destroys shows as a broken stream; the stop is the reason. */
  #reasonOf(error: unknown): SekishoError {
    const { signal } = this.#stop;
    if (!signal.aborted) return toSekishoError(error);
    return new SekishoError(signal.reason === 'SEKISHO_UPSTREAM_TIMEOUT' ? 'SEKISHO_UPSTREAM_TIMEOUT' : 'SEKISHO_ABORTED', { cause: error });
  }

  async #fetch(end: () => void): Promise<Fetched> {
    const response = await this.#connect();
    try {
      if (this.#request.want === 'document') return await this.#document(response);
      const opened = await openResponse(this.#request, response, { idleMs: this.#deps.limits.idleMs, nowMs: this.#deps.clock.now() });
      if (opened.kind === 'stream') return this.#stream(response, opened.stream, end);
      const outcome = await storeBody(this.#request, opened, { ...this.#deps, signal: this.#stop.signal });
      this.#facts.bytes = outcome.bytes;
      this.#settle(undefined);
      response.close();
      return { outcome, facts: this.#facts };
    } catch (error) {
      response.close();
      throw error;
    }
  }

  async #document(response: GuardedResponse): Promise<Fetched> {
    const { memory, limits, clock } = this.#deps;
    const { outcome, bytes } = await readDocument(this.#request, response, { memory, idleMs: limits.idleMs, nowMs: clock.now() });
    this.#stop.signal.throwIfAborted();
    this.#facts.bytes = bytes.length;
    this.#settle(undefined);
    response.close();
    return { outcome, facts: this.#facts, document: bytes };
  }

  async #connect(): Promise<GuardedResponse> {
    const { guard, userAgent, limits } = this.#deps;
    const { loop: lines, range, ifRange, url, accept, signed } = this.#request;
    const document = accept === undefined ? undefined : DOCUMENTS[accept];
    const loop = checkLoop(lines, guard.identity);
    if (!loop.ok) throw new SekishoError(loop.code, { detail: loop.detail });
    const answer = await guardedFetch(
      {
        url, userAgent, loop, signal: this.#stop.signal,
        headers: { accept: document?.accept ?? '*/*', range, ifRange, signed },
        ...(document === undefined ? {} : { redirectsMax: document.redirectsMax }),
        deadlineMs: this.#deadlineMs(), connectMs: limits.connectMs, headersMs: limits.headersMs,
        onHop: ({ host }) => {
          this.#facts.host = host;
          this.#wasAdmitted = false;
        },
      },
      { ...guard, acquire: (host, signal) => this.#acquire(host, signal) },
    );
    this.#deps.onPhase?.('headers', this.#elapsedS());
    if (answer.kind !== 'response') throw new SekishoError(answer.code, answer);
    this.#facts.redirects = answer.redirects;
    this.#facts.upstreamStatus = answer.status;
    return answer;
  }

  #elapsedS(): number {
    return (this.#deps.clock.monotonicMs() - this.#startedMs) / 1_000;
  }

  async #acquire(...args: Parameters<HostGate['acquire']>): ReturnType<HostGate['acquire']> {
    const slot = await this.#deps.gate.acquire(...args);
    this.#wasAdmitted = slot.ok;
    return slot;
  }

  #stream(response: GuardedResponse, stream: OpenBody, end: () => void): Fetched {
    const openedMs = this.#deps.clock.monotonicMs();
    let isDone = false;
    const done = (fault: Code | undefined): void => {
      if (isDone) return;
      isDone = true;
      stream.body.destroy();
      response.close();
      this.#settle(fault);
      this.#deps.onPhase?.('body', (this.#deps.clock.monotonicMs() - openedMs) / 1_000);
      end();
    };
    return { outcome: stream.outcome, facts: this.#facts, stream: { ...stream, done } };
  }

  #refuse(fault: SekishoError): Fetched {
    this.#facts.detail = fault.detail ?? '';
    this.#settle(fault.code, fault.retryAfterS);
    return { outcome: refusal(fault), facts: this.#facts };
  }

  /** The caller left less time than a healthy host may take, so being late says nothing about it. */
  #wasHurried(): boolean {
    const { connectMs, headersMs } = this.#deps.limits;
    return this.#request.limits.deadlineMs < connectMs + headersMs;
  }

  /** Tells the host gate how it went. */
  #settle(code: Code | undefined, retryAfterS?: number): void {
    const { gate } = this.#deps;
    const { host, upstreamStatus } = this.#facts;
    if (!this.#wasAdmitted || (code === 'SEKISHO_UPSTREAM_TIMEOUT' && this.#wasHurried())) return;
    if (code === 'SEKISHO_UPSTREAM_PAUSED' && upstreamStatus === 429) gate.pause(host, retryAfterS ?? RETRY_AFTER_S);
    else if (code !== undefined && HOST_FAULTS.has(code)) gate.failed(host);
    else if (code === undefined || upstreamStatus > 0) gate.succeeded(host);
  }
}
