// What is demanded of both hellos before a byte of theirs passes. Pure: steps in, verdicts out.

import { type ClientHello, parseClientHello } from './client-hello.ts';
import type { HelloStep } from './hello-reader.ts';
import { parseServerHello } from './server-hello.ts';
import { TLS12 } from './versions.ts';

export type ClientCode = 'SEKISHO_EGRESS_NOT_TLS' | 'SEKISHO_EGRESS_CLIENT_HELLO' | 'SEKISHO_EGRESS_SNI' | 'SEKISHO_EGRESS_CLIENT_VERSION';
export type ServerCode = 'SEKISHO_EGRESS_SERVER_HELLO' | 'SEKISHO_EGRESS_SERVER_VERSION';

/** `version` as far as one was seen, on the wire's scale. */
export type Inspected<C> =
  | { readonly kind: 'more' | 'alert' }
  | { readonly kind: 'ok'; readonly version: number; readonly retry: boolean }
  | { readonly kind: 'refused'; readonly code: C; readonly detail: string; readonly version?: number };

/** @param host of CONNECT, in lower case and without the trailing dot. */
export function inspectClient(step: HelloStep, host: string): Inspected<ClientCode> {
  if (step.kind === 'more' || step.kind === 'alert') return { kind: step.kind };
  if (step.kind === 'bad') return { kind: 'refused', code: step.foreign ? 'SEKISHO_EGRESS_NOT_TLS' : 'SEKISHO_EGRESS_CLIENT_HELLO', detail: step.detail };
  // What follows a ClientHello is encrypted or waits for the server.
  if (!step.alone) return { kind: 'refused', code: 'SEKISHO_EGRESS_CLIENT_HELLO', detail: 'another message behind the hello' };
  const hello = parseClientHello(step.body);
  if (typeof hello === 'string') return { kind: 'refused', code: 'SEKISHO_EGRESS_CLIENT_HELLO', detail: hello };
  return judgeHello(hello, host);
}

function judgeHello(hello: ClientHello, host: string): Inspected<ClientCode> {
  const refused = (code: ClientCode, detail: string): Inspected<ClientCode> => ({ kind: 'refused', code, detail, version: hello.versionMax });
  if (hello.versionMax < TLS12) return refused('SEKISHO_EGRESS_CLIENT_VERSION', 'nothing newer than TLS 1.1');
  if (hello.serverName === undefined) return refused('SEKISHO_EGRESS_SNI', 'no server name');
  if (hello.serverName !== host) return refused('SEKISHO_EGRESS_SNI', `another server name: ${hello.serverName.slice(0, 253)}`);
  // The outer name could be that of a front which takes the inner one from within.
  if (hello.encrypted) return refused('SEKISHO_EGRESS_SNI', 'an encrypted server name');
  return { kind: 'ok', version: hello.versionMax, retry: false };
}

export function inspectServer(step: HelloStep): Inspected<ServerCode> {
  if (step.kind === 'more' || step.kind === 'alert') return { kind: step.kind };
  const refused = (detail: string): Inspected<ServerCode> => ({ kind: 'refused', code: 'SEKISHO_EGRESS_SERVER_HELLO', detail });
  if (step.kind === 'bad') return refused(step.detail);
  const hello = parseServerHello(step.body);
  if (typeof hello === 'string') return refused(hello);
  const { version, retry } = hello;
  if (version < TLS12) return { kind: 'refused', code: 'SEKISHO_EGRESS_SERVER_VERSION', detail: 'older than TLS 1.2', version };
  if (retry && !step.alone) return refused('another message behind the retry request');
  return { kind: 'ok', version, retry };
}
