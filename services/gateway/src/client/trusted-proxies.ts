// Proxies whose X-Forwarded-For is believed: those of the environment and those of a file that is followed, because a CDN
// changes its ranges. A bad new file keeps the old list.

import { CIDR_LIST_BYTES_MAX, parseCidrList } from '@sekisho/netguard';
import { type FileSource, type Followed, type Reloaded, fileSource, fixedValue, followFile } from '@sekisho/runtime';
import { type Identify, type IdentityOptions, createIdentify } from './identity.ts';

export type TrustedProxies = Followed<readonly string[]>;

export interface TrustedProxiesOptions {
  /** CIDRs of the environment. */
  readonly fixed: readonly string[];
  /** undefined: there is no file. */
  readonly source: FileSource | undefined;
  readonly onReload?: (reloaded: Reloaded<readonly string[]>) => void;
  readonly pollMs?: number;
}

/** The list as a file. */
export const trustedProxiesFile = (path: string): FileSource => fileSource(path, CIDR_LIST_BYTES_MAX);

/** Loads the file and follows it. @throws Error with the reason when the first load fails. */
export async function openTrustedProxies(options: TrustedProxiesOptions): Promise<TrustedProxies> {
  const { source, fixed } = options;
  if (source === undefined) return fixedValue(fixed);
  return await followFile({ ...options, source, parse: (text) => [...fixed, ...parse(text)] });
}

/** @throws Error that names the line. */
function parse(text: string): readonly string[] {
  // Believing everybody is believing nobody: each client could choose its address.
  return parseCidrList(text, (cidr) => (cidr.endsWith('/0') ? 'holds every address' : undefined));
}

/** Identity by the list as it is now; what was worked out with an older list is forgotten. */
export function followIdentify(proxies: TrustedProxies, options: Omit<IdentityOptions, 'trustedProxies'>): Identify {
  let list = proxies.value;
  let identify = createIdentify({ ...options, trustedProxies: list });
  return (peer, forwardedFor) => {
    if (proxies.value !== list) {
      list = proxies.value;
      identify = createIdentify({ ...options, trustedProxies: list });
    }
    return identify(peer, forwardedFor);
  };
}
