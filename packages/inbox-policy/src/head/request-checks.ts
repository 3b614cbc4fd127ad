// Checks 4 to 8: what can be said of a request before its signature is read.

import { INBOX_LIMITS } from '@sekisho/contracts';
import { deny } from '../denied.ts';
import type { Denied } from '../types.ts';
import { headerOf, type HeaderLines } from './headers.ts';
import { isActivityType } from './media-type.ts';

/** A second line of any of these is read by some and not by others. */
const SINGLE = [
  'host', 'date', 'digest', 'content-digest', 'signature', 'signature-input', 'content-type', 'content-length',
  'content-encoding', 'transfer-encoding', 'authorization',
] as const;

export function checkRequest(lines: HeaderLines): Denied | undefined {
  return checkMediaType(lines) ?? checkEncoding(lines) ?? checkLength(lines) ?? checkLines(lines)
    ?? (lines.has('signature') ? undefined : deny('SEKISHO_INBOX_UNSIGNED', 'no Signature header'));
}

function checkMediaType(lines: HeaderLines): Denied | undefined {
  const types = lines.get('content-type') ?? [];
  if (types.length > 0 && types.every(isActivityType)) return undefined;
  return deny('SEKISHO_INBOX_MEDIA_TYPE', types.length === 0 ? 'no Content-Type' : 'another Content-Type');
}

function checkEncoding(lines: HeaderLines): Denied | undefined {
  const encodings = lines.get('content-encoding') ?? [];
  if (encodings.every((value) => value.toLowerCase() === 'identity')) return undefined;
  return deny('SEKISHO_INBOX_CONTENT_ENCODING', 'Content-Encoding other than identity');
}

/** Only what is declared; the bytes are counted by whoever reads them. */
function checkLength(lines: HeaderLines): Denied | undefined {
  const tooLong = (lines.get('content-length') ?? []).some((value) => /^\d+$/.test(value) && Number(value) > INBOX_LIMITS.bodyBytesMax);
  return tooLong ? deny('SEKISHO_INBOX_TOO_LARGE', `Content-Length above ${INBOX_LIMITS.bodyBytesMax}`) : undefined;
}

function checkLines(lines: HeaderLines): Denied | undefined {
  const repeated = SINGLE.find((name) => (lines.get(name)?.length ?? 0) > 1);
  if (repeated !== undefined) return deny('SEKISHO_INBOX_HEADERS', `${repeated} stands twice`);
  // Misskey's library checks the freshness of X-Date instead of the signed Date where it is there.
  if (lines.has('x-date')) return deny('SEKISHO_INBOX_HEADERS', 'X-Date');
  // The same library reads the signature from Authorization where Signature is missing.
  if (/^\s*signature\b/i.test(headerOf(lines, 'authorization') ?? '')) return deny('SEKISHO_INBOX_HEADERS', 'Authorization: Signature');
  // A proxy takes away what Connection names, and Misskey would not see what was judged.
  const named = tokensOf(lines.get('connection') ?? []).find((token) => SINGLE.some((name) => name === token));
  if (named !== undefined) return deny('SEKISHO_INBOX_HEADERS', `Connection names ${named}`);
  return checkFraming(lines);
}

const tokensOf = (values: readonly string[]): readonly string[] => values.flatMap((value) => value.split(',')).map((token) => token.trim().toLowerCase());

function checkFraming(lines: HeaderLines): Denied | undefined {
  const length = headerOf(lines, 'content-length');
  const coding = headerOf(lines, 'transfer-encoding');
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return deny('SEKISHO_INBOX_HEADERS', 'Content-Length is no number');
  if (coding === undefined) return undefined;
  if (length !== undefined) return deny('SEKISHO_INBOX_HEADERS', 'Content-Length beside Transfer-Encoding');
  return coding.toLowerCase() === 'chunked' ? undefined : deny('SEKISHO_INBOX_HEADERS', 'Transfer-Encoding other than chunked');
}
