// What is told of each request when it has ended: one line in the log, one event in the audit stream, the metrics. None
// holds anything of the content; ids and hosts are what the sender said of itself.

import { CODES, type Code } from '@sekisho/contracts';
import { hostOf } from '@sekisho/inbox-policy';
import type { Clock, Logger } from '@sekisho/runtime';
import type { InboxMetrics } from './metrics.ts';
import { typeLabel } from './metrics.ts';
import type { End, Visit } from './types.ts';

/** A URL may have 2,048 characters; what is cut is no id any more, but still found by its beginning. */
const ID_CHARS_MAX = 512;
const HOST_CHARS_MAX = 255;
const TYPE_CHARS_MAX = 64;

export interface RecordDeps {
  readonly mode: string;
  readonly metrics: InboxMetrics;
  readonly journal: Logger;
  readonly clock: Clock;
  readonly audit: { add(fields: readonly string[]): void };
}

export function createRecord(deps: RecordDeps): (visit: Visit, end: End) => void {
  return (visit, end) => {
    const durationMs = deps.clock.monotonicMs() - visit.arrivedMs;
    count(deps.metrics, visit, end, durationMs);
    const event = eventOf(visit, end, durationMs);
    deps.journal.info({ request_id: visit.requestId, client: visit.client.key, mode: deps.mode, ...event }, 'inbox');
    deps.audit.add(fieldsOf({ id: visit.requestId, at: new Date(visit.nowMs).toISOString(), mode: deps.mode, ...event }));
  };
}

function count(metrics: InboxMetrics, visit: Visit, end: End, durationMs: number): void {
  const type = typeLabel(visit.activity?.type ?? visit.claimed?.type);
  metrics.requests.inc({ verdict: end.aborted === true ? 'aborted' : end.decision, type });
  metrics.seconds.observe(durationMs / 1_000, { verdict: end.decision });
  if (end.code !== undefined) metrics.checks.inc({ code: end.code, effect: visit.observed === undefined ? 'enforced' : 'observed' });
  metrics.cpuSeconds.observe(visit.cpuMs / 1_000);
}

type Event = Readonly<Record<string, string | number | boolean | undefined>>;

const eventOf = (visit: Visit, end: End, durationMs: number): Event => ({
  verdict: end.decision, status: end.status, code: end.code, detail: end.detail, rule: visit.rule,
  hits: visit.hits.length === 0 ? undefined : visit.hits.join(' '),
  would: visit.observed === undefined ? undefined : wouldBe(visit.observed.code),
  ...subjectOf(visit),
  hosts: hostsOf(visit), scheme: visit.head?.signature.scheme, verified: flag(visit.verified), forwarded: flag(visit.activity?.forwarded),
  aborted: flag(end.aborted), bytes: visit.body?.length,
  cpu_ms: round(visit.cpuMs), read_ms: round(visit.timings.readMs), verify_ms: round(visit.timings.verifyMs),
  deliver_ms: round(visit.timings.deliverMs), duration_ms: round(durationMs),
});

/** What was read, or what it says of itself where it was not. */
function subjectOf({ activity, claimed }: Visit): Event {
  const { type, id, actor } = activity ?? claimed ?? {};
  return { type: type?.slice(0, TYPE_CHARS_MAX), object_type: activity?.objectType, activity: id?.slice(0, ID_CHARS_MAX), actor: actor?.slice(0, ID_CHARS_MAX) };
}

const flag = (value: boolean | undefined): true | undefined => (value === true ? true : undefined);

/** Of the key, the actor and the object, each once. */
function hostsOf({ head, activity, claimed }: Visit): string | undefined {
  const known = [head?.signature.keyHost, activity?.actorHost ?? hostOfUrl(claimed?.actor), hostOfUrl(activity?.object)];
  const hosts = known.filter((host, at) => host !== undefined && known.indexOf(host) === at);
  return hosts.length === 0 ? undefined : hosts.join(' ');
}

function hostOfUrl(url: string | undefined): string | undefined {
  const host = url === undefined ? '' : hostOf(url).slice(0, HOST_CHARS_MAX);
  return host === '' ? undefined : host;
}

const wouldBe = (code: Code): 'drop' | 'deny' => (CODES[code].status === 202 ? 'drop' : 'deny');

const round = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.round(ms * 10) / 10);

function fieldsOf(event: Event): string[] {
  const fields: string[] = [];
  for (const name of Object.keys(event)) {
    const value = event[name];
    if (value !== undefined) fields.push(name, String(value));
  }
  return fields;
}
