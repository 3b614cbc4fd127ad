// Hears of purges over a connection of its own. Whenever that connection is made anew, purges may have been missed:
// everything held in this process is dropped then, which costs reads from Redis, never a resurrected picture.

import { stateKeys } from '@sekisho/contracts';
import type { Redis } from 'ioredis';
import { parsePurge } from './message.ts';

/** What holds things by URL or host hash. */
export interface PurgeTarget {
  dropListed(hash: string): void;
  flushLocal(): void;
}

export interface PurgeListener {
  /** Settles when the first subscription stands. */
  readonly ready: Promise<void>;
  close(): void;
}

/** Listens until closed. `subscriber`: a connection for this purpose alone, closed with the listener. */
export function listenForPurges(subscriber: Redis, targets: readonly PurgeTarget[]): PurgeListener {
  const flush = (): void => {
    for (const target of targets) target.flushLocal();
  };
  const drop = (_channel: string, text: string): void => {
    const hashes = parsePurge(text);
    if (hashes === undefined) return flush();
    for (const hash of hashes) for (const target of targets) target.dropListed(hash);
  };
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const subscribe = (): void => {
    // After the subscription stands, not before: what was purged in between would be missed.
    subscriber.subscribe(stateKeys.purge).then(flush).then(resolve, () => undefined);
  };
  subscriber.on('message', drop);
  subscriber.on('ready', subscribe);
  if (subscriber.status === 'ready') subscribe();
  return {
    ready,
    close: () => {
      subscriber.off('message', drop);
      subscriber.off('ready', subscribe);
      subscriber.disconnect();
      resolve();
    },
  };
}
