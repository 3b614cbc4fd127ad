// From a CONNECT request to a tunnel or a refusal, and always to one report.

import type { Code } from '@sekisho/contracts';
import { type Credentials, mayPass } from '../credentials/credentials.ts';
import { type ConnectRequest, refuseSocket } from '../http/server.ts';
import type { TunnelSlots } from '../limits/tunnel-slots.ts';
import type { Decision, Mode } from '../policy/decide.ts';
import { refusedEnd, startTunnel, type Tunnel, type TunnelDeps, type TunnelEnd } from './tunnel.ts';

export type Listener = 'tls' | 'smtp';

/** One request: what was asked, and how it ended. */
export interface Report {
  readonly listener: Listener;
  readonly mode: Mode;
  readonly peer: string;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly durationMs: number;
  readonly end: TunnelEnd;
}

export interface AcceptOptions {
  readonly listener: Listener;
  readonly mode: Mode;
  /** Undefined: nobody is asked. */
  readonly credentials: () => Credentials | undefined;
  readonly decide: (authority: string) => Decision;
  readonly slots: TunnelSlots;
  readonly deps: TunnelDeps;
  readonly onReport: (report: Report) => void;
}

export interface Acceptor {
  accept(request: ConnectRequest): void;
  /** New requests get 503. */
  leave(): void;
  /** Resets what is open; resolves when all of it is reported. */
  stopAll(): Promise<void>;
}

export function createAcceptor(options: AcceptOptions): Acceptor {
  const tunnels = new Map<Tunnel, Promise<void>>();
  const { clock } = options.deps;
  let isLeaving = false;
  const accept = (request: ConnectRequest): void => {
    const startMs = clock.monotonicMs();
    const peer = request.socket.remoteAddress ?? '';
    const report = (target: { readonly host?: string | undefined; readonly port?: number | undefined }, end: TunnelEnd): void => {
      const { listener, mode } = options;
      options.onReport({ listener, mode, peer, host: target.host, port: target.port, durationMs: clock.monotonicMs() - startMs, end });
    };
    const refuse = (code: Code, detail: string, target = {}): void => {
      refuseSocket(request.socket, code);
      report(target, refusedEnd(code, detail));
    };
    const early = earlyCode(request, isLeaving, options.credentials());
    if (early !== undefined) return refuse(early, '');
    const decision = options.decide(request.authority);
    if (!decision.ok) return refuse(decision.code, decision.detail, decision);
    const slot = options.slots.acquire(decision.host);
    if (!slot.ok) return refuse(slot.code, '', decision);
    const tunnel = startTunnel({ ...request, host: decision.host, port: decision.port, mode: options.mode, inspect: options.listener === 'tls' }, options.deps);
    const ended = tunnel.done.then((end) => {
      tunnels.delete(tunnel);
      slot.release();
      report(decision, { ...end, wouldDeny: [...decision.wouldDeny, ...end.wouldDeny] });
    });
    tunnels.set(tunnel, ended);
  };
  return {
    accept,
    leave: () => {
      isLeaving = true;
    },
    stopAll: async () => {
      const ends = [...tunnels.values()];
      for (const tunnel of tunnels.keys()) tunnel.stop();
      await Promise.all(ends);
    },
  };
}

/** What is wrong with a request whatever its target. Credentials first: a stranger learns nothing of the rules. */
function earlyCode(request: ConnectRequest, isLeaving: boolean, credentials: Credentials | undefined): Code | undefined {
  if (isLeaving) return 'SEKISHO_EGRESS_STOPPING';
  if (credentials !== undefined && !mayPass(request.authorization, credentials)) return 'SEKISHO_EGRESS_CREDENTIALS';
  return request.isOdd ? 'SEKISHO_EGRESS_REQUEST' : undefined;
}
