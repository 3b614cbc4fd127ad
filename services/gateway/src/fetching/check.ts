// Does an outcome answer what was asked? Its shape is checked by the contract, its sense here; pure.

import { type DocumentOutcome, DOCUMENTS, type FetchOutcome, type FetchRequest, LIMITS, type StoredOutcome, type StreamOutcome } from '@sekisho/contracts';

interface AskedRange {
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly suffix: number | undefined;
}

/** What is wrong with the outcome, for the log; undefined when it fits the request. */
export function checkOutcome(request: FetchRequest, outcome: FetchOutcome): string | undefined {
  if (outcome.kind === 'document') return checkDocument(request, outcome);
  if (outcome.kind === 'stored') return checkStored(request, outcome);
  return outcome.kind === 'stream' ? checkStream(request, outcome) : undefined;
}

/** What may not be redirected is what stands at the very URL that was asked for: an activity, nodeinfo. A list may have moved. */
function checkDocument(request: FetchRequest, outcome: DocumentOutcome): string | undefined {
  const { want, accept, url, limits } = request;
  if (want !== 'document' || accept === undefined) return 'a document, but media were asked for';
  if (!DOCUMENTS[accept].types.includes(outcome.type)) return 'a document of another type';
  if (outcome.bytes > limits.bytesMax) return 'a document above its limit';
  return DOCUMENTS[accept].redirectsMax === 0 && outcome.finalUrl !== url ? 'a document of another URL' : undefined;
}

function checkStored(request: FetchRequest, outcome: StoredOutcome): string | undefined {
  if (request.want === 'stream' || request.want === 'document') return 'stored, but a stream or a document was asked for';
  if (outcome.sourceId !== request.sourceId) return 'stored under another id';
  const bytesMax = Math.min(request.limits.bytesMax, LIMITS.pictureBytesMax);
  return outcome.bytes < 1 || outcome.bytes > bytesMax ? 'stored bytes out of bounds' : undefined;
}

function checkStream(request: FetchRequest, outcome: StreamOutcome): string | undefined {
  if (request.want === 'store' || request.want === 'document') return 'a stream, but storing or a document was asked for';
  if (outcome.length !== undefined && outcome.length > request.limits.bytesMax) return 'stream longer than the limit';
  if (outcome.status === 200) return outcome.contentRange === undefined ? undefined : '200 with a content range';
  return checkPartial(request.range, outcome);
}

function checkPartial(range: string | undefined, outcome: StreamOutcome): string | undefined {
  const { contentRange, length } = outcome;
  const asked = range === undefined ? undefined : parseRange(range);
  if (asked === undefined) return '206 without an asked range';
  if (contentRange === undefined) return '206 without a content range';
  const { start, end, total } = contentRange;
  if (start > end || end >= total) return 'content range out of order';
  if (length !== undefined && length !== end - start + 1) return 'length is not that of the content range';
  return rangeFits(asked, contentRange) ? undefined : 'another range than the asked one';
}

/** A server may send less than asked, but nothing outside, and from the asked start. */
function rangeFits(asked: AskedRange, sent: { readonly start: number; readonly end: number; readonly total: number }): boolean {
  if (asked.suffix !== undefined) return sent.start === Math.max(0, sent.total - asked.suffix) && sent.end === sent.total - 1;
  return sent.start === asked.first && (asked.last === undefined || sent.end <= asked.last);
}

function parseRange(range: string): AskedRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range);
  if (match === null) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? undefined : { first: undefined, last: undefined, suffix: Number(last) };
  return { first: Number(first), last: last === '' ? undefined : Number(last), suffix: undefined };
}
