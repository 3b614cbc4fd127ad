// From an upstream response to what will happen with its body: refused, stored or streamed.

import type { Readable } from 'node:stream';
import { type FetchRequest, isBrowsersafe, LIMITS, SekishoError, type StreamOutcome } from '@sekisho/contracts';
import { HEADER_BYTES_MAX, type PictureHeader } from '@sekisho/media-header';
import type { GuardedResponse } from '@sekisho/netguard';
import { decide, refuseType } from '../sniff/decide.ts';
import { SNIFF_BYTES } from '../sniff/file-type.ts';
import { sniff, type Sniffed } from '../sniff/sniff.ts';
import { boundBody, type Head, readHead } from './body.ts';
import { type Coding, parseCoding } from './encoding.ts';
import { fileNameOf, validatorOf } from './headers.ts';
import { type ContentRange, isAskedPart, parseContentRange, parseLength, parseRange } from './range.ts';
import { classifyStatus } from './status.ts';

/** Of a part from the middle: no bytes to tell the type by. The gateway puts in the type it knows for the whole. */
const UNKNOWN_TYPE = 'application/octet-stream';

export interface OpenBody {
  readonly outcome: StreamOutcome;
  /** First bytes, already read from `body`. */
  readonly head: Head;
  readonly body: Readable;
}

export type Opened =
  | { readonly kind: 'stream'; readonly stream: OpenBody }
  | {
      readonly kind: 'store';
      readonly head: Head;
      readonly body: Readable;
      readonly bytesMax: number;
      readonly length: number | undefined;
      readonly type: string;
      readonly fileName: string | undefined;
      readonly finalOrigin: string;
    };

interface OpenLimits {
  readonly idleMs: number;
  readonly nowMs: number;
}

/** What the headers say, checked. */
interface Described {
  readonly coding: Coding | 'identity';
  /** As sent; undefined where unknown. */
  readonly length: number | undefined;
  readonly part: ContentRange | undefined;
  readonly bytesMax: number;
}

/** @throws SekishoError; the caller closes the response. */
export async function openResponse(request: FetchRequest, response: GuardedResponse, limits: OpenLimits): Promise<Opened> {
  const described = describe(request, response, limits.nowMs);
  const body = boundBody(response.body, { ...described, idleMs: limits.idleMs });
  if (described.part !== undefined && described.part.start > 0) {
    return { kind: 'stream', stream: { outcome: streamOutcome(response, described, { type: UNKNOWN_TYPE }), head: EMPTY_HEAD, body } };
  }
  const { head, sniffed } = await readAndSniff(body);
  if (described.part !== undefined) return openFirstPart({ response, described, head, body }, request, sniffed);
  const decision = decide(request, sniffed);
  if (decision.kind === 'refuse') throw new SekishoError(decision.code, { detail: `sniffed ${sniffed.type ?? 'nothing'}` });
  checkSize(described, decision.bytesMax);
  const { type } = decision;
  if (decision.kind === 'stream') {
    return { kind: 'stream', stream: { outcome: streamOutcome(response, described, { type, picture: sniffed.picture }), head, body } };
  }
  const length = described.coding === 'identity' ? described.length : undefined;
  const { finalOrigin } = response;
  return { kind: 'store', head, body, bytesMax: decision.bytesMax, length, type, fileName: nameOf(response), finalOrigin };
}

const EMPTY_HEAD: Head = { bytes: Buffer.alloc(0), ended: false };

function describe(request: FetchRequest, response: GuardedResponse, nowMs: number): Described {
  const { headers, status } = response;
  const verdict = classifyStatus({ status, rangeAsked: request.range !== undefined, retryAfter: headers['retry-after'], nowMs });
  if (verdict.kind === 'empty') throw new SekishoError(refuseType(request.want).code, { detail: `status ${status}` });
  if (verdict.kind === 'fault') throw new SekishoError(verdict.code, { detail: `status ${status}`, ...verdict });
  const coding = parseCoding(headers['content-encoding']);
  if (coding === undefined) throw new SekishoError('SEKISHO_UPSTREAM_ENCODING', { detail: 'unknown or more than one coding' });
  const length = parseLength(headers['content-length']);
  if (length === false) throw fault('content-length is no number');
  const bytesMax = Math.min(request.limits.bytesMax, LIMITS.streamBytesMax);
  const part = verdict.partial ? describePart(request, response, length) : undefined;
  const described = { coding, length: part === undefined ? length : part.end - part.start + 1, part, bytesMax };
  checkSize(described, bytesMax);
  if (part !== undefined && coding !== 'identity') throw new SekishoError('SEKISHO_UPSTREAM_ENCODING', { detail: 'a part of a coded body' });
  return described;
}

function describePart(request: FetchRequest, response: GuardedResponse, length: number | undefined): ContentRange {
  const asked = parseRange(request.range ?? '');
  const part = parseContentRange(response.headers['content-range']);
  if (asked === undefined || part === undefined) throw fault('a part without a usable content range');
  if (!isAskedPart(asked, part)) throw fault('another part than the asked one');
  if (length !== undefined && length !== part.end - part.start + 1) throw fault('length and content range disagree');
  const validator = validatorOf(response.headers);
  if (request.ifRange !== undefined && validator !== undefined && validator !== request.ifRange) {
    throw new SekishoError('SEKISHO_UPSTREAM_CHANGED', { detail: 'a part of another version' });
  }
  return part;
}

const fault = (detail: string): SekishoError => new SekishoError('SEKISHO_UPSTREAM_FAULT', { detail });

/** A range must not get around the limit of the whole file. */
function checkSize({ length, part }: Pick<Described, 'length' | 'part'>, bytesMax: number): void {
  const size = part?.total ?? length;
  if (size !== undefined && size > bytesMax) throw new SekishoError('SEKISHO_UPSTREAM_TOO_LARGE', { detail: `${size} bytes announced` });
}

/** Media show their type in the first 4 KiB; pictures may need more for their size, texts before they turn out an SVG. */
async function readAndSniff(body: Readable): Promise<{ readonly head: Head; readonly sniffed: Sniffed }> {
  const first = await readHead(body, SNIFF_BYTES);
  const early = await sniff(first.bytes, !first.ended);
  const isSettled = early.type !== undefined && isBrowsersafe(early.type) && early.picture === undefined && !early.broken;
  if (isSettled || first.ended) return { head: first, sniffed: early };
  const head = await readHead(body, HEADER_BYTES_MAX, first);
  return { head, sniffed: await sniff(head.bytes, !head.ended) };
}

interface Part {
  readonly response: GuardedResponse;
  readonly described: Described;
  readonly head: Head;
  readonly body: Readable;
}

/** A first part may be too short to tell; a type that is told must still be one that passes. */
function openFirstPart({ response, described, head, body }: Part, request: FetchRequest, sniffed: Sniffed): Opened {
  const decision = decide({ ...request, want: 'stream' }, sniffed);
  const isTooShort = sniffed.type === undefined && head.bytes.length < SNIFF_BYTES;
  if (decision.kind === 'refuse' && !isTooShort) throw new SekishoError(decision.code, { detail: 'sniffed from a part' });
  const type = decision.kind === 'refuse' ? UNKNOWN_TYPE : decision.type;
  return { kind: 'stream', stream: { outcome: streamOutcome(response, described, { type, picture: sniffed.picture }), head, body } };
}

interface Shown {
  readonly type: string;
  readonly picture?: PictureHeader | undefined;
}

/** Of a coded body neither length nor validator say anything about the bytes that are passed on. */
function streamOutcome(response: GuardedResponse, described: Described, { type, picture }: Shown): StreamOutcome {
  const { length, part, coding } = described;
  const isPlain = coding === 'identity';
  const validator = isPlain ? validatorOf(response.headers) : undefined;
  const fileName = nameOf(response);
  return {
    kind: 'stream',
    status: part === undefined ? 200 : 206,
    type,
    finalOrigin: response.finalOrigin,
    ...(isPlain && length !== undefined ? { length } : {}),
    ...(part === undefined ? {} : { contentRange: part }),
    ...(validator === undefined ? {} : { validator }),
    ...(fileName === undefined ? {} : { fileName }),
    ...(picture === undefined ? {} : { width: picture.width, height: picture.height }),
  };
}

const nameOf = (response: GuardedResponse): string | undefined => fileNameOf(response.headers['content-disposition']);
