// Proxies whose X-Forwarded-For is believed: those of the environment and those of a file that is followed, because a CDN
// changes its ranges. A bad new file keeps the old list.

import { parseCidr } from '@sekisho/netguard';
import { type FileSource, type Followed, type Reloaded, fileSource, fixedValue, followFile } from '@sekisho/runtime';
import { type Identify, type IdentityOptions, createIdentify } from './identity.ts';

/** The largest CDN publishes some 3,000 prefixes in 60 KiB. */
const FILE_BYTES_MAX = 256 * 1024;
const ENTRIES_MAX = 4_000;

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
export const trustedProxiesFile = (path: string): FileSource => fileSource(path, FILE_BYTES_MAX);

/** Loads the file and follows it. @throws Error with the reason when the first load fails. */
export async function openTrustedProxies(options: TrustedProxiesOptions): Promise<TrustedProxies> {
  const { source, fixed } = options;
  if (source === undefined) return fixedValue(fixed);
  return await followFile({ ...options, source, parse: (text) => [...fixed, ...parse(text)] });
}

/** @throws Error that names the line. */
function parse(text: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line) => line.replace(/#.*$/, '').trim());
  lines.forEach((entry, at) => {
    if (entry === '') return;
    if (parseCidr(entry) === undefined) throw new Error(`line ${at + 1} is no address prefix`);
    // Believing everybody is believing nobody: each client could choose its address.
    if (entry.endsWith('/0')) throw new Error(`line ${at + 1} holds every address`);
  });
  const cidrs = lines.filter((entry) => entry !== '');
  if (cidrs.length > ENTRIES_MAX) throw new Error(`more than ${ENTRIES_MAX} prefixes`);
  return cidrs;
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
