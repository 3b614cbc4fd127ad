// Who may speak to the internal port. Checked before anything is parsed: a browser that was led here by DNS rebinding has
// the wrong Host or an Origin, everybody else lacks the token.

import { createHash, timingSafeEqual } from 'node:crypto';

export interface AuthInput {
  /** All values of each header, names in lower case. */
  readonly headers: Readonly<Record<string, readonly string[] | undefined>>;
}

export interface AuthRules {
  readonly token: Buffer;
  /** Exact values of the Host header. */
  readonly hosts: ReadonlySet<string>;
}

export function isAuthorized({ headers }: AuthInput, rules: AuthRules): boolean {
  const [host, ...moreHosts] = headers['host'] ?? [];
  const [authorization, ...moreTokens] = headers['authorization'] ?? [];
  if (host === undefined || moreHosts.length > 0 || !rules.hosts.has(host)) return false;
  if (headers['origin'] !== undefined) return false;
  if (authorization === undefined || moreTokens.length > 0 || !authorization.startsWith('Bearer ')) return false;
  // Digests of equal length: neither length nor content of the token shows in the time.
  return timingSafeEqual(digest(authorization.slice('Bearer '.length)), digest(rules.token));
}

const digest = (value: string | Buffer): Buffer => createHash('sha256').update(value).digest();
