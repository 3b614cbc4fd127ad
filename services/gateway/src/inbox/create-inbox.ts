// The inbox of the gateway as one piece: its checks, its streams, its way to Misskey, and their end in order.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { stateKeys } from '@sekisho/contracts';
import { checkDigest, parseStrictJson, readActivity, readHead } from '@sekisho/inbox-policy';
import { checkHostName, ownHostSet } from '@sekisho/netguard';
import { type Clock, type Logger, inTime } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import type { Identify } from '../client/identity.ts';
import type { FetchDocument } from '../fetching/document.ts';
import type { Budget } from '../limits/budget.ts';
import { createOwnActor } from './actor/own-actor.ts';
import { createSign } from './actor/sign.ts';
import { createAccepted } from './answer.ts';
import { createAudience } from './audience.ts';
import { createCappedStream } from './capped-stream.ts';
import { createCaptures } from './captures.ts';
import { createEnqueue } from './enqueue/enqueue.ts';
import { createFirstSeen } from './first-seen.ts';
import { createForward } from './forward.ts';
import { createInboxHandler } from './handler.ts';
import type { InboxConfig } from './inbox-config.ts';
import { createKeys } from './keys/keys.ts';
import { createMarks } from './marks.ts';
import type { InboxMetrics } from './metrics.ts';
import { createPushedOutWarning, createQuarantine } from './quarantine.ts';
import { createRecord } from './record.ts';
import { type Database, openDatabase } from './relationship/database.ts';
import { type FindRelationship, createRelationship, noRelationship } from './relationship/relationship.ts';
import { createListStore } from './rules-file/list-store.ts';
import { openInboxRules } from './rules-file/rules-file.ts';
import { createRulesPort } from './rules.ts';
import { type FindSoftware, createSoftware } from './software/software.ts';

/** About 400 bytes each. */
const AUDIT_ENTRIES_MAX = 20_000;
/** Samples: 200 KiB each at most, 5 KiB is usual. */
const CAPTURES_MAX = 500;
const AUDIT_WAITING_MAX = 2_000;
const CAPTURES_WAITING_MAX = 50;
/** What is under work when the gateway closes: its connections are gone already. */
const SETTLE_MS = 3_000;

export interface InboxOptions {
  readonly config: InboxConfig;
  readonly publicUrl: URL;
  readonly ownHosts: readonly string[];
  readonly misskeyOrigin: string;
  /** State Redis: for marks, for what is small (keys, ages), and for what is larger. */
  readonly redis: { readonly marks: Redis; readonly small: Redis; readonly large: Redis };
  readonly budget: Budget;
  readonly identify: Identify;
  readonly fetchDocument: FetchDocument;
  readonly metrics: InboxMetrics;
  readonly log: Logger;
  readonly journal: Logger;
  readonly clock: Clock;
  readonly onMisskey: (up: boolean) => void;
}

export interface Inbox {
  /** Answers what is posted to an inbox, and reads of our own actor; false for everything else. */
  handle(req: IncomingMessage, res: ServerResponse): boolean;
  readonly active: number;
  /** undefined in other modes than `enqueue`. */
  readonly queueReady: boolean | undefined;
  close(): Promise<void>;
}

/** @throws Error with line and reason when the rules file cannot be used. */
export async function openInbox(options: InboxOptions): Promise<Inbox> {
  const { config, publicUrl, redis, metrics, log, clock } = options;
  const ownHosts = ownHostSet([publicUrl.hostname, ...options.ownHosts]);
  const rules = await openInboxRules({
    path: config.rulesFile, ownHosts, fetchList: options.fetchDocument, store: createListStore(redis.large), clock, log,
    onReload: ({ ok }) => metrics.rulesReloads.inc({ result: ok ? 'ok' : 'failed' }),
    onList: ({ result }) => metrics.listLoads.inc({ result: result === 'failed' ? 'failed' : 'ok' }),
  });
  const enqueue = config.enqueue === undefined ? undefined : createEnqueue({ ...config.enqueue, onError: (error) => log.debug({ err: error }, 'redis connection') });
  const forward = createForward({ origin: options.misskeyOrigin });
  const streams = createStreams(options);
  const record = createRecord({ mode: config.mode, metrics, journal: options.journal, clock, audit: streams.audit });
  const isPublicHost = (host: string): boolean => checkHostName(host).ok;
  const firstSeen = createFirstSeen(redis.small, clock);
  const relays = new Set(config.relays);
  const database = config.databaseUrl === undefined ? undefined : openDatabase(config.databaseUrl);
  const handler = createInboxHandler({
    mode: config.mode,
    policy: { readHead, checkDigest, parseStrictJson, readActivity },
    marks: createMarks({ redis: redis.marks, onAway: () => metrics.marksAway.inc() }),
    rules: createRulesPort({
      rules: () => rules.value, localHosts: ownHosts, saw: firstSeen.saw, budget: options.budget,
      lookUps: { firstSeen: firstSeen.ages, relationship: relationshipOf(options, database), software: softwareOf(options) },
      onHit: ({ id, dryRun }) => metrics.rules.inc({ rule: id, dry_run: dryRun ? 'yes' : 'no' }),
    }),
    verify: config.verify ? createVerify(options) : undefined,
    whenKeyAway: config.whenKeyAway,
    audience: config.verify ? createAudience({ redis: redis.small, clock, onAway: () => metrics.audienceAway.inc() }) : undefined,
    headRules: (nowMs) => ({ host: publicUrl.host, origin: publicUrl.origin, mode: config.mode, nowMs, dateSkewS: config.dateSkewS, isPublicHost }),
    activityRules: (nowMs) => ({ ownHosts, isPublicHost, ldPolicy: config.ldPolicy, relays, nowMs }),
    captures: streams.captures,
    forward, enqueue,
    accepted: createAccepted(),
    budget: options.budget, identify: options.identify, publicUrl, clock, log, onMisskey: options.onMisskey,
    onEnd: (visit, end) => {
      record(visit, end);
      streams.captures.sample(visit, end);
    },
  });
  const actor = config.actorKey === undefined ? undefined : createOwnActor({ publicUrl, key: config.actorKey, budget: options.budget, identify: options.identify });
  return {
    handle: (req, res) => handler.handle(req, res) || (actor?.handle(req, res) ?? false),
    get active() {
      return handler.active;
    },
    get queueReady() {
      return enqueue?.ready;
    },
    close: async () => {
      rules.close();
      await inTime(handler.settled(), SETTLE_MS, () => undefined);
      await forward.close();
      enqueue?.close();
      await Promise.all([database?.close(), streams.close()]);
    },
  };
}

const relationshipOf = ({ clock, log, metrics }: InboxOptions, database: Database | undefined): FindRelationship =>
  (database === undefined ? noRelationship(log) : createRelationship({ database, clock, log, onLookUp: (result) => metrics.relationships.inc({ result }) }));

const softwareOf = ({ fetchDocument, redis, clock, log, metrics }: InboxOptions): FindSoftware => createSoftware({
  fetchDocument, store: redis.small, clock, onFetch: (result) => metrics.softwareFetches.inc({ result }), onStoreError: (error) => log.debug({ err: error }, 'software store'),
});

function createStreams({ config, redis, metrics, log, clock }: InboxOptions) {
  const streamOf = (stream: 'audit' | 'captures', key: string, sizes: { readonly entriesMax: number; readonly waitingMax: number }) =>
    createCappedStream({ redis: redis.large, key, ...sizes, onLost: (entries) => metrics.lost.inc({ stream }, entries) });
  const audit = streamOf('audit', stateKeys.audit, { entriesMax: AUDIT_ENTRIES_MAX, waitingMax: AUDIT_WAITING_MAX });
  const samples = streamOf('captures', stateKeys.inboxCaptures, { entriesMax: CAPTURES_MAX, waitingMax: CAPTURES_WAITING_MAX });
  const warn = createPushedOutWarning(log, clock);
  const onPushedOut = (entries: number): void => {
    metrics.quarantineLost.inc(undefined, entries);
    warn(entries);
  };
  const quarantine = createQuarantine({ redis: redis.large, key: stateKeys.inboxQuarantine, onPushedOut });
  const captures = createCaptures({ quarantine, samples, percent: config.capturePercent });
  return { audit, captures, close: async () => void (await Promise.all([audit.close(), samples.close()])) };
}

function createVerify({ config, publicUrl, fetchDocument, redis, clock, log, metrics }: InboxOptions) {
  return createKeys({
    fetchDocument, store: redis.small, clock,
    sign: config.actorKey === undefined ? undefined : createSign({ publicUrl, key: config.actorKey, clock }),
    hooks: {
      fetched: (result) => metrics.keyFetches.inc({ result }),
      limited: () => metrics.keyFetches.inc({ result: 'limited' }),
      storeFailed: (error) => log.debug({ err: error }, 'key store'),
    },
  });
}
