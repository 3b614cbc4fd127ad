// What a refused client reads: a status that was chosen on purpose, because Misskey shows nothing else, and Proxy-Status
// (RFC 9209) for a person who looks closer.

import { STATUS_CODES } from 'node:http';
import { CODES, type Code } from '@sekisho/contracts';

const NAME = 'sekisho-egress';
/** Seconds a client should wait at a limit. */
const RETRY_AFTER_S = 1;

/** Error types of RFC 9209 section 2.3. */
const ERRORS: Readonly<Partial<Record<Code, string>>> = {
  SEKISHO_EGRESS_REQUEST: 'http_request_error',
  SEKISHO_EGRESS_AUTHORITY: 'http_request_error',
  SEKISHO_EGRESS_HEADERS_TIMEOUT: 'http_request_error',
  SEKISHO_EGRESS_HEADERS_SIZE: 'http_request_error',
  SEKISHO_EGRESS_LITERAL: 'destination_ip_prohibited',
  SEKISHO_EGRESS_ADDRESS: 'destination_ip_prohibited',
  SEKISHO_EGRESS_OWN_HOST: 'proxy_loop_detected',
  SEKISHO_EGRESS_HOST_LIMIT: 'connection_limit_reached',
  SEKISHO_EGRESS_LIMIT: 'connection_limit_reached',
  SEKISHO_EGRESS_STOPPING: 'destination_unavailable',
  SEKISHO_EGRESS_UNRESOLVED: 'dns_error',
  SEKISHO_EGRESS_DNS: 'dns_error',
  SEKISHO_EGRESS_DNS_TIMEOUT: 'dns_timeout',
  SEKISHO_EGRESS_CONNECT_TIMEOUT: 'connection_timeout',
  SEKISHO_INTERNAL: 'proxy_internal_error',
};

/** Of a refused connection by the kernel's word for it. */
const CONNECT_ERRORS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'connection_refused'],
  [/ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL/, 'destination_ip_unroutable'],
];

export function proxyError(code: Code, detail = ''): string {
  if (code === 'SEKISHO_EGRESS_CONNECT') return CONNECT_ERRORS.find(([word]) => word.test(detail))?.[1] ?? 'connection_terminated';
  return ERRORS[code] ?? 'http_request_denied';
}

/** Headers of a refusal, in order. Fixed texts only: nothing of the request comes back. */
export function answerHeaders(code: Code, detail = ''): Readonly<Record<string, string>> {
  const { status, retryable } = CODES[code];
  return {
    'proxy-status': `${NAME}; error=${proxyError(code, detail)}; details="${code}"`,
    ...(status === 405 ? { allow: 'CONNECT' } : {}),
    ...(status === 407 ? { 'proxy-authenticate': 'Basic realm="sekisho", charset="UTF-8"' } : {}),
    ...(retryable ? { 'retry-after': String(RETRY_AFTER_S) } : {}),
    'content-length': '0',
    connection: 'close',
  };
}

/** A whole refusal for a bare socket. */
export function answerText(code: Code, detail = ''): string {
  const { status } = CODES[code];
  const lines = Object.entries(answerHeaders(code, detail)).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n${lines.join('')}\r\n`;
}

export const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';
