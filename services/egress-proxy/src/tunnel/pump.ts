// Both directions of an open tunnel: bytes counted, back-pressure kept, half-closed ends kept half-closed, and limits on
// silence, life and bytes. Nothing here looks into the bytes.

import type { Socket } from 'node:net';
import type { Code } from '@sekisho/contracts';
import type { Clock } from '@sekisho/runtime';

export interface PumpLimits {
  readonly idleMs: number;
  readonly lifeMs: number;
  readonly bytesMax: number;
}

export interface PumpCounts {
  up: number;
  down: number;
}

/** Undefined: both ends closed in order. */
export type PumpEnd = Code | undefined;

interface Direction {
  readonly from: Socket;
  readonly to: Socket;
  readonly way: keyof PumpCounts;
  readonly goneCode: Code;
}

/** Runs until the tunnel is over, and closes neither socket. The sockets come paused; the counts are kept up to date. */
export async function pump(client: Socket, server: Socket, limits: PumpLimits, deps: { readonly clock: Clock; readonly counts: PumpCounts }): Promise<PumpEnd> {
  const { clock, counts } = deps;
  const { promise, resolve } = Promise.withResolvers<PumpEnd>();
  let movedMs = clock.monotonicMs();
  const moved = (): void => {
    movedMs = clock.monotonicMs();
  };
  const onClosed = ({ from, to, goneCode }: Direction): void => {
    // An end that has said its last word may vanish; what it said is on its way to the other.
    if (!from.readableEnded) resolve(goneCode);
    else if (to.writableFinished || to.destroyed) resolve(undefined);
    else to.once('finish', () => resolve(undefined));
  };
  const onBytes = ({ from, to, way }: Direction, chunk: Buffer): void => {
    moved();
    counts[way] += chunk.length;
    if (counts.up + counts.down > limits.bytesMax) resolve('SEKISHO_EGRESS_BYTES');
    else if (to.writable && !to.write(chunk)) from.pause();
  };
  const directions: readonly Direction[] = [
    { from: client, to: server, way: 'up', goneCode: 'SEKISHO_EGRESS_CLIENT_GONE' },
    { from: server, to: client, way: 'down', goneCode: 'SEKISHO_EGRESS_SERVER_GONE' },
  ];
  const isGone = directions.find(({ from }) => from.destroyed);
  if (isGone !== undefined) return isGone.goneCode;
  for (const direction of directions) {
    const { from, to } = direction;
    from.on('data', (chunk: Buffer) => onBytes(direction, chunk));
    from.once('end', () => to.end());
    from.once('close', () => onClosed(direction));
    to.on('drain', () => {
      moved();
      from.resume();
    });
  }
  const stopIdle = watchIdle(limits.idleMs, { clock, since: () => movedMs, onIdle: () => resolve('SEKISHO_EGRESS_IDLE') });
  const life = setTimeout(() => resolve('SEKISHO_EGRESS_LIFE'), Math.max(0, limits.lifeMs));
  for (const { from, to } of directions) {
    if (from.readableEnded) to.end();
    else if (!to.writableNeedDrain) from.resume();
  }
  const end = await promise;
  stopIdle();
  clearTimeout(life);
  return end;
}

interface IdleWatch {
  readonly clock: Clock;
  readonly since: () => number;
  readonly onIdle: () => void;
}

/** One timer that looks when it is due, instead of one that is set again for every chunk. */
function watchIdle(idleMs: number, watch: IdleWatch): () => void {
  let timer: NodeJS.Timeout;
  const arm = (ms: number): void => {
    timer = setTimeout(() => {
      const leftMs = watch.since() + idleMs - watch.clock.monotonicMs();
      if (leftMs <= 0) watch.onIdle();
      else arm(leftMs);
    }, Math.ceil(ms));
  };
  arm(idleMs);
  return () => clearTimeout(timer);
}
