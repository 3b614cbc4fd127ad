// A post that came to few does not come to everybody under the same id (Mastodon CVE-2024-37903). Only for senders whose
// signature was checked here: else whoever guesses the id of a post to come could claim it as private, and have it dropped.

import { hash } from 'node:crypto';
import { stateKeys } from '@sekisho/contracts';
import type { ReadActivity } from '@sekisho/inbox-policy';
import { type Clock, inTime } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import { type AdmissionLimits, createAdmission } from './admission.ts';
import { deny } from './deny.ts';
import type { AudiencePort } from './types.ts';

const CALL_MS = 1_000;
/** Servers repeat deliveries for some days, most within one. Later Misskey's own memory of the post must do. */
const KEEP_MS = 24 * 3_600_000;
/** Of one process, at most 130,000 records of about 110 bytes: 14 MB. Votes and direct messages of a large instance are fewer. */
const LIMITS: AdmissionLimits = { burst: 10_000, perHour: 5_000 };

export interface AudienceOptions {
  readonly redis: Redis;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Each time Redis did not answer; the post passes. */
  readonly onAway: () => void;
  readonly limits?: AdmissionLimits;
}

export function createAudience({ redis, clock, onAway, limits = LIMITS }: AudienceOptions): AudiencePort {
  const admit = createAdmission(clock, limits);
  /** What is known of the post; null: nothing. */
  const ask = async (activity: ReadActivity, post: string): Promise<string | null> => {
    const key = keyOf(post);
    if (isOpen(activity)) return await redis.get(key);
    // A post to the followers of 500 servers' worth of inboxes comes 500 times: what is known needs no new record.
    if (isClosed(activity) && (await redis.get(key)) === null && admit()) await redis.set(key, activity.visibility, 'PX', KEEP_MS, 'NX');
    return null;
  };
  return {
    check: async (activity) => {
      // Misskey knows posts by their own id, not by that of the activity.
      if (activity.type !== 'Create' || activity.object === undefined) return undefined;
      try {
        const first = await inTime(ask(activity, activity.object), CALL_MS, throwLate);
        return first === null ? undefined : deny('SEKISHO_INBOX_AUDIENCE', `came as ${first}, now ${activity.visibility}`);
      } catch {
        onAway();
        return undefined;
      }
    },
  };
}

const isOpen = ({ visibility }: ReadActivity): boolean => visibility === 'public' || visibility === 'unlisted';

/** Where the post is only linked, whom it is for stands in it and not in the activity. */
const isClosed = ({ visibility, objectType }: ReadActivity): boolean => objectType !== undefined && (visibility === 'followers' || visibility === 'direct');

/** One key for all spellings of the host. */
const keyOf = (post: string): string => stateKeys.inboxAudience(hash('sha256', URL.parse(post)?.href ?? post, 'base64url').slice(0, 22));

function throwLate(): never {
  throw new Error('no answer in time');
}
