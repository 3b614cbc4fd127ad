// The signature library of Misskey, which has no types of its own.

import { createRequire } from 'node:module';

export interface PeertubeParsed {
  readonly keyId: string;
  readonly algorithm: string;
  readonly signingString: string;
  readonly params: Readonly<Record<string, unknown>> & { readonly headers: readonly string[]; readonly signature: string };
}

export interface PeertubeRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface PeertubeOutgoing {
  readonly method: string;
  readonly path: string;
  readonly getHeader: (name: string) => string | undefined;
  readonly setHeader: (name: string, value: string) => void;
}

export interface Peertube {
  readonly parseRequest: (request: PeertubeRequest, options: Readonly<Record<string, unknown>>) => PeertubeParsed;
  readonly verifySignature: (parsed: PeertubeParsed, pem: string) => boolean;
  readonly signRequest: (request: PeertubeOutgoing, options: Readonly<Record<string, unknown>>) => boolean;
}

export const peertube = createRequire(import.meta.url)('@peertube/http-signature') as Peertube;

/** As Misskey calls it. */
export const parseAsMisskey = (request: PeertubeRequest): PeertubeParsed =>
  peertube.parseRequest(request, { headers: ['(request-target)', 'host', 'date'], authorizationHeaderName: 'signature' });
