// Last good copies of subscribed host lists in the state Redis: a gateway that starts while the list's server is away
// knows what others knew, and of several gateways one fetches. Redis away is no copy, never a wait.

import { createHash } from 'node:crypto';
import { stateKeys } from '@sekisho/contracts';
import type { ListSpec } from '@sekisho/inbox-policy/rules';
import { inTime } from '@sekisho/runtime';
import type { Redis } from 'ioredis';
import { z } from 'zod';

const REDIS_MS = 2_000;
/** A list that nobody has fetched for a quarter of a year has no subscriber. */
const KEEP_MS = 90 * 86_400_000;

export interface ListCopy {
  readonly hosts: ReadonlySet<string>;
  /** Wall clock. */
  readonly fetchedAtMs: number;
}

export interface ListStore {
  /** undefined: there is none, or the store is away. Never rejects. */
  read(spec: ListSpec): Promise<ListCopy | undefined>;
  /** Never rejects. */
  write(spec: ListSpec, copy: ListCopy): Promise<void>;
}

const copySchema = z.strictObject({ v: z.literal(1), from: z.string(), fetchedAtMs: z.number(), hosts: z.string() });

/** What a copy depends on: a list whose URL was changed must not live on under its old hosts. */
const fromOf = ({ source, format, severities }: ListSpec): string =>
  createHash('sha256').update(JSON.stringify([source.kind === 'url' ? source.url : '', format, [...severities].sort()])).digest('base64url');

export function createListStore(redis: Pick<Redis, 'status' | 'get' | 'set'>): ListStore {
  return {
    read: async (spec) => {
      if (redis.status !== 'ready') return undefined;
      const reading = redis.get(stateKeys.inboxList(spec.id)).catch(() => null);
      const text = await inTime(reading, REDIS_MS, () => null);
      return text === null ? undefined : parseCopy(text, fromOf(spec));
    },
    write: async (spec, { hosts, fetchedAtMs }) => {
      if (redis.status !== 'ready') return;
      const text = JSON.stringify({ v: 1, from: fromOf(spec), fetchedAtMs, hosts: [...hosts].join('\n') } satisfies z.input<typeof copySchema>);
      const writing = redis.set(stateKeys.inboxList(spec.id), text, 'PX', KEEP_MS).catch(() => undefined);
      await inTime(writing, REDIS_MS, () => undefined);
    },
  };
}

function parseCopy(text: string, from: string): ListCopy | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = copySchema.safeParse(raw);
  if (!parsed.success || parsed.data.from !== from) return undefined;
  return { hosts: new Set(parsed.data.hosts.split('\n').filter((host) => host !== '')), fetchedAtMs: parsed.data.fetchedAtMs };
}
