// Puts documents of the real network on test hosts: every host becomes one of its own under a test domain, every scheme https.
// Works on the text, so that escapes, blanks and numbers stay as they were written. Contexts stay what they are: their URLs
// are names, not places.

import { createHash } from 'node:crypto';

export const TEST_DOMAIN = 'peer.example';
/** Vocabularies: their URLs are names too, wherever they stand. */
const KEPT = new Set(['www.w3.org', 'w3id.org', 'purl.org', 'schema.org', 'joinmastodon.org', 'ostatus.org', 'litepub.social', 'misskey-hub.net']);
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;
const HOST_IN_URL = /\bhttps?:(\\?\/\\?\/)([^/"\s\\?#<>()'&,;]+)/gi;
const LITEPUB = /(https?:\\?\/\\?\/)([^/"\\]+)(?=\\?\/schemas\\?\/litepub)/g;

/** The test host of a host, with its port if any: always the same, and another for each. */
export function testHost(host: string): string {
  const name = host.toLowerCase();
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 6);
  return `${name.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 40)}-${hash}.${TEST_DOMAIN}`;
}

export interface OwnHost {
  readonly self: string;
  /** What the document calls us, if it does. */
  readonly host?: string | undefined;
}

export function rewriteHosts(json: string, own?: OwnHost): string {
  const mapped = (host: string): string => {
    const bare = host.replace(/^[^@]*@/, '').toLowerCase();
    return own !== undefined && (bare === own.host || bare === own.self) ? own.self : testHost(bare);
  };
  return mapStrings(json, (literal, inContext) => {
    if (inContext) return literal.replace(LITEPUB, (_, start: string, host: string) => `${start}${mapped(host)}`);
    return literal.replace(HOST_IN_URL, (whole, slashes: string, host: string) => (KEPT.has(host.toLowerCase()) ? whole : `https:${slashes}${mapped(host)}`));
  });
}

/** Maps every string literal; knows which ones lie within the value of an `@context`. */
function mapStrings(json: string, map: (literal: string, inContext: boolean) => string): string {
  let depth = 0;
  let contextDepth = -1;
  let last = '';
  return json.replaceAll(TOKEN, (token) => {
    const before = last;
    last = token;
    if (token.startsWith('"')) return token === '"@context"' ? token : map(token, contextDepth >= 0);
    if (token === ':' && before === '"@context"' && contextDepth < 0) contextDepth = depth;
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
    // The value has ended: a comma on its own level, or the end of the object that holds it.
    if (contextDepth >= 0 && (depth < contextDepth || (token === ',' && depth === contextDepth))) contextDepth = -1;
    return token;
  });
}
