// The opening of a WebSocket (RFC 6455 4.2.1), checked before Misskey hears of it: Misskey itself answers 101 on any
// path and ignores what else is in the request. Pure.

import { type Forwarding, type RequestFacts, readRequestHead } from './head.ts';

/** The only path on which Misskey has a WebSocket of its own. */
const STREAMING = '/streaming';
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
/** 403 for what is no WebSocket on the streaming path would tell nothing; these two are what clients understand. */
export type HandshakeStatus = 400 | 426;

export type Handshake =
  | { readonly ok: false; readonly status: HandshakeStatus; readonly detail: string }
  | { readonly ok: true; readonly headers: string[] };

const refusal = (detail: string, status: HandshakeStatus = 400): Handshake => ({ ok: false, status, detail });

export function readHandshake(facts: RequestFacts, forwarding: Forwarding): Handshake {
  const [path] = facts.url.split('?', 1);
  if (path !== STREAMING) return refusal('upgrade on another path');
  if (facts.method !== 'GET' || facts.httpVersion !== '1.1') return refusal('not GET with HTTP/1.1');
  const value = (name: string): string => valuesOf(facts.rawHeaders, name).join(',').trim();
  if (value('upgrade').toLowerCase() !== 'websocket') return refusal('upgrade to something else', 426);
  if (!value('connection').toLowerCase().split(',').some((option) => option.trim() === 'upgrade')) return refusal('Connection');
  if (value('sec-websocket-version') !== '13') return refusal('version', 426);
  if (!KEY.test(value('sec-websocket-key'))) return refusal('key');
  const head = readRequestHead(facts, forwarding);
  if (!head.ok) return refusal(head.detail);
  if (head.bodyBytes !== 0) return refusal('a body');
  head.headers.push('Connection', 'Upgrade', 'Upgrade', 'websocket');
  return { ok: true, headers: head.headers };
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? '');
  }
  return values;
}
