// Whether the signature of a request was made with the key of its actor (check 27). Keys come from memory, from the state
// Redis, or through the fetcher; one that does not fit is asked for once more, because servers rotate keys.

import { INBOX_LIMITS, type SignedGet } from '@sekisho/contracts';
import { type Denied, type InboxHead, type ReadActivity, verifySignature } from '@sekisho/inbox-policy';
import { type Clock, inTime } from '@sekisho/runtime';
import type { FetchDocument } from '../../fetching/document.ts';
import { createKeyCache, type KeyCache, type KeyStore } from './cache.ts';
import { type KeyEntry, type KnownKeys, mayRefetch, type NoKeys, type None } from './entry.ts';
import { createFetchBudget, type FetchBudget } from './fetch-budget.ts';
import { normalId, withoutFragment } from './key-document.ts';
import { loadKeys } from './load.ts';

/** Documents being loaded at once; each is waited for by any number of requests. */
const LOADING_MAX = 64;
/** Requests that wait for them: each holds a place of the inbox, and whose key is known is to find one, however slow the others' hosts are. */
const WAITING_MAX = INBOX_LIMITS.readingMax / 2;

export interface KeysHooks {
  /** One document loaded, over the network. */
  readonly fetched?: (result: 'keys' | None) => void;
  /** A fetch that was not made: budget of the sender, or too many at once. */
  readonly limited?: () => void;
  readonly storeFailed?: (error: unknown) => void;
}

export interface KeysOptions {
  readonly fetchDocument: FetchDocument;
  /** State Redis. */
  readonly store: KeyStore;
  readonly sign: ((url: string) => SignedGet) | undefined;
  readonly clock: Clock;
  readonly hooks?: KeysHooks;
}

/** `gone`: the key is gone and the activity a Delete. `away`: nobody can say; the configuration decides. */
export type Verification = 'verified' | 'gone' | 'away' | Denied;

export interface Keys {
  /**
   * Never rejects for what a peer does.
   * @param deadlineMs longest wait, from now; a fetch that takes longer goes on for the next request.
   * @param client who sends, for the budget of fetches; without it the host of the key.
   */
  verify(head: InboxHead, activity: ReadActivity, deadlineMs: number, client?: string): Promise<Verification>;
}

interface Parts {
  readonly options: KeysOptions;
  readonly cache: KeyCache;
  readonly budget: FetchBudget;
  /** By URL of the document: whoever comes while it is on its way waits for the same answer. */
  readonly loading: Map<string, Promise<KeyEntry>>;
  waiting: number;
}

export function createKeys(options: KeysOptions): Keys {
  const { store, clock, hooks } = options;
  const cache = createKeyCache({ store, clock, onStoreError: (error) => hooks?.storeFailed?.(error) });
  const parts: Parts = { options, cache, budget: createFetchBudget(clock), loading: new Map(), waiting: 0 };
  return {
    verify: async (head, activity, deadlineMs, client) => {
      const keyId = normalId(head.signature.keyId);
      if (keyId === undefined) return deny('SEKISHO_INBOX_KEY_ID', 'keyId is no https URL');
      const request: Request = { keyId, head, activity, client: client ?? new URL(keyId).host };
      return await inTime(verify(request, parts), deadlineMs, () => 'away' as const);
    },
  };
}

interface Request {
  readonly keyId: string;
  readonly head: InboxHead;
  readonly activity: ReadActivity;
  readonly client: string;
}

const deny = (code: Denied['code'], detail: string): Denied => ({ ok: false, code, detail });

async function verify(request: Request, parts: Parts): Promise<Verification> {
  const url = withoutFragment(request.keyId);
  const cached = await parts.cache.get(url);
  if (cached === undefined) {
    const loaded = await load(url, request, parts);
    return judge(loaded, request) ?? misfit(loaded, request);
  }
  return judge(cached, request) ?? (await verifyAnew(cached, request, parts));
}

/** The verdict, or undefined where the known keys do not fit the signature. */
function judge(entry: KeyEntry, { keyId, head, activity }: Request): Verification | undefined {
  if (entry.kind === 'none') return judgeNone(entry, activity);
  const known = entry.keys.find(({ id }) => id === keyId);
  if (known === undefined) return undefined;
  // What somebody delivers for others is signed by his own key; whose activity it is, its own signature says.
  if (!activity.forwarded && known.owner !== normalId(activity.actor)) return deny('SEKISHO_INBOX_KEY_REFUSED', 'the key belongs to another actor');
  return verifySignature(head.signature, known.key) ? 'verified' : undefined;
}

function judgeNone({ none, detail }: NoKeys, activity: ReadActivity): Verification {
  if (none === 'away') return 'away';
  if (none === 'gone' && activity.type === 'Delete') return 'gone';
  return deny('SEKISHO_INBOX_KEY_REFUSED', detail);
}

function misfit(entry: KeyEntry, { keyId }: Request): Denied {
  const isListed = entry.kind === 'keys' && entry.keys.some(({ id }) => id === keyId);
  return isListed ? deny('SEKISHO_INBOX_VERIFY', 'the signature does not fit the key') : deny('SEKISHO_INBOX_KEY_REFUSED', 'the actor does not list the key');
}

/** A key that was rotated: another gateway may know the new one already, else it is fetched once in a while. */
async function verifyAnew(old: KeyEntry, request: Request, parts: Parts): Promise<Verification> {
  const { cache, options: { clock } } = parts;
  const entry = (await cache.reload(old.url)) ?? old;
  const verdict = judge(entry, request);
  if (verdict !== undefined) return verdict;
  if (entry.kind !== 'keys' || !mayRefetch(entry, clock.now())) return misfit(entry, request);
  const fresh = await load(entry.url, request, parts, entry);
  // A page of maintenance takes no key away: the old ones stay, and this one signature does not fit them.
  if (fresh.kind === 'none' && fresh.none === 'refused') return misfit(entry, request);
  return judge(fresh, request) ?? misfit(fresh, request);
}

/** @param old keys that are kept unless the new answer is better. */
async function load(url: string, request: Request, parts: Parts, old?: KnownKeys): Promise<KeyEntry> {
  const shared = parts.waiting < WAITING_MAX ? share(url, request, parts, old) : undefined;
  if (shared === undefined) {
    const { hooks, clock } = parts.options;
    hooks?.limited?.();
    return { kind: 'none', none: 'away', url, atMs: clock.now(), detail: 'too many keys to fetch' };
  }
  parts.waiting += 1;
  try {
    return await shared;
  } finally {
    parts.waiting -= 1;
  }
}

/** The answer that is on its way, or a new one; undefined where there may be none. */
function share(url: string, request: Request, parts: Parts, old: KnownKeys | undefined): Promise<KeyEntry> | undefined {
  const { loading, budget } = parts;
  const running = loading.get(url);
  if (running !== undefined) return running;
  if (loading.size >= LOADING_MAX || !budget.take(request.client, new URL(url).host)) return undefined;
  const work = loadAndKeep(url, parts, old).finally(() => loading.delete(url));
  loading.set(url, work);
  return work;
}

async function loadAndKeep(url: string, { cache, options }: Parts, old: KnownKeys | undefined): Promise<KeyEntry> {
  const loaded = await loadKeys(url, options);
  const atMs = options.clock.now();
  options.hooks?.fetched?.(loaded.kind === 'keys' ? 'keys' : loaded.none);
  if (loaded.kind === 'keys') {
    const entry: KnownKeys = { kind: 'keys', url, atMs, keys: loaded.keys, refetchedAtMs: old === undefined ? 0 : atMs };
    await cache.put(entry);
    return entry;
  }
  const entry: NoKeys = { kind: 'none', none: loaded.none, url, atMs, detail: loaded.detail };
  if (old !== undefined && loaded.none !== 'gone') await cache.put({ ...old, refetchedAtMs: atMs });
  else if (loaded.lasts) await cache.put(entry);
  return entry;
}
