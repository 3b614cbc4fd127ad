// Flights over replicas, in the state Redis: one owner per key, who waits for it, and how it ended.
//
// Owner key: `o:<token>` with a short life that its holder renews, or `d:<note>` for a moment after the end, so that a
// replica that missed the message, or asks just too late, does not fetch again.

import { SekishoError, stateKeys } from '@sekisho/contracts';
import { type Script, createScript, inTime } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import { type FlightNote, encodeNote, parseNote } from './notes.ts';

/** A dead owner is noticed after this, ms. */
const OWNER_TTL_MS = 3_000;
/** Longer than the polls of those who wait; short, because a refusal kept longer would be a negative cache. */
const DONE_TTL_MS = 1_500;
const CALL_MS = 1_000;

// KEYS 1 owner, 2 waiters. ARGV 1 own token, 2 lifetime in ms, 3 an end to be ignored or ''.
// Returns 'owner', 'other' (and is registered as waiting), or `d:<note>`. Time: the server's.
const CLAIM = createScript(`
local value = redis.call('GET', KEYS[1])
local isDone = value and string.sub(value, 1, 2) == 'd:'
if isDone and value ~= ARGV[3] then return value end
if not value or isDone or value == 'o:' .. ARGV[1] then
  redis.call('SET', KEYS[1], 'o:' .. ARGV[1], 'PX', ARGV[2])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 'owner'
end
local t = redis.call('TIME')
redis.call('ZADD', KEYS[2], t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 'other'`);

// KEYS 1 owner, 2 waiters. ARGV 1 own token, 2 lifetime in ms.
// Renews only what is still ours. Returns how many replicas wait.
const RENEW = createScript(`
if redis.call('GET', KEYS[1]) == 'o:' .. ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
local t = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', t[1] * 1000 + math.floor(t[2] / 1000))
return redis.call('ZCARD', KEYS[2])`);

// KEYS 1 owner, 2 waiters. ARGV 1 own token, 2 note or '', 3 lifetime of the note in ms, 4 channel.
// Ends what is ours: leaves the note, or nothing, and wakes those who wait. Forgets us as waiting.
const END = createScript(`
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('GET', KEYS[1]) ~= 'o:' .. ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], 'd:' .. ARGV[2], 'PX', ARGV[3]) end
redis.call('PUBLISH', ARGV[4], ARGV[2] == '' and '{"kind":"failed"}' or ARGV[2])
return 1`);

export type Claim =
  | { readonly kind: 'owner' }
  | { readonly kind: 'other' }
  | { readonly kind: 'done'; readonly note: FlightNote; readonly raw: string };

/** Every call rejects within a second where Redis is away. `token` names one flight of one replica. */
export interface FlightStore {
  /** @param ignore an end (`raw`) that was of no use. */
  claim(key: string, token: string, ignore: string): Promise<Claim>;
  /** Replicas that wait for this owner. */
  renew(key: string, token: string): Promise<number>;
  /** Without a note: failed, the next one leads. */
  end(key: string, token: string, note?: FlightNote): Promise<void>;
  /** `wake` is called on every message of the key until the returned function is. */
  listen(key: string, wake: () => void): () => void;
  close(): void;
}

export function createFlightStore(redis: Redis, subscriber: Redis): FlightStore {
  const listeners = new Map<string, () => void>();
  const onMessage = (channel: string): void => listeners.get(channel)?.();
  subscriber.on('message', onMessage);
  const call = async (script: Script, key: string, args: readonly (string | number)[]): Promise<unknown> =>
    await inTime(script(redis, [stateKeys.flight(key), stateKeys.flightWaiters(key)], args), CALL_MS, throwAway);
  return {
    claim: async (key, token, ignore) => readClaim(await call(CLAIM, key, [token, OWNER_TTL_MS, ignore])),
    renew: async (key, token) => Number(await call(RENEW, key, [token, OWNER_TTL_MS])),
    end: async (key, token, note) => {
      const text = note === undefined ? '' : encodeNote(note);
      await call(END, key, [token, text, DONE_TTL_MS, stateKeys.flightChannel(key)]);
    },
    listen: (key, wake) => {
      const channel = stateKeys.flightChannel(key);
      listeners.set(channel, wake);
      // A lost subscription costs one poll, not the flight.
      subscriber.subscribe(channel).catch(() => undefined);
      return () => {
        if (listeners.get(channel) !== wake) return;
        listeners.delete(channel);
        subscriber.unsubscribe(channel).catch(() => undefined);
      };
    },
    close: () => void subscriber.off('message', onMessage),
  };
}

function readClaim(reply: unknown): Claim {
  if (reply === 'owner' || reply === 'other') return { kind: reply };
  const raw = String(reply);
  const note = parseNote(raw.slice(2));
  if (note === undefined) throw new SekishoError('SEKISHO_CONTRACT_INVALID', { detail: 'no flight note' });
  return { kind: 'done', note, raw };
}

function throwAway(): never {
  throw new SekishoError('SEKISHO_REDIS_AWAY', { detail: 'no answer in time' });
}
