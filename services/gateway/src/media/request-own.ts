// The rules of a media request as this instance has them: its own names, the files the gateway reads from Misskey, and
// netguard's spelling and loop rules.

import { type LoopIdentity, type PlainHttp, canonicalUrl, checkLoop, hostOfUrl, ownHostSet } from '@sekisho/netguard';
import type { RequestRules } from './request.ts';

/** Path of a file of the instance; no other own path is ever read by the gateway. */
const OWN_FILE_PATH = /^\/files\/[A-Za-z0-9._-]{1,128}$/;

/** Whether a URL's host is one of ours, whatever its scheme, port or trailing dot. */
export function createOwnCheck(publicUrl: URL, ownHosts: readonly string[]): (url: URL) => boolean {
  const names = ownHostSet([publicUrl.hostname, ...ownHosts]);
  return (url) => names.has(hostOfUrl(url));
}

/** Canonical URL of a file on one of the origins that the gateway reads itself; undefined for anything else. */
export function createOwnFileCheck(origins: Iterable<string>): (url: URL) => string | undefined {
  const known = new Set([...origins].map((origin) => new URL(origin).origin));
  return (url) => {
    const plain = url.username === '' && url.password === '' && url.search === '';
    const inside = known.has(url.origin) && OWN_FILE_PATH.test(url.pathname);
    return plain && inside ? url.origin + url.pathname : undefined;
  };
}

export interface InstanceFacts {
  readonly publicUrl: URL;
  readonly ownHosts: readonly string[];
  /** Origins whose `/files/` the gateway reads itself. */
  readonly fileOrigins: Iterable<string>;
  readonly plainHttp: PlainHttp;
  readonly identity: LoopIdentity;
}

/** The rules that `parseMediaRequest` works by. */
export const createRequestRules = (facts: InstanceFacts): RequestRules => ({
  canonicalUrl: (raw) => canonicalUrl(raw, facts.plainHttp),
  checkLoop: (lines) => checkLoop(lines, facts.identity),
  isOwn: createOwnCheck(facts.publicUrl, facts.ownHosts),
  ownFile: createOwnFileCheck(facts.fileOrigins),
});
