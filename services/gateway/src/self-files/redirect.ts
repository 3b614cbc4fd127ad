// The one redirect an own file may make: Misskey answers for a thumbnail of a remote picture with a URL of the media
// proxy, which is us. Its inner URL is taken out and fetched like every stranger’s. Everything else that leads to us again
// is a loop. Pure.

import type { Code } from '@sekisho/contracts';
import type { RequestRules } from '../media/request.ts';
import { isMediaTarget, readTarget } from '../media/request-target.ts';

export type Unwrapped =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly code: Code; readonly detail: string };

const refusal = (code: Code, detail: string): Unwrapped => ({ ok: false, code, detail });

/** Where a redirect of `fileUrl` leads, unwrapped once. */
export function unwrapRedirect(location: string, fileUrl: string, rules: Pick<RequestRules, 'isOwn' | 'canonicalUrl'>): Unwrapped {
  const target = URL.parse(location, fileUrl);
  if (target === null || !/^https?:$/.test(target.protocol)) return refusal('SEKISHO_UPSTREAM_REDIRECTS', 'no usable Location');
  if (target.username !== '' || target.password !== '') return refusal('SEKISHO_UPSTREAM_REDIRECTS', 'credentials in Location');
  // Misskey does not send its own files elsewhere; whoever could make it would reach hosts as the instance.
  if (!rules.isOwn(target)) return refusal('SEKISHO_UPSTREAM_REDIRECTS', 'own file leads to a foreign host');
  const wrapped = target.pathname + target.search;
  if (!isMediaTarget(wrapped)) return refusal('SEKISHO_LOOP', 'own file leads to another own route');
  const { url } = readTarget(wrapped);
  if (url === undefined) return refusal('SEKISHO_LOOP', 'own media route without a target');
  const inner = rules.canonicalUrl(url);
  if (!inner.ok) return refusal(inner.code, 'target behind an own redirect');
  return rules.isOwn(new URL(inner.url)) ? refusal('SEKISHO_LOOP', 'own file leads to us twice') : inner;
}
