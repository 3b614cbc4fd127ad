// What the rules file may hold, without its conditions: those are checked against the fields they name.

import { z } from 'zod';
import { BUILTIN_NAMES } from '../builtin/names.ts';
import { RULES_LIMITS } from '../limits.ts';
import { LIST_FORMATS } from '../lists/source.ts';

export const RULE_ACTIONS = ['reject', 'drop', 'quarantine', 'limit', 'observe'] as const;
export type RuleAction = (typeof RULE_ACTIONS)[number];
/** Who shares one budget of a rule with the action `limit`: all, or those with the same host, actor or address. */
export const LIMIT_PER = ['rule', 'host', 'actor', 'client'] as const;
export type LimitPer = (typeof LIMIT_PER)[number];

const ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?Z)?$/;

const id = z.string('must be a text').regex(ID, 'must be 1 to 64 of a-z, 0-9, - and _');
const listIds = z.array(id, 'must be a list of list ids').max(RULES_LIMITS.listsMax, `must name at most ${RULES_LIMITS.listsMax} lists`);
const action = z.enum(RULE_ACTIONS, `must be one of ${RULE_ACTIONS.join(', ')}`)
  .meta({ description: 'reject: 403; drop: 202, not forwarded; quarantine: 202, not forwarded, kept; limit: 429 above the budget in limit, else the next rule; observe: counted and logged, never decides.' });
const dryRun = z.boolean('must be true or false').optional().meta({ description: 'true: hits are counted and logged, nothing else happens.' });
const expires = z.string('must be a date such as 2027-01-31').regex(DATE, 'must be a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z')
  .refine(isDay, 'is no day of the calendar')
  .optional().meta({ description: 'The rule is off from this time, or from the end of this day (UTC).' });
const countUpTo = (most: number) => z.int('must be a whole number').min(1, 'must be at least 1').max(most, `must be at most ${most}`);
const limit = z.strictObject({
  perMinute: countUpTo(RULES_LIMITS.limitPerMinuteMax).meta({ description: 'Activities that are let through per minute.' }),
  burst: countUpTo(RULES_LIMITS.limitBurstMax).optional().meta({ description: 'Activities that are let through at once. Default: perMinute.' }),
  per: z.enum(LIMIT_PER, `must be one of ${LIMIT_PER.join(', ')}`).meta({ description: 'Who shares a budget: all that the rule meets, or one sending host, actor or address.' }),
}, 'must be an object with perMinute, per and perhaps burst').optional().meta({ description: 'Budget of the rule; goes with the action limit.' });

const ruleSchema = z.strictObject({
  id: id.meta({ description: 'Name of the rule in logs and metrics, unique.' }),
  reason: z.string('must be a text').max(RULES_LIMITS.reasonCharsMax, `must be at most ${RULES_LIMITS.reasonCharsMax} characters long`).optional()
    .meta({ description: 'Why the rule is there, for those who read the file or the log; never sent to anybody.' }),
  action, limit, dryRun, expires,
  when: z.unknown().refine((value) => value !== undefined, 'is missing'),
}, 'must be a rule with id, action and when');

const severities = z.array(z.enum(['suspend', 'silence', 'noop'], 'must be suspend, silence or noop')).min(1, 'must not be empty').optional()
  .meta({ description: 'Rows with one of these severities count, and rows without any. Default: suspend.' });

const listSchema = z.strictObject({
  id,
  hosts: z.array(z.string('must be a host name'), 'must be a list of host names').max(RULES_LIMITS.inlineHostsMax, `must have at most ${RULES_LIMITS.inlineHostsMax} entries: use file`).optional()
    .meta({ description: 'Host names; each stands for itself and every host below it.' }),
  file: z.string('must be a path').min(1, 'must be a path').max(1_024, 'must be at most 1024 characters long').optional()
    .meta({ description: 'Path of a file, absolute or from the folder of the rules file; followed.' }),
  url: z.string('must be a URL').max(RULES_LIMITS.urlCharsMax, `must be at most ${RULES_LIMITS.urlCharsMax} characters long`)
    .refine((text) => isListUrl(text), 'must be an https URL without port and credentials').optional()
    .meta({ description: 'https URL that is fetched through the fetcher; the last good copy is kept in Redis.' }),
  format: z.enum(LIST_FORMATS, `must be one of ${LIST_FORMATS.join(', ')}`).optional().meta({ description: 'Format of file or url. Default: csv.' }),
  severities,
  refreshSeconds: z.int('must be a whole number').min(RULES_LIMITS.refreshSecondsMin, `must be at least ${RULES_LIMITS.refreshSecondsMin}`)
    .max(RULES_LIMITS.refreshSecondsMax, `must be at most ${RULES_LIMITS.refreshSecondsMax}`).optional()
    .meta({ description: `Seconds between two fetches of url. Default ${RULES_LIMITS.refreshSecondsDefault}.` }),
}, 'must be a list with id and one of hosts, file and url');

const builtinSchema = z.union([
  z.enum(BUILTIN_NAMES),
  z.strictObject({ id: z.enum(BUILTIN_NAMES), action: action.optional(), limit, dryRun, expires }),
], `must be one of ${BUILTIN_NAMES.join(', ')}, or an object with id and action, limit, dryRun or expires`);

export const rulesFileSchema = z.strictObject({
  rules: z.array(ruleSchema, 'must be a list of rules').max(RULES_LIMITS.rulesMax, `must have at most ${RULES_LIMITS.rulesMax} entries`).optional()
    .meta({ description: 'Looked at in their order; the first one that acts decides.' }),
  builtin: z.array(builtinSchema, 'must be a list of rule sets').max(BUILTIN_NAMES.length, 'names a rule set twice').optional()
    .meta({ description: 'Rule sets that come with Sekisho, looked at after rules. Default: none.' }),
  lists: z.array(listSchema, 'must be a list of host lists').max(RULES_LIMITS.listsMax, `must have at most ${RULES_LIMITS.listsMax} entries`).optional()
    .meta({ description: 'Host lists, for conditions and for block and allow.' }),
  block: listIds.optional().meta({ description: 'Lists whose hosts are refused.' }),
  allow: listIds.optional().meta({ description: 'With any list here, only its hosts may send.' }),
}, 'must be an object with rules, builtin, lists, block and allow');
export type RawRulesFile = z.output<typeof rulesFileSchema>;
export type RawRule = z.output<typeof ruleSchema>;
export type RawLimit = RawRule['limit'];
export type RawList = z.output<typeof listSchema>;

function isListUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.protocol === 'https:' && url.port === '' && url.username === '' && url.password === '';
}

/** JavaScript takes the 31st of February for the 3rd of March. */
function isDay(text: string): boolean {
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().slice(0, 10) === text.slice(0, 10);
}
