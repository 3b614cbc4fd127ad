// Keeps the policy's denied networks those of the file. Polled, not watched: a mounted ConfigMap changes by swapping a
// symbolic link, which file watchers miss.

import { type AddressPolicy, parseCidrList } from '@sekisho/netguard';
import type { Logger } from '@sekisho/runtime';
import { readDenyFile } from './read.ts';

const POLL_MS = 2_000;

export interface DenyListOptions {
  readonly policy: AddressPolicy;
  /** Always denied, whatever the file says. */
  readonly fixed: readonly string[];
  readonly path: string;
  readonly log: Logger;
  readonly onReload: (result: 'ok' | 'failed') => void;
  readonly pollMs?: number;
}

/** Loads the file and follows it; a bad or missing file keeps the old list. Returns the stop. */
export function followDenyList(options: DenyListOptions): () => void {
  /** Undefined: the file could not be read. Each state is reported once. */
  let seen: { readonly text: string | undefined } | undefined;
  const load = (): void => {
    const text = readDenyFile(options.path);
    if (seen !== undefined && seen.text === text) return;
    seen = { text };
    const list = text === undefined ? { ok: false as const, detail: 'the file cannot be read' } : parseCidrList(text);
    if (list.ok) options.policy.setDenyCidrs([...options.fixed, ...list.cidrs]);
    options.onReload(list.ok ? 'ok' : 'failed');
    if (list.ok) options.log.info({ prefixes: list.cidrs.length }, 'denied networks loaded');
    else options.log.error({ detail: list.detail }, 'denied networks not loaded, the old list stays');
  };
  load();
  const timer = setInterval(load, options.pollMs ?? POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
