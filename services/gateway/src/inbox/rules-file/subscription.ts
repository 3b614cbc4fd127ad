// One subscribed host list: fetched through the fetcher, fetched again after its time, and as it was last while that fails.

import { type ListSpec, RULES_LIMITS, parseHostSource } from '@sekisho/inbox-policy/rules';
import type { Clock } from '@sekisho/runtime';
import type { FetchDocument } from '../../fetching/document.ts';
import type { ListCopy, ListStore } from './list-store.ts';

const FETCH_MS = 20_000;
const RETRY_FIRST_MS = 5_000;
const RETRY_MAX_MS = 3_600_000;
/** Gateways that started together part by this share of each wait, so that they do not all ask at once. */
const JITTER = 0.2;
/** Of the time between two fetches: a copy younger than this, by whichever gateway, needs none. */
const FRESH = 0.9;

export interface ListEvent {
  readonly id: string;
  readonly result: 'ok' | 'failed';
  readonly hosts: number;
  /** Entries that could not be read. */
  readonly skipped: number;
  readonly detail?: string | undefined;
}

export interface SubscriptionDeps {
  readonly fetchList: FetchDocument;
  readonly store: ListStore | undefined;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly onHosts: (hosts: ReadonlySet<string>) => void;
  readonly onEvent: (event: ListEvent) => void;
}

export interface Subscription {
  /** Last good state. */
  readonly copy: ListCopy | undefined;
  close(): void;
}

/** Resolves when the last good copy, if there is one, is in place; fetching goes on behind it. */
export async function openSubscription(spec: ListSpec, deps: SubscriptionDeps): Promise<Subscription> {
  const feed = new Feed(spec, deps);
  await feed.takeCopy();
  void feed.run();
  return feed;
}

class Feed implements Subscription {
  copy: ListCopy | undefined;
  readonly #spec: ListSpec;
  readonly #deps: SubscriptionDeps;
  readonly #refreshMs: number;
  readonly #url: string;
  readonly #end = new AbortController();
  #failures = 0;

  constructor(spec: ListSpec, deps: SubscriptionDeps) {
    this.#spec = spec;
    this.#deps = deps;
    const { source } = spec;
    if (source.kind !== 'url') throw new TypeError('only a list with a URL is subscribed to');
    this.#url = source.url;
    this.#refreshMs = source.refreshMs;
  }

  close(): void {
    this.#end.abort();
  }

  /** Ends with `close()`, and only then. */
  async run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const waitMs = await this.#turn();
      await this.#deps.clock.sleep(waitMs, this.#end.signal).catch(() => undefined);
    }
  }

  async takeCopy(): Promise<void> {
    const stored = await this.#deps.store?.read(this.#spec);
    if (stored !== undefined && stored.fetchedAtMs > (this.copy?.fetchedAtMs ?? 0)) this.#adopt(stored);
  }

  /** ms until the next one. */
  async #turn(): Promise<number> {
    await this.takeCopy();
    const ageMs = this.copy === undefined ? Number.POSITIVE_INFINITY : this.#deps.clock.now() - this.copy.fetchedAtMs;
    if (ageMs >= 0 && ageMs < this.#refreshMs * FRESH) return this.#spread(this.#refreshMs - ageMs);
    const problem = await this.#fetch();
    if (problem === undefined) {
      this.#failures = 0;
      return this.#spread(this.#refreshMs);
    }
    this.#failures += 1;
    this.#report('failed', 0, problem);
    return this.#spread(Math.min(RETRY_FIRST_MS * 2 ** Math.min(this.#failures - 1, 20), RETRY_MAX_MS, this.#refreshMs));
  }

  #spread(ms: number): number {
    return Math.max(1_000, Math.round(ms * (1 - JITTER / 2 + JITTER * this.#deps.random())));
  }

  /** Why it did not succeed. */
  async #fetch(): Promise<string | undefined> {
    if (this.#end.signal.aborted) return undefined;
    const fetched = await this.#deps.fetchList(this.#url, { accept: 'list', bytesMax: RULES_LIMITS.listBytesMax, deadlineMs: FETCH_MS });
    if (fetched.kind === 'refused') return `${fetched.code}${fetched.upstreamStatus === undefined ? '' : ` (status ${fetched.upstreamStatus})`}`;
    const { format, severities } = this.#spec;
    const read = parseHostSource(format, fetched.body, { severities });
    if (!read.ok) return read.detail;
    if (this.#end.signal.aborted) return undefined;
    const copy = { hosts: read.hosts, fetchedAtMs: this.#deps.clock.now() };
    this.#adopt(copy);
    this.#report('ok', read.skipped, read.firstSkipped);
    await this.#deps.store?.write(this.#spec, copy);
    return undefined;
  }

  #adopt(copy: ListCopy): void {
    if (this.#end.signal.aborted) return;
    this.copy = copy;
    this.#deps.onHosts(copy.hosts);
  }

  #report(result: 'ok' | 'failed', skipped: number, detail: string | undefined): void {
    if (!this.#end.signal.aborted) this.#deps.onEvent({ id: this.#spec.id, result, hosts: this.copy?.hosts.size ?? 0, skipped, detail });
  }
}
