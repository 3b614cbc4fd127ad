// SEKISHO_MEDIA_ACCESS: `site` serves only pages of this instance, so that the proxy is of no use to other sites.
// It stops embedding by browsers, not a client that forges its headers; budgets bound those.

export type MediaAccess = 'open' | 'site';

export interface AccessFacts {
  readonly secFetchSite: string | undefined;
  readonly referer: string | undefined;
  readonly origin: string | undefined;
}

const SAME_SITE: ReadonlySet<string> = new Set(['same-origin', 'same-site']);

/**
 * Whether a request may use the media routes. Sec-Fetch-Site decides where it is present (no page can forge it); `none`,
 * an address typed by hand, is no page of ours. Else the host of Referer, else that of Origin.
 */
export function mayAccess(access: MediaAccess, facts: AccessFacts, isOwn: (url: URL) => boolean): boolean {
  if (access === 'open') return true;
  if (facts.secFetchSite !== undefined) return SAME_SITE.has(facts.secFetchSite.trim().toLowerCase());
  const page = URL.parse(facts.referer ?? facts.origin ?? '');
  return page !== null && (page.protocol === 'https:' || page.protocol === 'http:') && isOwn(page);
}
