// What a host says of its software: two documents on the same host, through the fetcher and its address rules.

import { type Code, INBOX_LIMITS } from '@sekisho/contracts';
import type { Software } from '@sekisho/inbox-policy/rules';
import type { FetchDocument, FetchedBody } from '../../fetching/document.ts';
import { readLinks, readNodeinfo } from './nodeinfo.ts';

export type Loaded =
  | { readonly kind: 'known'; readonly software: Software }
  /** `none`: that is what the host has to say. `away`: nobody can say now, for a reason that may be ours. */
  | { readonly kind: 'none' | 'away' };

const NONE: Loaded = { kind: 'none' };

/** Never rejects, as `fetchDocument` does not. */
export async function loadSoftware(host: string, fetchDocument: FetchDocument): Promise<Loaded> {
  const index = await fetchOne(`https://${host}/.well-known/nodeinfo`, fetchDocument);
  if (index.kind === 'refused') return refusedOf(index.code);
  const url = readLinks(index.body, host);
  if (url === undefined) return NONE;
  const document = await fetchOne(url, fetchDocument);
  if (document.kind === 'refused') return refusedOf(document.code);
  const software = readNodeinfo(document.body);
  return software === undefined ? NONE : { kind: 'known', software };
}

const fetchOne = async (url: string, fetchDocument: FetchDocument): Promise<FetchedBody> =>
  await fetchDocument(url, { accept: 'nodeinfo', bytesMax: INBOX_LIMITS.nodeinfoBytesMax, deadlineMs: INBOX_LIMITS.nodeinfoMs });

/** Of the upstream codes, those that are about our resolver or about what else we ask the host for. */
const OURS: ReadonlySet<Code> = new Set(['SEKISHO_UPSTREAM_DNS', 'SEKISHO_UPSTREAM_PAUSED']);

/** What the host answers, or is, lasts; a fetcher that is away or has no place is no word of the host. */
function refusedOf(code: Code): Loaded {
  const isOfHost = code === 'SEKISHO_TYPE_DOCUMENT' || code === 'SEKISHO_LOOP' || code.startsWith('SEKISHO_TARGET_') || code.startsWith('SEKISHO_UPSTREAM_');
  return { kind: isOfHost && !OURS.has(code) ? 'none' : 'away' };
}
