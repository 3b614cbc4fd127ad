// Metrics of the inbox. Types come from strangers: those that Misskey handles have names of their own, all others share one.

import { INBOX_CODES, INBOX_DECISIONS } from '@sekisho/contracts';
import type { Metrics } from '@sekisho/runtime';
import { LOOK_UPS } from './relationship/relationship.ts';
import { SOFTWARE_FETCHES } from './software/software.ts';

const TYPES = [
  'Create', 'Delete', 'Update', 'Follow', 'Accept', 'Reject', 'Add', 'Remove', 'Announce', 'Like', 'EmojiReaction', 'EmojiReact', 'Undo',
  'Block', 'Flag', 'Move', 'Collection', 'OrderedCollection',
] as const;
type TypeLabel = (typeof TYPES)[number] | 'other' | 'unread';

const KNOWN: ReadonlySet<string> = new Set(TYPES);
const isKnown = (type: string): type is (typeof TYPES)[number] => KNOWN.has(type);

/** `unread`: it was refused before its body was looked at. */
export function typeLabel(type: string | undefined): TypeLabel {
  if (type === undefined) return 'unread';
  return isKnown(type) ? type : 'other';
}

/** Seconds; the middle is what an activity may take, the end is a key that comes late. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const CPU_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025];

export type InboxMetrics = ReturnType<typeof createInboxMetrics>;

export const createInboxMetrics = (metrics: Metrics) => ({
  requests: metrics.counter({
    name: 'inbox_requests_total',
    help: 'Requests to an inbox by verdict and type of the activity.',
    labels: { verdict: [...INBOX_DECISIONS, 'aborted'], type: [...TYPES, 'other', 'unread'] },
  }),
  checks: metrics.counter({
    name: 'inbox_checks_total',
    help: 'Checks of the inbox that refused or dropped, or would have in another mode than `observe`.',
    labels: { code: INBOX_CODES, effect: ['enforced', 'observed'] },
  }),
  seconds: metrics.histogram({
    name: 'inbox_request_seconds',
    help: 'Time from the head of an activity to its answer.',
    buckets: BUCKETS,
    labels: { verdict: INBOX_DECISIONS },
  }),
  cpuSeconds: metrics.histogram({ name: 'inbox_check_cpu_seconds', help: 'CPU that the checks of one activity took.', buckets: CPU_BUCKETS }),
  rules: metrics.counter({
    name: 'inbox_rule_hits_total',
    help: 'Activities that met the conditions of a rule of the rules file; `dry_run`: without effect.',
    // Ids stand in the administrator's own file, whose number of rules is bounded.
    labels: { rule: [] as readonly string[], dry_run: ['yes', 'no'] },
  }),
  rulesReloads: metrics.counter({ name: 'inbox_rules_reloads_total', help: 'Reloads of SEKISHO_INBOX_RULES_FILE.', labels: { result: ['ok', 'failed'] } }),
  listLoads: metrics.counter({ name: 'inbox_list_loads_total', help: 'Attempts to load a host list of the rules file.', labels: { result: ['ok', 'failed'] } }),
  keyFetches: metrics.counter({
    name: 'inbox_key_fetches_total',
    help: 'Key documents fetched for SEKISHO_INBOX_VERIFY by what they held; `limited`: not fetched, too many at once or for one sender.',
    labels: { result: ['keys', 'gone', 'refused', 'away', 'limited'] },
  }),
  relationships: metrics.counter({
    name: 'inbox_relationship_look_ups_total',
    help: "Questions of rules about who is followed here: put to Misskey's database, answered from memory, or left unknown as it does not answer (`away`) or too many wait (`full`).",
    labels: { result: LOOK_UPS },
  }),
  softwareFetches: metrics.counter({
    name: 'inbox_software_fetches_total',
    help: 'Hosts that were asked what they run because a rule wanted to know, by what they said; `limited`: not asked, too many at once or for one sender.',
    labels: { result: SOFTWARE_FETCHES },
  }),
  marksAway: metrics.counter({ name: 'inbox_marks_away_total', help: 'Activities that were processed without a mark against repeats, as Redis was away.' }),
  audienceAway: metrics.counter({ name: 'inbox_audience_away_total', help: 'Posts that passed without a look at whom they were for before, as Redis was away.' }),
  lost: metrics.counter({ name: 'inbox_events_lost_total', help: 'Entries of the audit or capture stream that Redis did not take.', labels: { stream: ['audit', 'captures'] } }),
  quarantineLost: metrics.counter({ name: 'inbox_quarantine_lost_total', help: 'Requests in quarantine that newer ones pushed out; Misskey never had them.' }),
  active: metrics.gauge({ name: 'inbox_active_requests', help: 'Activities that are read, judged or delivered.' }),
});
