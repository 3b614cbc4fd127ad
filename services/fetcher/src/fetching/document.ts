// A document: status 200, an allowed type, read to its end under the limits of its kind. What it says is for the gateway.

import { type DocumentKind, type DocumentOutcome, DOCUMENTS, type FetchRequest, isDocumentUrl, SekishoError } from '@sekisho/contracts';
import type { GuardedResponse } from '@sekisho/netguard';
import type { MemoryBudget } from '../store/memory-budget.ts';
import { boundBody } from './body.ts';
import { documentTypeOf } from './document-type.ts';
import { parseCoding } from './encoding.ts';
import { parseLength } from './range.ts';
import { readAll } from './read-all.ts';
import { classifyStatus } from './status.ts';

export interface Document {
  readonly outcome: DocumentOutcome;
  readonly bytes: Buffer;
}

interface DocumentDeps {
  readonly memory: MemoryBudget;
  readonly idleMs: number;
  readonly nowMs: number;
}

const NOUNS: Readonly<Record<DocumentKind, string>> = { activity: 'an activity', nodeinfo: 'nodeinfo', list: 'a list' };

/** @throws SekishoError; the caller closes the response. */
export async function readDocument(request: FetchRequest, response: GuardedResponse, deps: DocumentDeps): Promise<Document> {
  const { headers, status, finalUrl } = response;
  const kind = request.accept ?? 'activity';
  checkStatus(status, headers['retry-after'], deps.nowMs);
  const type = documentTypeOf(kind, headers['content-type']);
  if (type === undefined) throw new SekishoError('SEKISHO_TYPE_DOCUMENT', { detail: `no type of ${NOUNS[kind]}` });
  if (!isDocumentUrl(finalUrl)) throw new SekishoError('SEKISHO_UPSTREAM_REDIRECTS', { detail: 'a final URL that cannot be told' });
  const coding = parseCoding(headers['content-encoding']);
  if (coding === undefined) throw new SekishoError('SEKISHO_UPSTREAM_ENCODING', { detail: 'unknown or more than one coding' });
  const length = parseLength(headers['content-length']);
  if (length === false) throw new SekishoError('SEKISHO_UPSTREAM_FAULT', { detail: 'content-length is no number' });
  const bytesMax = Math.min(request.limits.bytesMax, DOCUMENTS[kind].bytesMax);
  if (length !== undefined && length > bytesMax) throw new SekishoError('SEKISHO_UPSTREAM_TOO_LARGE', { detail: `${length} bytes announced` });
  const held = { bytes: 0 };
  try {
    const body = boundBody(response.body, { length, bytesMax, coding, idleMs: deps.idleMs });
    const bytes = await readAll({ head: { bytes: Buffer.alloc(0), ended: false }, body, bytesMax }, deps.memory, held);
    return { outcome: { kind: 'document', status: 200, type, bytes: bytes.length, finalUrl }, bytes };
  } finally {
    deps.memory.give(held.bytes);
  }
}

/** 200 and nothing else: what a cache on the way has transformed (203) or cut (206) proves nothing. */
function checkStatus(status: number, retryAfter: string | undefined, nowMs: number): void {
  if (status === 200) return;
  const verdict = classifyStatus({ status, rangeAsked: false, retryAfter, nowMs });
  if (verdict.kind === 'fault') throw new SekishoError(verdict.code, { detail: `status ${status}`, ...verdict });
  throw new SekishoError('SEKISHO_UPSTREAM_FAULT', { detail: `status ${status}` });
}
