import type { SlotLimits } from '../limits/tunnel-slots.ts';

/** Times in ms. Tests shorten them. */
export interface TunnelLimits extends SlotLimits {
  /** From the connection until the headers of CONNECT are complete. */
  readonly headersMs: number;
  readonly headerBytesMax: number;
  /** The resolver, and after it all addresses together. */
  readonly dnsMs: number;
  readonly connectMs: number;
  /** Each hello: from the 200 to the ClientHello, and from there to the ServerHello. */
  readonly helloMs: number;
  /** No byte moves in either direction. */
  readonly idleMs: number;
  readonly lifeMs: number;
  /** Both directions together. */
  readonly bytesMax: number;
}

export const DEFAULT_TUNNEL_LIMITS: TunnelLimits = {
  headersMs: 5_000,
  headerBytesMax: 8 * 1024,
  dnsMs: 5_000,
  connectMs: 10_000,
  helloMs: 5_000,
  // Misskey's agent keeps 256 free sockets without any timeout of its own.
  idleMs: 120_000,
  lifeMs: 600_000,
  tunnelsMax: 1_024,
  hostTunnelsMax: 256,
  bytesMax: 1024 * 1024 * 1024,
};
