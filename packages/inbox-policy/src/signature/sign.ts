// Signatures of our own requests, by the draft: what servers that want signed fetches all understand.

import { Buffer } from 'node:buffer';
import { createHash, type KeyObject, sign } from 'node:crypto';

export interface SignInput {
  readonly method: 'GET' | 'POST';
  readonly url: string | URL;
  readonly dateMs: number;
  readonly keyId: string;
  /** Private, RSA. */
  readonly key: KeyObject;
  readonly body?: Uint8Array;
}

export interface SignedHeaders {
  readonly host: string;
  readonly date: string;
  readonly digest?: string;
  readonly signature: string;
}

/** The headers to send; `date` and `signature` belong together. */
export function signRequest(input: SignInput): SignedHeaders {
  const url = new URL(input.url);
  const headers = {
    host: url.host,
    date: new Date(input.dateMs).toUTCString(),
    ...(input.body === undefined ? {} : { digest: `SHA-256=${createHash('sha256').update(input.body).digest('base64')}` }),
  };
  const lines = Object.entries({ '(request-target)': `${input.method.toLowerCase()} ${url.pathname}${url.search}`, ...headers });
  const text = lines.map(([name, value]) => `${name}: ${value}`).join('\n');
  const names = lines.map(([name]) => name).join(' ');
  const signature = sign('sha256', Buffer.from(text), input.key).toString('base64');
  return { ...headers, signature: `keyId="${input.keyId}",algorithm="rsa-sha256",headers="${names}",signature="${signature}"` };
}
