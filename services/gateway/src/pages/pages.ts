// Misskey's own routes: who asks, what it costs, one line per request; the bytes pass untouched.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { TICK_MS } from '@sekisho/limiter';
import type { Clock, Logger } from '@sekisho/runtime';
import type { Identify } from '../client/identity.ts';
import type { Budget } from '../limits/budget.ts';
import { requestIdOf } from '../media/respond.ts';
import type { ClientIdentity } from '../media/types.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { refuse } from '../passthrough/answer.ts';
import type { PassEnd } from '../passthrough/exchange.ts';
import type { PassContext, Passthrough } from '../passthrough/passthrough.ts';
import { refuseSocket } from '../passthrough/tunnel.ts';

const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

export interface PagesDeps {
  readonly passthrough: Pick<Passthrough, 'handle' | 'upgrade'>;
  readonly budget: Budget;
  readonly identify: Identify;
  readonly metrics: GatewayMetrics;
  readonly journal: Logger;
  readonly clock: Clock;
  /** Hears whether Misskey answered. */
  readonly onMisskey: (up: boolean) => void;
}

export interface Pages {
  handle(req: IncomingMessage, res: ServerResponse): void;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export function createPages(deps: PagesDeps): Pages {
  return {
    handle: (req, res) => {
      const visit = arrive(deps, req);
      const over = deps.budget.tick(visit.client, 'pages', TICK_MS);
      if (over === undefined) return deps.passthrough.handle(req, res, contextOf(deps, req, visit));
      const status = refuse(req, res, over.code, { requestId: visit.requestId, retryAfterS: over.retryAfterS });
      depart(deps, req, visit, { status, bytes: 0, code: over.code, aborted: false });
    },
    upgrade: (req, socket, head) => {
      const visit = arrive(deps, req);
      const over = deps.budget.tick(visit.client, 'pages', TICK_MS);
      if (over === undefined) return deps.passthrough.upgrade(req, socket, head, contextOf(deps, req, visit));
      refuseSocket(socket, over.code);
      depart(deps, req, visit, { status: 429, bytes: 0, code: over.code, aborted: false });
    },
  };
}

interface Visit {
  readonly client: ClientIdentity;
  readonly requestId: string;
  readonly arrivedMs: number;
}

const arrive = (deps: PagesDeps, req: IncomingMessage): Visit => ({
  client: deps.identify(req.socket.remoteAddress, req.headers['x-forwarded-for']),
  requestId: requestIdOf(req.headers['x-request-id']),
  arrivedMs: deps.clock.monotonicMs(),
});

const contextOf = (deps: PagesDeps, req: IncomingMessage, visit: Visit): PassContext => ({
  client: visit.client,
  requestId: visit.requestId,
  onEnd: (end) => depart(deps, req, visit, end),
});

function depart(deps: PagesDeps, req: IncomingMessage, visit: Visit, end: PassEnd): void {
  deps.metrics.passthrough.inc({ result: end.aborted ? 'aborted' : (STATUS_CLASSES[Math.floor(end.status / 100) - 1] ?? 'away') });
  if (end.code === 'SEKISHO_MISSKEY_AWAY') deps.onMisskey(false);
  else if (end.code === undefined && !end.aborted) deps.onMisskey(true);
  deps.journal.info(
    {
      request_id: visit.requestId, client: visit.client.key, method: req.method, area: areaOf(req.url ?? '/'), status: end.status, code: end.code,
      aborted: end.aborted || undefined, bytes: end.bytes, duration_ms: Math.round(deps.clock.monotonicMs() - visit.arrivedMs),
    },
    'pass',
  );
}

const AREA = /^\/[a-z0-9.@_-]{0,24}/i;

/** First segment of the path alone: further ones and the query hold names, ids and tokens. */
const areaOf = (target: string): string => AREA.exec(target)?.[0] ?? '/';
