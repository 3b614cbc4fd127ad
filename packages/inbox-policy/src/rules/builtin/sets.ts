// Rule sets for known kinds of spam, off until the rules file names them. Each is one rule in the form of the rules file.

import type { RuleAction } from '../file/schema.ts';
import type { BuiltinName } from './names.ts';

export interface BuiltinSet {
  readonly action: Exclude<RuleAction, 'limit'>;
  readonly reason: string;
  readonly when: unknown;
}

const DAY_SECONDS = 86_400;

const field = (name: string, op: string, value: unknown): object => ({ field: name, op, value });
const hasLure = { any: [field('links.count', 'gte', 1), field('attachments.count', 'gte', 1)] };
const isNewPost = [field('type', 'eq', 'Create'), field('reply', 'eq', false)];

export const BUILTIN_SETS: Readonly<Record<BuiltinName, BuiltinSet>> = {
  // Captured in February 2024: fresh accounts with ten random characters on servers with open sign-up, five mentions on
  // three to five hosts, one link or one picture.
  'spam-2024-02': {
    action: 'drop',
    reason: 'Wave of February 2024: many mentions with a link or a picture, by accounts named with ten random characters.',
    when: { all: [...isNewPost, field('mentions.total', 'gte', 4), hasLure, field('actor.username', 'regex', '^[a-z0-9]{10}$')] },
  },
  // What GoToSocial's users asked for (its issue 2678), with the age that Akkoma's policy for new accounts has.
  'new-account-mentions': {
    action: 'quarantine',
    reason: 'More than one mention with a link or a picture, by an account that was never seen before today.',
    when: { all: [...isNewPost, field('mentions.total', 'gte', 2), hasLure, field('actor.ageSeconds', 'lte', DAY_SECONDS)] },
  },
  'new-account-direct': {
    action: 'quarantine',
    reason: 'Direct message with a link or a picture, by an account that was never seen before today.',
    when: { all: [...isNewPost, field('visibility', 'eq', 'direct'), hasLure, field('actor.ageSeconds', 'lte', DAY_SECONDS)] },
  },
  // What Misskey's users ask for most (its issues 13785 and 14888). An answer to a post is left alone: who writes in public
  // is answered by strangers.
  'stranger-mentions': {
    action: 'quarantine',
    reason: 'A mention of somebody here with a link or a picture, by an account that nobody here follows. Acts only with SEKISHO_MISSKEY_DATABASE_URL_FILE.',
    when: { all: [...isNewPost, field('mentions.local', 'gte', 1), hasLure, field('actor.followedHere', 'eq', false)] },
  },
  // The number at which Pleroma's policy of this name refuses.
  'hellthread': {
    action: 'drop',
    reason: 'A post to more than twenty accounts, this instance among them.',
    when: { all: [field('type', 'eq', 'Create'), field('recipients.count', 'gte', 21), field('mentions.total', 'gte', 21), field('mentions.local', 'gte', 1)] },
  },
};
