// Repeats of one signed request. Misskey has no replay cache of its own: the mark keeps a copy of a request from being
// processed again, and nothing is lost by it, since only what Misskey has taken is ever called done.

import { randomUUID } from 'node:crypto';
import { INBOX_LIMITS, stateKeys } from '@sekisho/contracts';
import { createScript, inTime } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import type { Claim, Mark, Marks } from './types.ts';

const CALL_MS = 1_000;
/** Calls without an answer, half a KiB each: a Redis that hangs is asked no more, as if it were away. */
const WAITING_MAX = 2_000;
const DONE = 'done';

// KEYS 1 mark. ARGV 1 own token.
// Removes what is still ours: a mark that lapsed may be another request's by now. Returns 1 or 0.
const RELEASE = createScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

export interface MarksOptions {
  readonly redis: Redis;
  /** Each time Redis did not answer; processing goes on without marks. */
  readonly onAway: () => void;
  readonly pendingMs?: number;
  readonly doneMs?: number;
  readonly waitingMax?: number;
}

export function createMarks(options: MarksOptions): Marks {
  const { redis, onAway, pendingMs = INBOX_LIMITS.pendingMs, doneMs = INBOX_LIMITS.replayMs, waitingMax = WAITING_MAX } = options;
  const call = createCall(waitingMax);
  const quietly = async (work: () => Promise<unknown>): Promise<void> => {
    // Ends may exceed the bound: a mark that stays holds up the sender's next try.
    await inTime(call(work, 2 * waitingMax), CALL_MS, throwLate).catch(onAway);
  };
  const markOf = (key: string, token: string): Mark => ({
    done: async () => await quietly(() => redis.set(key, DONE, 'PX', doneMs)),
    release: async () => await quietly(() => RELEASE(redis, [key], [token])),
  });
  return {
    claim: async (replayKey): Promise<Claim> => {
      const key = stateKeys.inboxSeen(replayKey);
      const token = randomUUID();
      const asked = call(() => redis.set(key, token, 'PX', pendingMs, 'NX', 'GET'));
      try {
        const known = await inTime(asked, CALL_MS, throwLate);
        if (known === null) return { kind: 'free', mark: markOf(key, token) };
        return { kind: known === DONE ? 'done' : 'pending' };
      } catch {
        onAway();
        // It may have been set all the same, and would then hold up the sender's next try.
        asked.then(() => call(() => RELEASE(redis, [key], [token]), 2 * waitingMax)).catch(() => undefined);
        return { kind: 'away' };
      }
    },
  };
}

function createCall(waitingMax: number): <T>(work: () => Promise<T>, most?: number) => Promise<T> {
  let waiting = 0;
  const end = (): void => {
    waiting -= 1;
  };
  return (work, most = waitingMax) => {
    if (waiting >= most) return Promise.reject(new Error('too many calls without an answer'));
    const done = work();
    waiting += 1;
    done.then(end, end);
    return done;
  };
}

function throwLate(): never {
  throw new Error('no answer in time');
}
