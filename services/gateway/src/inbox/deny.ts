import type { Code } from '@sekisho/contracts';
import { deny as denyOfPolicy } from '@sekisho/inbox-policy';
import type { InboxDenied } from './types.ts';

/** A refusal of the gateway itself, its detail as short as those of the policy: it may hold a stranger's text. */
export const deny = (code: Code, detail: string, more: Pick<InboxDenied, 'retryAfterS'> = {}): InboxDenied => ({ ...denyOfPolicy(code, detail), ...more });
