// Whether somebody here follows an actor, and the other way round, for rules about strangers. Nobody has to know: without a
// database, while it is away or slow, and when too many ask at once, the answer is that it is unknown, and no rule acts.

import { hash } from 'node:crypto';
import { INBOX_LIMITS } from '@sekisho/contracts';
import type { ReadActivity } from '@sekisho/inbox-policy';
import type { Relationship } from '@sekisho/inbox-policy/rules';
import { type Clock, type Logger, inTime } from '@sekisho/runtime';
import { createAnswers } from './answers.ts';
import type { Database } from './database.ts';

/** Who was followed a moment ago may be a stranger for so long. */
const KEEP_MS = 60_000;
/** About 200 bytes each. */
const ENTRIES_MAX = 10_000;
/** Questions waiting or under way: at a millisecond each on two connections far more than there ever are. */
const WAITING_MAX = 100;
/** After a failure one question in this time finds out whether it is over; nobody else waits. */
const REST_MS = 3_000;

/** `asked`: the database was; `remembered`: not again; `away`, `full`: nobody was asked, it does not answer or has too much to do. */
export const LOOK_UPS = ['asked', 'remembered', 'away', 'full'] as const;
export type LookUp = (typeof LOOK_UPS)[number];

export interface RelationshipOptions {
  readonly database: Pick<Database, 'ask'>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly onLookUp: (result: LookUp) => void;
}

export type FindRelationship = (activity: ReadActivity) => Promise<Relationship | undefined>;

export function createRelationship({ database, clock, log, onLookUp }: RelationshipOptions): FindRelationship {
  const answers = createAnswers<Relationship>(ENTRIES_MAX);
  const health = createHealth(clock, log);
  let waiting = 0;
  const ask = async (actor: string): Promise<Relationship | undefined> => {
    waiting += 1;
    // Counted until the database is done with it, which may be later than its deadline here.
    const asked = database.ask(actor).finally(() => (waiting -= 1));
    try {
      const found = await inTime(asked, INBOX_LIMITS.relationshipMs, () => {
        throw new Error(`no answer within ${INBOX_LIMITS.relationshipMs} ms`);
      });
      health.up();
      return found;
    } catch (error) {
      health.down(error);
      return undefined;
    }
  };
  return async ({ actor }) => {
    const key = keyOf(actor);
    const known = answers.get(key);
    if (known !== undefined && clock.monotonicMs() < known.untilMs) {
      onLookUp('remembered');
      return await known.value;
    }
    const refused = waiting >= WAITING_MAX ? 'full' : health.mayAsk() ? undefined : 'away';
    onLookUp(refused ?? 'asked');
    if (refused !== undefined) return undefined;
    // Whoever comes while it is under way waits for the same answer.
    const answer = { value: ask(actor), untilMs: Number.POSITIVE_INFINITY };
    answers.put(key, answer);
    const found = await answer.value;
    answer.untilMs = found === undefined ? 0 : clock.monotonicMs() + KEEP_MS;
    return found;
  };
}

/** For rules that ask though there is no database: they never act, which their author may want to know. */
export function noRelationship(log: Pick<Logger, 'warn'>): FindRelationship {
  let isSaid = false;
  return async () => {
    if (!isSaid) log.warn('a rule asks who is followed here and SEKISHO_MISSKEY_DATABASE_URL_FILE is not set: it is unknown, and the rule does not act');
    isSaid = true;
    return undefined;
  };
}

interface DatabaseHealth {
  /** Whether the question is worth a wait. */
  mayAsk(): boolean;
  up(): void;
  down(error: unknown): void;
}

/** Says each change once. */
function createHealth(clock: Clock, log: Pick<Logger, 'info' | 'warn'>): DatabaseHealth {
  let isUp = true;
  let restsUntilMs = 0;
  return {
    mayAsk: () => {
      if (isUp) return true;
      const nowMs = clock.monotonicMs();
      if (nowMs < restsUntilMs) return false;
      restsUntilMs = nowMs + REST_MS;
      return true;
    },
    up: () => {
      if (!isUp) log.info("Misskey's database answers again");
      isUp = true;
    },
    down: (error) => {
      if (isUp) log.warn({ detail: error instanceof Error ? error.message : String(error) }, "Misskey's database does not answer: who is followed here is unknown, and rules about it do not act");
      isUp = false;
      restsUntilMs = clock.monotonicMs() + REST_MS;
    },
  };
}

/** The same length for each actor, however long its URL. */
const keyOf = (actor: string): string => hash('sha256', actor, 'base64url').slice(0, 22);
