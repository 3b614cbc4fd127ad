// When an actor and a host were seen first, for rules about new ones. Only what Misskey has taken counts as seen, and the
// record is bounded: who makes up actors by the thousand finds them new every time instead of filling Redis.

import { createHash } from 'node:crypto';
import { stateKeys } from '@sekisho/contracts';
import type { ReadActivity } from '@sekisho/inbox-policy';
import { type Clock, inTime } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import type { Ages } from './types.ts';

const CALL_MS = 1_000;
/** From the last sighting on. */
const KEEP_MS = 30 * 86_400_000;
/** New entries of one process: all peers of a large instance at once, then a trickle. About 110 MB after a month of an attack. */
const BURST = 50_000;
const PER_HOUR = 1_500;

export interface FirstSeen {
  /** undefined: Redis is away. */
  ages(activity: ReadActivity): Promise<Ages | undefined>;
  /** Remembers both; only after `ages()` has been asked for. */
  saw(activity: ReadActivity): void;
}

export function createFirstSeen(redis: Redis, clock: Clock): FirstSeen {
  const unknown = new WeakMap<ReadActivity, readonly string[]>();
  let room = BURST;
  let sinceMs = clock.monotonicMs();
  const take = (): boolean => {
    const nowMs = clock.monotonicMs();
    room = Math.min(BURST, room + ((nowMs - sinceMs) * PER_HOUR) / 3_600_000);
    sinceMs = nowMs;
    if (room < 1) return false;
    room -= 1;
    return true;
  };
  return {
    ages: async (activity) => {
      const keys = [keyOf(activity.actor), keyOf(activity.actorHost)];
      try {
        const found = await inTime(Promise.all(keys.map(async (key) => await redis.getex(key, 'PX', KEEP_MS))), CALL_MS, () => undefined);
        if (found === undefined) return undefined;
        unknown.set(activity, keys.filter((_, at) => found[at] === null));
        const ageOf = (text: string | null | undefined): number => (text === null || text === undefined ? 0 : Math.max(0, Math.floor((clock.now() - Number(text)) / 1_000)));
        return { actorAgeS: ageOf(found[0]), hostAgeS: ageOf(found[1]) };
      } catch {
        return undefined;
      }
    },
    saw: (activity) => {
      for (const key of unknown.get(activity) ?? []) {
        if (take()) redis.set(key, clock.now(), 'PX', KEEP_MS, 'NX').catch(() => undefined);
      }
    },
  };
}

const keyOf = (name: string): string => stateKeys.inboxFirst(createHash('sha256').update(name).digest('base64url').slice(0, 22));
