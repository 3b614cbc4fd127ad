// When an actor and a host were seen first, for rules about new ones. Only what Misskey has taken counts as seen, and the
// record is bounded: who makes up actors by the thousand finds them new every time instead of filling Redis.

import { createHash } from 'node:crypto';
import { stateKeys } from '@sekisho/contracts';
import type { ReadActivity } from '@sekisho/inbox-policy';
import { type Clock, inTime } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import { type AdmissionLimits, createAdmission } from './admission.ts';
import type { Ages } from './types.ts';

const CALL_MS = 1_000;
/** From the last sighting on. */
const KEEP_MS = 30 * 86_400_000;
/** New entries of one process: all peers of a large instance at once, then a trickle. About 110 MB after a month of an attack. */
const LIMITS: AdmissionLimits = { burst: 50_000, perHour: 1_500 };

/** Names that were just recorded and are not looked at again for an hour, 60 bytes each. */
const RECENT_MAX = 20_000;
const RECENT_MS = 3_600_000;

export interface FirstSeen {
  /** undefined: Redis is away. */
  ages(activity: ReadActivity): Promise<Ages | undefined>;
  /** Remembers actor and host. Nobody waits for it. */
  saw(activity: ReadActivity): void;
}

export function createFirstSeen(redis: Redis, clock: Clock): FirstSeen {
  const admit = createAdmission(clock, LIMITS);
  const recent = createRecent(clock);
  const ageOf = (text: string | null | undefined): number =>
    (text === null || text === undefined ? 0 : Math.max(0, Math.floor((clock.now() - Number(text)) / 1_000)));
  const record = async (key: string): Promise<void> => {
    if ((await redis.getex(key, 'PX', KEEP_MS)) !== null) return;
    if (admit()) await redis.set(key, clock.now(), 'PX', KEEP_MS, 'NX');
    else recent.delete(key);
  };
  return {
    ages: async ({ actor, actorHost }) => {
      const asked = Promise.all([actor, actorHost].map(async (name) => await redis.getex(keyOf(name), 'PX', KEEP_MS)));
      const found = await inTime(asked, CALL_MS, () => undefined).catch(() => undefined);
      return found === undefined ? undefined : { actorAgeS: ageOf(found[0]), hostAgeS: ageOf(found[1]) };
    },
    saw: ({ actor, actorHost }) => {
      for (const key of [keyOf(actor), keyOf(actorHost)]) {
        if (recent.add(key)) record(key).catch(() => recent.delete(key));
      }
    },
  };
}

function createRecent(clock: Clock): { add(key: string): boolean; delete(key: string): void } {
  const keys = new Set<string>();
  let sinceMs = clock.monotonicMs();
  return {
    add: (key) => {
      if (keys.has(key) && clock.monotonicMs() - sinceMs < RECENT_MS) return false;
      if (keys.size >= RECENT_MAX || clock.monotonicMs() - sinceMs >= RECENT_MS) {
        keys.clear();
        sinceMs = clock.monotonicMs();
      }
      keys.add(key);
      return true;
    },
    delete: (key) => void keys.delete(key),
  };
}

const keyOf = (name: string): string => stateKeys.inboxFirst(createHash('sha256').update(name).digest('base64url').slice(0, 22));
