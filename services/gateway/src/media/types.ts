// Words of the gateway's media path; every part of it speaks in these.

import type { Code, DecodeClass, MediaMode } from '@sekisho/contracts';

/** A media request after parsing: nothing in it is raw any more. */
export interface MediaRequest {
  readonly method: 'GET' | 'HEAD';
  /** Canonical URL (see DESIGN "Cache"). */
  readonly url: string;
  /** What the client sees as file name when the upstream suggests none: last path segment of the URL, decoded. */
  readonly mode: MediaMode;
  readonly fallback: boolean;
  readonly origin: boolean;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly loop: { readonly via: readonly string[]; readonly cdnLoop: readonly string[] };
}

/** A picture that is ready to be sent. */
export interface Picture {
  readonly kind: 'picture';
  readonly type: string;
  readonly body: Buffer;
  /** Strong validator with quotes, a hash of the bytes. */
  readonly etag: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly framesCapped: boolean;
  /** Name the upstream suggested, untrusted text of at most 255 characters. */
  readonly fileName: string | undefined;
}

/** A refusal that depends on the URL alone, so that it may be shared and, if listed, cached. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly code: Code;
  readonly upstreamStatus: number | undefined;
  readonly retryAfterS: number | undefined;
}

/** The medium is passed on as a stream: each client opens its own. */
export interface StreamHint {
  readonly kind: 'stream';
}

export type MediaOutcome = Picture | Refusal | StreamHint;

/** Who asks: what budgets and lines are kept by. Never the whole IPv6 address. */
export interface ClientIdentity {
  /** Address as text, for the log. */
  readonly address: string;
  /** IPv4 address or IPv6 /64. */
  readonly key: string;
  /** IPv4 /24 or IPv6 /48. */
  readonly net: string;
}

/** Decoder work as the gateway orders it. */
export interface TransformOrder {
  readonly sourceId: string;
  readonly sourceBytes: number;
  readonly isolation: string;
  readonly class: DecodeClass;
  readonly mode: MediaMode;
}
