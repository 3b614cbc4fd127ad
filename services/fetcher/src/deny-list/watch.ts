// Keeps the policy's denied networks those of the file.

import { type AddressPolicy, CIDR_LIST_BYTES_MAX, parseCidrList } from '@sekisho/netguard';
import { type Followed, type Logger, type Reloaded, fileSource, followFile } from '@sekisho/runtime';

export interface DenyListOptions {
  readonly policy: AddressPolicy;
  /** Always denied, whatever the file says. */
  readonly fixed: readonly string[];
  readonly path: string;
  readonly log: Logger;
  readonly onReload: (result: 'ok' | 'failed') => void;
  readonly pollMs?: number;
}

/** Loads the file and follows it; a bad or missing new file keeps the old list. @throws Error when the first load fails. */
export async function followDenyList(options: DenyListOptions): Promise<Followed<readonly string[]>> {
  const { policy, fixed, log } = options;
  const parse = (text: string): readonly string[] => {
    const cidrs = parseCidrList(text);
    // All or nothing: it throws before it changes anything.
    policy.setDenyCidrs([...fixed, ...cidrs]);
    return cidrs;
  };
  const onReload = (reloaded: Reloaded<readonly string[]>): void => {
    options.onReload(reloaded.ok ? 'ok' : 'failed');
    if (reloaded.ok) log.info({ prefixes: reloaded.value.length }, 'denied networks loaded');
    else log.error({ detail: reloaded.detail }, 'denied networks not loaded, the old list stays');
  };
  const source = fileSource(options.path, CIDR_LIST_BYTES_MAX);
  const followed = await followFile({ source, parse, onReload, pollMs: options.pollMs });
  onReload({ ok: true, value: followed.value });
  return followed;
}
