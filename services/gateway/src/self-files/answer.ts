// What Misskey's answer for a file says, before its body is read. Pure.

import { type Code, LIMITS } from '@sekisho/contracts';

export interface FileHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Part {
  readonly start: number;
  readonly end: number;
  readonly total: number;
}

export type FileAnswer =
  | { readonly kind: 'body'; readonly length: number | undefined; readonly part: Part | undefined; readonly validator: string | undefined; readonly fileName: string | undefined }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'empty' }
  | { readonly kind: 'refuse'; readonly code: Code; readonly upstreamStatus?: number; readonly retryAfterS?: number };

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const EMPTY: ReadonlySet<number> = new Set([204, 205, 304]);

export function readFileHead(head: FileHead, isRangeAsked: boolean): FileAnswer {
  const { status } = head;
  const value = (name: string): string | undefined => {
    const found = head.headers[name];
    return typeof found === 'string' ? found : undefined;
  };
  if (REDIRECTS.has(status)) {
    const location = value('location');
    return location === undefined ? { kind: 'refuse', code: 'SEKISHO_UPSTREAM_REDIRECTS' } : { kind: 'redirect', location };
  }
  if (EMPTY.has(status)) return { kind: 'empty' };
  return status === 200 || (status === 206 && isRangeAsked) ? readBodyHead(status, value) : refusalOf(status, isRangeAsked);
}

function readBodyHead(status: number, value: (name: string) => string | undefined): FileAnswer {
  if ((value('content-encoding') ?? 'identity') !== 'identity') return { kind: 'refuse', code: 'SEKISHO_UPSTREAM_ENCODING' };
  const part = status === 206 ? partOf(value('content-range')) : undefined;
  if (status === 206 && part === undefined) return { kind: 'refuse', code: 'SEKISHO_UPSTREAM_FAULT' };
  const length = part === undefined ? numberOf(value('content-length')) : part.end - part.start + 1;
  const validator = validatorOf(value('etag'), value('last-modified'));
  return { kind: 'body', length, part, validator, fileName: fileNameOf(value('content-disposition')) };
}

function refusalOf(status: number, isRangeAsked: boolean): FileAnswer {
  if (status === 416 && isRangeAsked) return { kind: 'refuse', code: 'SEKISHO_UPSTREAM_RANGE' };
  if (status === 429) return { kind: 'refuse', code: 'SEKISHO_UPSTREAM_PAUSED', retryAfterS: LIMITS.hostPauseMs / 1_000 };
  // Misskey in trouble is Misskey away, nothing that a cache may keep.
  if (status === 502 || status === 503 || status === 504) return { kind: 'refuse', code: 'SEKISHO_MISSKEY_AWAY' };
  return status >= 400 && status < 500
    ? { kind: 'refuse', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: status }
    : { kind: 'refuse', code: 'SEKISHO_UPSTREAM_FAULT' };
}

const numberOf = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined);

function partOf(text: string | undefined): Part | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(text ?? '');
  if (match === null) return undefined;
  const [start = 0, end = 0, total = 0] = match.slice(1).map(Number);
  return start <= end && end < total ? { start, end, total } : undefined;
}

function validatorOf(etag: string | undefined, modified: string | undefined): string | undefined {
  if (etag !== undefined && /^(?:W\/)?"[\x21\x23-\x7e]{0,250}"$/.test(etag)) return etag;
  return modified !== undefined && modified.length <= 64 && /^[\x20-\x7e]+$/.test(modified) ? modified : undefined;
}

/** `filename*` of UTF-8 before `filename`; made safe where it is written, cut here. */
function fileNameOf(disposition: string | undefined): string | undefined {
  if (disposition === undefined || disposition.length > 4_096) return undefined;
  const extended = /;\s*filename\*\s*=\s*utf-8'[^']*'([^\s;"']+)/i.exec(disposition)?.[1];
  const plain = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(disposition);
  const name = decoded(extended) ?? (plain?.[1] ?? plain?.[2])?.replaceAll(/\\(.)/g, '$1');
  const short = name?.slice(0, 255).toWellFormed();
  return short === undefined || short === '' ? undefined : short;
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
