// All WebSockets of this process: how many there may be, and their orderly end.

import { setTimeout as delay } from 'node:timers/promises';
import type { Code } from '@sekisho/contracts';
import { Tunnel, type TunnelOptions, type TunnelRequest, refuseSocket } from './tunnel.ts';

/** Tunnels closed between two pauses; more would make their clients come back in one wave. */
const STEPS_MAX = 150;

export interface TunnelLimits {
  readonly tunnelsMax: number;
  readonly tunnelsPerClientMax: number;
}

export class Tunnels {
  readonly #options: TunnelOptions;
  readonly #limits: TunnelLimits;
  readonly #open = new Set<Tunnel>();
  readonly #clients = new Map<string, number>();
  #isClosing = false;

  constructor(options: TunnelOptions, limits: TunnelLimits) {
    this.#options = options;
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Opens a tunnel or answers why not; `closed` runs once in either case. */
  open(clientKey: string, asked: TunnelRequest, closed: (code: Code | undefined) => void): void {
    const own = this.#clients.get(clientKey) ?? 0;
    const code = this.#refusal(own);
    if (code !== undefined) {
      refuseSocket(asked.socket, code, undefined, ['X-Request-Id', asked.requestId]);
      return closed(code);
    }
    this.#clients.set(clientKey, own + 1);
    const tunnel = new Tunnel(asked, (end) => {
      this.#open.delete(tunnel);
      this.#leave(clientKey);
      closed(end);
    });
    this.#open.add(tunnel);
    tunnel.open(this.#options);
  }

  /** Closes all with 1012, spread evenly over `spreadMs`. */
  async close(spreadMs: number): Promise<void> {
    this.#isClosing = true;
    const tunnels = [...this.#open];
    const perStep = Math.max(1, Math.ceil(tunnels.length / STEPS_MAX));
    const pauseMs = spreadMs / Math.ceil(tunnels.length / perStep || 1);
    for (let at = 0; at < tunnels.length; at += perStep) {
      for (const tunnel of tunnels.slice(at, at + perStep)) tunnel.close();
      if (at + perStep < tunnels.length) await delay(pauseMs);
    }
  }

  /** Cuts what is left. */
  destroy(): void {
    this.#isClosing = true;
    for (const tunnel of this.#open) tunnel.destroy();
  }

  #refusal(own: number): Code | undefined {
    if (this.#isClosing) return 'SEKISHO_SHUTTING_DOWN';
    if (own >= this.#limits.tunnelsPerClientMax) return 'SEKISHO_LIMIT_CLIENT';
    return this.#open.size >= this.#limits.tunnelsMax ? 'SEKISHO_MISSKEY_AWAY' : undefined;
  }

  #leave(clientKey: string): void {
    const own = (this.#clients.get(clientKey) ?? 1) - 1;
    if (own <= 0) this.#clients.delete(clientKey);
    else this.#clients.set(clientKey, own);
  }
}
