// SEKISHO_INBOX_RULES_FILE: read at the start, followed while the gateway runs, with the lists that it names. A bad new
// file keeps the old rules; a list that cannot be fetched keeps its last good hosts.

import { type CompiledRules, EMPTY_RULES_FILE, type HostLists, type ListSpec, NO_HOST_LISTS, RULES_LIMITS } from '@sekisho/inbox-policy/rules';
import { type Clock, type Followed, type Logger, type Reloaded, fileSource, followFile } from '@sekisho/runtime';
import type { FetchDocument } from '../../fetching/document.ts';
import type { ListStore } from './list-store.ts';
import { type LoadedRules, listPath, loadRules, parseListText } from './load.ts';
import { type ListEvent, type Subscription, openSubscription } from './subscription.ts';

export interface InboxRulesOptions {
  readonly path: string | undefined;
  /** Hosts of this instance: no list blocks them. */
  readonly ownHosts: ReadonlySet<string>;
  /** undefined: lists with a URL stay as the store knows them. */
  readonly fetchList: FetchDocument | undefined;
  readonly store: ListStore | undefined;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** After each attempt to load a changed rules file; for the metric. */
  readonly onReload?: (reloaded: Reloaded<CompiledRules>) => void;
  /** After each attempt to load a list; for the metric. */
  readonly onList?: (event: ListEvent) => void;
  readonly random?: () => number;
  /** ms between two looks at a file. */
  readonly pollMs?: number;
}

export interface InboxRules {
  /** Of the last good file, with its lists as they are now. */
  readonly value: CompiledRules;
  readonly lists: HostLists;
  /** Looks for a change of the rules file now. */
  reload(): Promise<void>;
  close(): void;
}

/** @throws Error with line and reason when the first load fails. */
export async function openInboxRules(options: InboxRulesOptions): Promise<InboxRules> {
  const { path } = options;
  if (path === undefined) return noRules();
  return await RulesFollower.open(path, options);
}

const noRules = (): InboxRules => ({
  value: { rules: EMPTY_RULES_FILE.rules, lists: NO_HOST_LISTS }, lists: NO_HOST_LISTS, reload: async () => undefined, close: () => undefined,
});

/** What a list is followed by; kept over a reload of the rules that leaves the list as it is. */
interface Feed {
  readonly spec: ListSpec;
  readonly hosts: () => ReadonlySet<string> | undefined;
  close(): void;
}

class RulesFollower implements InboxRules {
  readonly #path: string;
  readonly #options: InboxRulesOptions;
  readonly #feeds = new Map<string, Feed>();
  #followed: Followed<LoadedRules> | undefined;
  #current: LoadedRules;
  #closed = false;

  static async open(path: string, options: InboxRulesOptions): Promise<RulesFollower> {
    const parse = (text: string): LoadedRules => loadRules(text, path, options.ownHosts);
    const follower = new RulesFollower(path, options, parse(''));
    const source = fileSource(path, RULES_LIMITS.fileBytesMax);
    follower.#followed = await followFile({ source, parse, onReload: (reloaded) => follower.#onReload(reloaded), pollMs: options.pollMs });
    await follower.#adopt(follower.#followed.value);
    return follower;
  }

  constructor(path: string, options: InboxRulesOptions, loaded: LoadedRules) {
    this.#path = path;
    this.#options = options;
    this.#current = loaded;
  }

  get value(): CompiledRules {
    return { rules: this.#current.file.rules, lists: this.#current.lists };
  }

  get lists(): HostLists {
    return this.#current.lists;
  }

  async reload(): Promise<void> {
    await this.#followed?.reload();
  }

  close(): void {
    this.#closed = true;
    this.#followed?.close();
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
  }

  #onReload(reloaded: Reloaded<LoadedRules>): void {
    const { log, onReload } = this.#options;
    if (!reloaded.ok) {
      log.error({ detail: reloaded.detail }, 'new inbox rules refused, the old ones stay');
      onReload?.(reloaded);
      return;
    }
    void this.#adopt(reloaded.value);
    log.info({ rules: reloaded.value.file.rules.length, lists: reloaded.value.file.lists.length }, 'inbox rules loaded');
    onReload?.({ ok: true, value: this.value });
  }

  /** Rules and lists change in one step; only then are new lists opened. */
  async #adopt(loaded: LoadedRules): Promise<void> {
    const wanted = new Map(loaded.file.lists.map((spec) => [keyOf(spec), spec]));
    for (const [key, feed] of this.#feeds) {
      const hosts = feed.hosts();
      if (!wanted.has(key)) {
        feed.close();
        this.#feeds.delete(key);
      } else if (hosts !== undefined && feed.spec.source.kind === 'url') loaded.lists.set(feed.spec.id, hosts);
    }
    this.#current = loaded;
    const missing = [...wanted].filter(([key, spec]) => spec.source.kind !== 'hosts' && !this.#feeds.has(key));
    await Promise.all(missing.map(async ([key, spec]) => await this.#openFeed(key, spec)));
  }

  async #openFeed(key: string, spec: ListSpec): Promise<void> {
    // Holds the place: a second reload meanwhile opens no second one.
    let isClosed = false;
    this.#feeds.set(key, { spec, hosts: () => undefined, close: () => (isClosed = true) });
    const feed = spec.source.kind === 'url' ? await this.#subscribe(spec) : await this.#followListFile(spec);
    if (feed === undefined) this.#feeds.delete(key);
    else if (isClosed || this.#closed) feed.close();
    else this.#feeds.set(key, feed);
  }

  async #subscribe(spec: ListSpec): Promise<Feed | undefined> {
    const { fetchList, store, clock, random = Math.random } = this.#options;
    if (fetchList === undefined) {
      const copy = await store?.read(spec);
      if (copy !== undefined) this.#current.lists.set(spec.id, copy.hosts);
      return undefined;
    }
    const subscription: Subscription = await openSubscription(spec, {
      fetchList, store, clock, random,
      onHosts: (hosts) => this.#current.lists.set(spec.id, hosts),
      onEvent: (event) => this.#onList(event),
    });
    return { spec, hosts: () => subscription.copy?.hosts, close: () => subscription.close() };
  }

  async #followListFile(spec: ListSpec): Promise<Feed | undefined> {
    const { source } = spec;
    if (source.kind !== 'file') return undefined;
    const { id } = spec;
    const onReload = (reloaded: Reloaded<ReadonlySet<string>>): void => {
      if (reloaded.ok) this.#current.lists.set(id, reloaded.value);
      const hosts = this.#current.lists.get(id)?.size ?? 0;
      this.#onList(reloaded.ok ? { id, result: 'ok', hosts, skipped: 0 } : { id, result: 'failed', hosts, skipped: 0, detail: reloaded.detail });
    };
    const followed = await followFile({
      source: fileSource(listPath(this.#path, source.path), RULES_LIMITS.listBytesMax),
      parse: (text) => parseListText(spec, text), onReload, pollMs: this.#options.pollMs,
    }).catch((error: unknown) => {
      onReload({ ok: false, detail: error instanceof Error ? error.message : String(error) });
      return undefined;
    });
    if (followed === undefined) return undefined;
    this.#current.lists.set(id, followed.value);
    return { spec, hosts: () => followed.value, close: () => followed.close() };
  }

  #onList(event: ListEvent): void {
    const { log, onList } = this.#options;
    const fields = { list: event.id, hosts: event.hosts, skipped: event.skipped, detail: event.detail };
    if (event.result === 'failed') log.warn(fields, 'host list not loaded, its last good hosts stay');
    else log.info(fields, 'host list loaded');
    onList?.(event);
  }
}

const keyOf = ({ id, source, format, severities }: ListSpec): string => {
  const from = source.kind === 'url' ? [source.url, source.refreshMs] : [source.kind === 'file' ? source.path : ''];
  return JSON.stringify([id, source.kind, ...from, format, [...severities].sort()]);
};
