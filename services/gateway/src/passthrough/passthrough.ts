// Everything that is not ours goes to Misskey as it came: method, raw path, Host and bytes unchanged, both bodies with
// back-pressure. What changes is who the client is said to be, and the headers of one hop.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Code } from '@sekisho/contracts';
import { Pool } from 'undici';
import { isMediaTarget } from '../media/request-target.ts';
import type { ClientIdentity } from '../media/types.ts';
import { refuse } from './answer.ts';
import { Exchange, type ExchangeDeps, type ExchangeTimes, type PassEnd } from './exchange.ts';
import { Gate, type GateLimits } from './gate.ts';
import { type RequestFacts, readRequestHead } from './head.ts';
import { readHandshake } from './handshake.ts';
import { refuseSocket } from './tunnel.ts';
import { type TunnelLimits, Tunnels } from './tunnels.ts';

export interface PassthroughLimits extends GateLimits, ExchangeTimes, TunnelLimits {
  /** Bodies above 16 KiB on their way at once, and as many behind them; `uploadsPerClientMax` of one client. */
  readonly uploadsMax: number;
  readonly uploadsPerClientMax: number;
  readonly connectMs: number;
  readonly handshakeMs: number;
  /** Pause of the sweep that enforces the times above. */
  readonly sweepMs: number;
}

export const PASSTHROUGH_LIMITS: PassthroughLimits = {
  /** Connections to Misskey. */
  runningMax: 512,
  waitingMax: 1_024,
  perClientMax: 128,
  uploadsMax: 128,
  uploadsPerClientMax: 16,
  tunnelsMax: 10_000,
  tunnelsPerClientMax: 64,
  connectMs: 5_000,
  handshakeMs: 10_000,
  queueMs: 10_000,
  headersMs: 60_000,
  bodyIdleMs: 120_000,
  /** A client that takes none of what waits for it, about 128 KiB, holds a connection that others need. */
  stallMs: 60_000,
  sweepMs: 1_000,
};

/** Misskey's pages carry long Link and CSP headers, but not this long. */
const ANSWER_HEADER_BYTES_MAX = 64 * 1024;
/** Misskey closes idle connections after 72 s; ours are given up earlier. */
const KEEP_ALIVE_MS = 30_000;

export interface PassthroughOptions {
  /** Origin of Misskey, http://host:port. */
  readonly url: string;
  /** URL of the instance as users see it. */
  readonly publicUrl: string;
  readonly limits?: Partial<PassthroughLimits>;
}

export interface PassContext {
  readonly client: ClientIdentity;
  readonly requestId: string;
  /** Runs once, when both sides are done or one broke off. */
  readonly onEnd?: (end: PassEnd) => void;
}

export interface Passthrough {
  /** Mount at the root only: the path goes on as it stands in `req.url`. */
  handle(req: IncomingMessage, res: ServerResponse, context: PassContext): void;
  /** For the server's `upgrade` event: a WebSocket on /streaming is tunnelled, anything else is refused and closed. */
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, context: PassContext): void;
  /** Closes all WebSockets with 1012, spread over `spreadMs`. */
  closeTunnels(spreadMs: number): Promise<void>;
  readonly running: number;
  readonly waiting: number;
  readonly tunnels: number;
  /** Ends everything at once. */
  close(): Promise<void>;
}

export function createPassthrough(options: PassthroughOptions): Passthrough {
  const limits = { ...PASSTHROUGH_LIMITS, ...options.limits };
  const target = new URL(options.url);
  const pool = createPool(target.origin, limits);
  const { uploadsMax, uploadsPerClientMax } = limits;
  const uploads = new Gate({ runningMax: uploadsMax, waitingMax: uploadsMax, perClientMax: uploadsPerClientMax });
  const deps: ExchangeDeps = { pool, gate: new Gate(limits), uploads, active: new Set(), times: limits, clock: { nowMs: performance.now() } };
  const { hostname, port } = target;
  const tunnels = new Tunnels({ hostname: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || 80, handshakeMs: limits.handshakeMs }, limits);
  const { host: publicHost, protocol } = new URL(options.publicUrl);
  const forwardingOf = ({ client, requestId }: PassContext) => ({
    clientAddress: client.address,
    requestId,
    proto: protocol.slice(0, -1),
    publicHost,
  });
  const sweep = setInterval(() => sweepExchanges(deps), limits.sweepMs);
  sweep.unref();
  return {
    handle: (req, res, context) => {
      // Misskey's own media proxy opens connections of its own; whoever composes the routes wrongly must not reach it.
      if (isMediaTarget(req.url ?? '')) return refuseRequest(req, res, 'SEKISHO_REQUEST_INVALID', context);
      const head = readRequestHead(factsOf(req), forwardingOf(context));
      if (!head.ok) return refuseRequest(req, res, head.code, context);
      const { headers, bodyBytes } = head;
      const { client, requestId, onEnd } = context;
      new Exchange(deps, { req, res, headers, bodyBytes, clientKey: client.key, requestId, onEnd }).begin();
    },
    upgrade: (req, socket, rest, context) => {
      const handshake = readHandshake(factsOf(req), forwardingOf(context));
      const closed = (code: Code | undefined, status = code === undefined ? 101 : 0): void =>
        context.onEnd?.({ status, bytes: 0, code, aborted: false });
      if (!handshake.ok) {
        const hint = handshake.status === 426 ? ['Upgrade', 'websocket'] : [];
        refuseSocket(socket, 'SEKISHO_REQUEST_INVALID', handshake.status, hint);
        return closed('SEKISHO_REQUEST_INVALID', handshake.status);
      }
      const asked = { req, socket, head: rest, headers: handshake.headers, requestId: context.requestId };
      tunnels.open(context.client.key, asked, closed);
    },
    closeTunnels: (spreadMs) => tunnels.close(spreadMs),
    get running() {
      return deps.gate.running;
    },
    get waiting() {
      return deps.gate.waiting;
    },
    get tunnels() {
      return tunnels.size;
    },
    close: async () => {
      clearInterval(sweep);
      tunnels.destroy();
      await pool.destroy();
    },
  };
}

const createPool = (origin: string, limits: PassthroughLimits): Pool =>
  new Pool(origin, {
    connections: limits.runningMax,
    pipelining: 1,
    connect: { timeout: limits.connectMs },
    // The sweep holds both, over queue and upload too.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: ANSWER_HEADER_BYTES_MAX,
  });

function sweepExchanges(deps: ExchangeDeps): void {
  deps.clock.nowMs = performance.now();
  for (const exchange of deps.active) exchange.check(deps.clock.nowMs);
}

const factsOf = (req: IncomingMessage): RequestFacts => ({
  method: req.method ?? '',
  url: req.url ?? '',
  httpVersion: req.httpVersion,
  rawHeaders: req.rawHeaders,
});

function refuseRequest(req: IncomingMessage, res: ServerResponse, code: Code, context: PassContext): void {
  const status = refuse(req, res, code, { requestId: context.requestId, closes: true });
  context.onEnd?.({ status, bytes: 0, code, aborted: false });
}
