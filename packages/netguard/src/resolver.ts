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

/** @throws TypeError when a server is no `ip:port`. */
export function createResolver(options: ResolverOptions): NameResolver {
  const tries = options.tries ?? 2;
  const make = (): Resolver => {
    const resolver = new Resolver({ timeout: Math.ceil(options.timeoutMs / tries), tries });
    if (options.servers !== undefined && options.servers.length > 0) resolver.setServers([...options.servers]);
    return resolver;
  };
  make().cancel();
  return { resolve: (name, signal) => resolveName(make(), { name, timeoutMs: options.timeoutMs, signal }) };
}

interface Question {
  readonly name: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

type FamilyAnswer =
  | { readonly kind: 'addresses'; readonly list: readonly string[] }
  | { readonly kind: 'none' | 'failed'; readonly detail: string };

/** One c-ares channel per resolution, so that giving up on one name cancels no other. */
async function resolveName(resolver: Resolver, question: Question): Promise<Resolution> {
  const { signal } = question;
  if (signal?.aborted === true) return { kind: 'failed', detail: 'aborted' };
  const cancel = (): void => resolver.cancel();
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
    return combine(v4, v6);
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
