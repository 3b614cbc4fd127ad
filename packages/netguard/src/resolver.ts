// Names to addresses for targets that strangers chose: c-ares only (no hosts file, no search list, no odd numbers), A and
// AAAA only. HTTPS and SVCB records are never asked for: their address hints pass every DNS filter.

import { Resolver } from 'node:dns/promises';
import { errorCode } from './error-code.ts';

/** Time the slower family gets once the other has answered; RFC 8305 section 3 suggests 50 ms, AAAA servers are often slower. */
const SECOND_FAMILY_MS = 250;
/** More addresses in one family than any honest host has; the answer is then refused whole by `vetAnswer`. */
export const FAMILY_ADDRESSES_MAX = 64;

export type Resolution =
  | { readonly kind: 'answer'; readonly v4: readonly string[]; readonly v6: readonly string[] }
  /** The name does not exist or has no address. */
  | { readonly kind: 'unresolved'; readonly detail: string }
  /** No server answered, or one answered with a failure. */
  | { readonly kind: 'failed'; readonly detail: string };

export interface NameResolver {
  /** Never rejects. An aborted signal ends it at once with `failed`. */
  resolve(name: string, signal?: AbortSignal): Promise<Resolution>;
}

export interface ResolverOptions {
  /** `ip:port`; default: those of the system. */
  readonly servers?: readonly string[] | undefined;
  /** Total time of one resolution, milliseconds. */
  readonly timeoutMs: number;
  /** Queries per server before giving up. */
  readonly tries?: number;
}

/** Channels kept for the next resolution; making one costs about 0.1 ms of CPU. */
const CHANNELS_KEPT_MAX = 32;

/** @throws TypeError when a server is no `ip:port`. */
export function createResolver(options: ResolverOptions): NameResolver {
  const tries = options.tries ?? 2;
  const servers = options.servers ?? [];
  const make = (): Resolver => {
    const resolver = new Resolver({ timeout: Math.ceil(options.timeoutMs / tries), tries });
    if (servers.length > 0) resolver.setServers([...servers]);
    return resolver;
  };
  make().cancel();
  // The system's servers may change while the process runs: only a new channel reads them anew.
  const keptMax = servers.length > 0 ? CHANNELS_KEPT_MAX : 0;
  const idle: Resolver[] = [];
  return {
    resolve: async (name, signal) => {
      const channel = idle.pop() ?? make();
      const { resolution, cancelled } = await resolveName(channel, { name, timeoutMs: options.timeoutMs, signal });
      if (!cancelled && idle.length < keptMax) idle.push(channel);
      return resolution;
    },
  };
}

interface Question {
  readonly name: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

type FamilyAnswer =
  | { readonly kind: 'addresses'; readonly list: readonly string[] }
  | { readonly kind: 'none' | 'failed'; readonly detail: string };

interface Resolved {
  readonly resolution: Resolution;
  /** The channel was told to give up; a late answer may still be on its way to it. */
  readonly cancelled: boolean;
}

/**
 * A c-ares channel has one resolution at a time, so that giving up on one name cancels no other, and so that each has a
 * source port of its own: c-ares closes its sockets when no query is open.
 */
async function resolveName(resolver: Resolver, question: Question): Promise<Resolved> {
  const { signal } = question;
  if (signal?.aborted === true) return { resolution: { kind: 'failed', detail: 'aborted' }, cancelled: false };
  let cancelled = false;
  const cancel = (): void => {
    cancelled = true;
    resolver.cancel();
  };
  const total = setTimeout(cancel, question.timeoutMs);
  let second: NodeJS.Timeout | undefined;
  signal?.addEventListener('abort', cancel, { once: true });
  const hurry = (answer: FamilyAnswer): FamilyAnswer => {
    if (answer.kind === 'addresses') second ??= setTimeout(cancel, SECOND_FAMILY_MS);
    return answer;
  };
  try {
    const [v4, v6] = await Promise.all([
      askFamily(() => resolver.resolve4(question.name)).then(hurry),
      askFamily(() => resolver.resolve6(question.name)).then(hurry),
    ]);
    return { resolution: combine(v4, v6), cancelled };
  } finally {
    clearTimeout(total);
    clearTimeout(second);
    signal?.removeEventListener('abort', cancel);
  }
}

const UNRESOLVED: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

async function askFamily(ask: () => Promise<string[]>): Promise<FamilyAnswer> {
  try {
    const list = await ask();
    if (list.length === 0) return { kind: 'none', detail: 'ENODATA' };
    return { kind: 'addresses', list: list.slice(0, FAMILY_ADDRESSES_MAX + 1) };
  } catch (error) {
    const code = errorCode(error);
    return { kind: UNRESOLVED.has(code) ? 'none' : 'failed', detail: code };
  }
}

function combine(v4: FamilyAnswer, v6: FamilyAnswer): Resolution {
  const list = (answer: FamilyAnswer): readonly string[] => (answer.kind === 'addresses' ? answer.list : []);
  if (v4.kind === 'addresses' || v6.kind === 'addresses') return { kind: 'answer', v4: list(v4), v6: list(v6) };
  // A failed family could have had the address: only two clear answers make the name unresolved.
  const kind = v4.kind === 'failed' || v6.kind === 'failed' ? 'failed' : 'unresolved';
  return { kind, detail: `A ${v4.detail}, AAAA ${v6.detail}` };
}
