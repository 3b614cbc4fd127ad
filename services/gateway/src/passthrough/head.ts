// Heads of requests and answers on their way through. Works on Node's raw lists, so that order, case and repeated
// headers stay as they came; what differs from them afterwards differs on purpose and stands here. Pure.

import type { Code } from '@sekisho/contracts';

/** Longer lists are no browser's and no server's; each line costs work on both sides. */
export const HEADER_LINES_MAX = 128;
/** Options named in one Connection header. */
const CONNECTION_OPTIONS_MAX = 32;
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** RFC 9110 7.6.1 with the older names. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer',
  'transfer-encoding', 'upgrade',
]);
/** Who the client is, is ours to say: Misskey believes these from any private address. */
const IDENTITY: ReadonlySet<string> = new Set([
  'forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-server',
  'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip', 'x-request-id',
]);
/** What a Connection header may not take away: the upstream would read another message than we checked. */
const KEPT: ReadonlySet<string> = new Set(['host', 'content-length', 'content-type']);
const NOTHING: ReadonlySet<string> = new Set();
const DROPPED_OF_REQUEST: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...IDENTITY, 'expect']);
const DROPPED_OF_ANSWER: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'x-request-id']);

const TARGET = /^\/[\u0021\u0022\u0024-\u007e]*$/; // origin form without fragment; no space, control or 8-bit byte
const HOST = /^[A-Za-z0-9.\-_:[\]]{1,255}$/;
const LENGTH = /^\d{1,15}$/;

export interface RequestFacts {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  /** Flat: name, value, name, value, … */
  readonly rawHeaders: readonly string[];
}

export interface Forwarding {
  readonly clientAddress: string;
  readonly requestId: string;
  readonly proto: string;
  readonly publicHost: string;
}

export type RequestHead =
  | { readonly ok: false; readonly code: Code; readonly detail: string }
  | {
      readonly ok: true;
      /** Flat list for the upstream. */
      readonly headers: string[];
      /** 0: no body; undefined: of unknown length. */
      readonly bodyBytes: number | undefined;
    };

const refusal = (detail: string, code: Code = 'SEKISHO_REQUEST_INVALID'): RequestHead => ({ ok: false, code, detail });

interface Framing {
  hosts: string[];
  lengths: string[];
  encodings: string[];
  connection: string;
}

/**
 * Checks a request and builds the head for the upstream. Node's parser refuses most of what is ambiguous already; this
 * is the second look, as a message that two parsers read in two ways is a smuggled one.
 *
 * @param signed names that no Connection header takes away, because the signature of the request covers them
 */
export function readRequestHead(facts: RequestFacts, forwarding: Forwarding, signed: ReadonlySet<string> = NOTHING): RequestHead {
  if (!METHODS.has(facts.method)) return refusal('method', 'SEKISHO_REQUEST_METHOD');
  if (!TARGET.test(facts.url)) return refusal('target is not in origin form');
  if (facts.rawHeaders.length > HEADER_LINES_MAX * 2) return refusal('too many header lines');
  const headers: string[] = [];
  const framing: Framing = { hosts: [], lengths: [], encodings: [], connection: '' };
  for (let index = 0; index + 1 < facts.rawHeaders.length; index += 2) {
    const raw = facts.rawHeaders[index] ?? '';
    const value = facts.rawHeaders[index + 1] ?? '';
    const name = raw.toLowerCase();
    if (!DROPPED_OF_REQUEST.has(name)) headers.push(raw, value);
    note(framing, name, value);
  }
  const problem = checkFraming(framing, facts.httpVersion);
  if (problem !== undefined) return refusal(problem);
  const { clientAddress, requestId, proto, publicHost } = forwarding;
  const kept = withoutOptions(headers, framing.connection, signed);
  kept.push('X-Forwarded-For', clientAddress, 'X-Forwarded-Proto', proto, 'X-Forwarded-Host', publicHost, 'X-Request-Id', requestId);
  return { ok: true, headers: kept, bodyBytes: framing.encodings.length > 0 ? undefined : Number(framing.lengths[0] ?? 0) };
}

function note(framing: Framing, name: string, value: string): void {
  if (name === 'host') framing.hosts.push(value);
  else if (name === 'content-length') framing.lengths.push(value);
  else if (name === 'transfer-encoding') framing.encodings.push(value);
  else if (name === 'connection') framing.connection += `,${value}`;
}

function checkFraming({ hosts, lengths, encodings }: Framing, httpVersion: string): string | undefined {
  const [host = ''] = hosts;
  const [length = '0'] = lengths;
  if (hosts.length !== 1 || !HOST.test(host)) return 'not exactly one valid Host';
  if (lengths.length > 1 || !LENGTH.test(length)) return 'Content-Length';
  if (encodings.length === 0) return undefined;
  const isPlain = encodings.join(',').trim().toLowerCase() === 'chunked';
  return isPlain && lengths.length === 0 && httpVersion === '1.1' ? undefined : 'Transfer-Encoding';
}

/** As they come from nearly everybody; they name no header. */
const PLAIN_CONNECTIONS: ReadonlySet<string> = new Set(['', ',keep-alive', ',close', ',Keep-Alive', ',Close']);

/** Without the headers that a Connection header names. */
function withoutOptions(headers: string[], connection: string, signed: ReadonlySet<string> = NOTHING): string[] {
  if (PLAIN_CONNECTIONS.has(connection)) return headers;
  const options = connection.toLowerCase().split(',', CONNECTION_OPTIONS_MAX + 1).map((option) => option.trim());
  const named = new Set(options.filter((option) => option !== '' && !HOP_BY_HOP.has(option) && !KEPT.has(option) && !signed.has(option) && option !== 'close'));
  if (named.size === 0) return headers;
  const kept: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const raw = headers[index] ?? '';
    if (!named.has(raw.toLowerCase())) kept.push(raw, headers[index + 1] ?? '');
  }
  return kept;
}

export interface AnswerHead {
  /** Flat list for the client. */
  readonly headers: string[];
  /** Declared length of the body; undefined where none is declared. */
  readonly bodyBytes: number | undefined;
}

/** Head of an upstream's answer as the client gets it. Framing is Node's own, but a declared length stays. */
export function readAnswerHead(raw: readonly (Buffer | string)[], status: number, requestId: string): AnswerHead {
  const headers: string[] = [];
  let connection = '';
  let bodyBytes: number | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const field = text(raw[index]);
    const value = text(raw[index + 1]);
    const name = field.toLowerCase();
    if (name === 'connection') connection += `,${value}`;
    if (name === 'content-length') {
      if (status === 204) continue;
      bodyBytes = LENGTH.test(value) ? Number(value) : undefined;
    }
    if (!DROPPED_OF_ANSWER.has(name)) headers.push(field, value);
  }
  const kept = withoutOptions(headers, connection);
  kept.push('X-Request-Id', requestId);
  return { headers: kept, bodyBytes };
}

const text = (part: Buffer | string | undefined): string =>
  part === undefined ? '' : typeof part === 'string' ? part : part.toString('latin1');
