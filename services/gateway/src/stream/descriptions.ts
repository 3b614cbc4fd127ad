// Descriptions of streamed media, kept for an hour: in this process, bounded, and in the state Redis for the other
// replicas. A loss costs one probe of 4 KiB, so that every fault of Redis counts as "not known".

import { isBrowsersafe, stateKeys } from '@sekisho/contracts';
import { type Clock, inTime } from '@sekisho/runtime';
import { z } from 'zod';
import type { StreamDescription } from './plan.ts';

const TTL_MS = 3_600_000;
/** About 300 bytes each. */
const ENTRIES_MAX = 20_000;
const REDIS_MS = 250;

/** What is needed of ioredis. */
export interface DescriptionStore {
  get(key: string): Promise<string | null>;
  set(key: string, value: string, unit: 'PX', ms: number): Promise<unknown>;
  del(key: string): Promise<unknown>;
}

export interface Descriptions {
  /** Of this process alone, without a wait. */
  local(key: string): StreamDescription | undefined;
  get(key: string): Promise<StreamDescription | undefined>;
  put(key: string, description: StreamDescription): void;
  forget(key: string): void;
  /** Empties this process; what Redis has goes with its own keys. */
  clear(): void;
  readonly size: number;
}

const storedSchema = z.strictObject({
  t: z.string().max(64).refine(isBrowsersafe),
  v: z.string().max(256).optional(),
  l: z.int().min(0).optional(),
});

interface Kept {
  readonly description: StreamDescription;
  readonly untilMs: number;
}

export interface DescriptionsOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly store?: DescriptionStore;
  readonly entriesMax?: number;
}

export function createDescriptions(options: DescriptionsOptions): Descriptions {
  const { clock, store } = options;
  const entriesMax = options.entriesMax ?? ENTRIES_MAX;
  const kept = new Map<string, Kept>();
  const keep = (key: string, description: StreamDescription): void => {
    kept.delete(key);
    kept.set(key, { description, untilMs: clock.now() + TTL_MS });
    const [oldest] = kept.keys();
    if (kept.size > entriesMax && oldest !== undefined) kept.delete(oldest);
  };
  const local = (key: string): StreamDescription | undefined => {
    const entry = kept.get(key);
    if (entry === undefined) return undefined;
    kept.delete(key);
    if (entry.untilMs <= clock.now()) return undefined;
    kept.set(key, entry);
    return entry.description;
  };
  return {
    local,
    get: async (key) => {
      const near = local(key);
      if (near !== undefined || store === undefined) return near;
      const far = parse(await answerOf(store.get(stateKeys.stream(key))));
      if (far !== undefined) keep(key, far);
      return far;
    },
    put: (key, description) => {
      keep(key, description);
      void answerOf(store?.set(stateKeys.stream(key), write(description), 'PX', TTL_MS));
    },
    forget: (key) => {
      kept.delete(key);
      void answerOf(store?.del(stateKeys.stream(key)));
    },
    clear: () => kept.clear(),
    get size() {
      return kept.size;
    },
  };
}

const write = ({ type, validator, length }: StreamDescription): string => JSON.stringify({ t: type, v: validator, l: length });

function parse(text: unknown): StreamDescription | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const parsed = storedSchema.safeParse(JSON.parse(text));
    return parsed.success ? { type: parsed.data.t, validator: parsed.data.v, length: parsed.data.l } : undefined;
  } catch {
    return undefined;
  }
}

/** The value, or undefined after a fault or REDIS_MS. */
async function answerOf(work: Promise<unknown> | undefined): Promise<unknown> {
  try {
    return await inTime(Promise.resolve(work), REDIS_MS, () => undefined);
  } catch {
    return undefined;
  }
}
