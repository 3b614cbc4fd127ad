// Puts a picture's bytes where the image-worker finds them. ioredis stops at this file.

import { type Code, LIMITS, workKeys } from '@sekisho/contracts';
import { REDIS_OPTIONS, inTime } from '@sekisho/runtime';
import { Redis } from 'ioredis';
import { DROP, STORE } from './scripts.ts';

/** Answer time of a healthy server, plus what 20 MiB take on a 100 Mbit/s network. */
const COMMAND_MS = 2_000;
const BYTES_PER_MS = 10_000;

export type StoreResult = { readonly ok: true } | { readonly ok: false; readonly code: Code; readonly detail: string };

export interface SourceStore {
  /** Never rejects, and never waits for a server that is away. */
  store(sourceId: string, bytes: Buffer): Promise<StoreResult>;
  /** Takes back what nobody will fetch. Never rejects. */
  drop(sourceId: string, bytes: number): Promise<void>;
  readonly ready: boolean;
  close(): void;
}

export interface SourceStoreOptions {
  readonly url: string;
  readonly bytesMax: number;
  readonly onError: (error: Error) => void;
}

export function createSourceStore(options: SourceStoreOptions): SourceStore {
  const redis = new Redis(options.url, {
    ...REDIS_OPTIONS,
    // A queue of pictures waiting for a server that is away would be a queue of gigabytes.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  }).on('error', options.onError);
  const ledger = [workKeys.leases, workKeys.leasedBytes];
  return {
    store: async (sourceId, bytes) => {
      const args = [bytes, LIMITS.sourceTtlMs, options.bytesMax, sourceId];
      const timeoutMs = COMMAND_MS + Math.ceil(bytes.length / BYTES_PER_MS);
      // A server that hangs loses its connection: commands queued on it would keep their pictures in memory.
      const onLate = (): never => {
        redis.disconnect(true);
        throw new Error('timeout');
      };
      try {
        return toResult(await inTime(STORE(redis, [...ledger, workKeys.source(sourceId)], args), timeoutMs, onLate));
      } catch (error) {
        return toFailure(error);
      }
    },
    drop: async (sourceId, bytes) => {
      const keys = [...ledger, workKeys.source(sourceId)];
      // What cannot be dropped now lapses with its TTL.
      await DROP(redis, keys, [workKeys.leaseMember(sourceId, bytes)]).catch(() => undefined);
    },
    get ready() {
      return redis.status === 'ready';
    },
    close: () => redis.disconnect(),
  };
}

function toResult(reply: unknown): StoreResult {
  if (reply === 0) return { ok: true };
  if (reply === 1) return { ok: false, code: 'SEKISHO_LIMIT_BYTES', detail: 'the byte budget is spent' };
  return { ok: false, code: 'SEKISHO_CONTRACT_INVALID', detail: reply === 2 ? 'the source id is in use' : 'unknown reply of the script' };
}

function toFailure(error: unknown): StoreResult {
  const detail = error instanceof Error ? error.message.slice(0, 200) : 'unknown';
  // The server's own memory limit, in case it is lower than the budget.
  const isFull = detail.includes('OOM ');
  return { ok: false, code: isFull ? 'SEKISHO_LIMIT_BYTES' : 'SEKISHO_REDIS_AWAY', detail };
}
