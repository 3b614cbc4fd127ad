// The keyId: an https URL whose host reads the same for every reader, because it decides whose key signs.

import { INBOX_LIMITS } from '@sekisho/contracts';

/** Host in its one canonical spelling: no port, no credentials, no escapes, no capital, no dot at the end. */
const KEY_ID = /^https:\/\/([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:[/?#][\x21\x23-\x5b\x5d-\x7e]*)?$/;

/** Reads the same in every URL parser: what begins with a letter is no number, and nothing is punycode. */
const isPlainName = (host: string): boolean => LETTER.test(host.charAt(host.lastIndexOf('.') + 1)) && !host.includes('xn--');
const LETTER = /[a-z]/;

/** Host of the keyId, or undefined where the keyId is not acceptable. A fragment is usual and not needed. */
export function keyHostOf(keyId: string, isPublicHost: (host: string) => boolean): string | undefined {
  if (keyId.length > INBOX_LIMITS.urlCharsMax) return undefined;
  const host = KEY_ID.exec(keyId)?.[1];
  if (host === undefined || !isPublicHost(host)) return undefined;
  if (isPlainName(host)) return host;
  // Numbers that a URL parser takes for an address, and punycode of nothing.
  return URL.parse(keyId)?.hostname === host ? host : undefined;
}
