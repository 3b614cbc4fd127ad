// Settings of the inbox: SEKISHO_INBOX_* and SEKISHO_MISSKEY_*. What does not fit together is said before anything starts:
// an inbox that checks less than its administrator believes is worse than none.

import type { KeyObject } from 'node:crypto';
import { INBOX_LIMITS, INBOX_MODES, type InboxMode } from '@sekisho/contracts';
import type { LdPolicy } from '@sekisho/inbox-policy';
import { RULES_LIMITS } from '@sekisho/inbox-policy/rules';
import { ConfigError, envFields, readFileNow } from '@sekisho/runtime';
import { z } from 'zod';
import { readActorKey } from './actor/actor-key.ts';
import { misskeyVersionProblem } from './enqueue/versions.ts';
import { readDatabaseUrl } from './relationship/database-url.ts';
import { loadRules } from './rules-file/load.ts';

const SKEW_MIN_S = 30;
const KEY_FILE_BYTES_MAX = 16 * 1024;
/** Far above any URL. */
const DATABASE_URL_BYTES_MAX = 4_096;
/** As Redis keys have it; `*` and the like would only be a slip. */
const QUEUE_PREFIX = /^[A-Za-z0-9.:_-]{1,255}$/;

export const inboxFields = {
  SEKISHO_INBOX_MODE: z.enum(INBOX_MODES).default('enforce'),
  SEKISHO_INBOX_LD_SIGNATURES: z.enum(['strict', 'reject', 'pass']).default('strict'),
  SEKISHO_INBOX_RELAYS: envFields.each(isActorUrl, 'must be https URLs of actors, separated by commas'),
  SEKISHO_INBOX_DATE_SKEW_S: envFields.intBetween(SKEW_MIN_S, INBOX_LIMITS.dateSkewS, INBOX_LIMITS.dateSkewS),
  SEKISHO_INBOX_RULES_FILE: envFields.filePath().optional(),
  SEKISHO_INBOX_CAPTURE_PERCENT: envFields.intBetween(0, 100, 0),
  SEKISHO_INBOX_VERIFY: z.enum(['off', 'on']).default('off'),
  SEKISHO_INBOX_VERIFY_UNAVAILABLE: z.enum(['pass', 'retry']).default('pass'),
  SEKISHO_INBOX_ACTOR_KEY_FILE: envFields.filePath().optional(),
  SEKISHO_MISSKEY_QUEUE_REDIS_URL: envFields.redisUrl().optional(),
  SEKISHO_MISSKEY_QUEUE_REDIS_URL_FILE: envFields.filePath().optional(),
  SEKISHO_MISSKEY_QUEUE_PREFIX: z.string().regex(QUEUE_PREFIX, 'must be the Redis prefix of Misskey, without `:queue`').optional(),
  SEKISHO_MISSKEY_VERSION: z.string().min(1).max(64).optional(),
  SEKISHO_MISSKEY_DATABASE_URL_FILE: envFields.filePath().optional(),
} as const;

type Given = z.output<z.ZodObject<typeof inboxFields>>;

export interface EnqueueConfig {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly version: string;
}

export interface InboxConfig {
  readonly mode: InboxMode;
  readonly ldPolicy: LdPolicy;
  readonly relays: readonly string[];
  readonly dateSkewS: number;
  readonly rulesFile: string | undefined;
  readonly capturePercent: number;
  readonly verify: boolean;
  readonly whenKeyAway: 'pass' | 'retry';
  /** Of our own actor; also without verification, so that the actor is known before it signs. */
  readonly actorKey: KeyObject | undefined;
  /** With the mode `enqueue`, and only there. */
  readonly enqueue: EnqueueConfig | undefined;
  /** Of Misskey's PostgreSQL, for rules about who is followed here. */
  readonly databaseUrl: string | undefined;
}

/** @throws ConfigError with all problems at once. */
export function readInboxConfig(given: Given, publicUrl: URL): InboxConfig {
  const problems: string[] = [];
  const note = <T>(name: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const { SEKISHO_INBOX_RULES_FILE: rulesFile, SEKISHO_INBOX_ACTOR_KEY_FILE: keyFile } = given;
  if (rulesFile !== undefined) {
    // With the lists it names in files. Own hosts change nothing in what is valid.
    note('SEKISHO_INBOX_RULES_FILE', () => readFileNow(rulesFile, { bytesMax: RULES_LIMITS.fileBytesMax, parse: (text) => loadRules(text, rulesFile, new Set()) }));
  }
  const actorKey = keyFile === undefined ? undefined : note('SEKISHO_INBOX_ACTOR_KEY_FILE', () => readFileNow(keyFile, { bytesMax: KEY_FILE_BYTES_MAX, parse: readActorKey }));
  const { SEKISHO_MISSKEY_DATABASE_URL_FILE: urlFile } = given;
  const databaseUrl = urlFile === undefined ? undefined : note('SEKISHO_MISSKEY_DATABASE_URL_FILE', () => readFileNow(urlFile, { bytesMax: DATABASE_URL_BYTES_MAX, parse: readDatabaseUrl }));
  problems.push(...combinationFaults(given));
  if (problems.length > 0) throw new ConfigError('gateway', problems);
  return {
    mode: given.SEKISHO_INBOX_MODE, ldPolicy: given.SEKISHO_INBOX_LD_SIGNATURES, relays: given.SEKISHO_INBOX_RELAYS,
    dateSkewS: given.SEKISHO_INBOX_DATE_SKEW_S, rulesFile, capturePercent: given.SEKISHO_INBOX_CAPTURE_PERCENT,
    verify: given.SEKISHO_INBOX_VERIFY === 'on', whenKeyAway: given.SEKISHO_INBOX_VERIFY_UNAVAILABLE, actorKey,
    enqueue: enqueueOf(given, publicUrl), databaseUrl,
  };
}

function combinationFaults(given: Given): readonly string[] {
  const problems: string[] = [];
  if (given.SEKISHO_INBOX_VERIFY === 'on' && given.SEKISHO_INBOX_ACTOR_KEY_FILE === undefined) {
    problems.push('SEKISHO_INBOX_ACTOR_KEY_FILE is not set: SEKISHO_INBOX_VERIFY=on fetches keys under a signature of our own');
  }
  if (given.SEKISHO_INBOX_MODE !== 'enqueue') return problems;
  if (given.SEKISHO_MISSKEY_QUEUE_REDIS_URL === undefined) problems.push("SEKISHO_MISSKEY_QUEUE_REDIS_URL is not set: SEKISHO_INBOX_MODE=enqueue writes into Misskey's queue");
  const versionProblem = misskeyVersionProblem(given.SEKISHO_MISSKEY_VERSION);
  if (versionProblem !== undefined) problems.push(`SEKISHO_MISSKEY_VERSION ${versionProblem}`);
  return problems;
}

function enqueueOf(given: Given, publicUrl: URL): EnqueueConfig | undefined {
  const { SEKISHO_MISSKEY_QUEUE_REDIS_URL: redisUrl, SEKISHO_MISSKEY_VERSION: version } = given;
  if (given.SEKISHO_INBOX_MODE !== 'enqueue' || redisUrl === undefined || version === undefined) return undefined;
  return { redisUrl, version, prefix: given.SEKISHO_MISSKEY_QUEUE_PREFIX ?? publicUrl.host };
}

function isActorUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.protocol === 'https:' && url.username + url.password === '' && url.hash === '' && url.href === text;
}
