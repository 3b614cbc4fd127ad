import type { Code } from '@sekisho/contracts';
import type { InboxDenied } from './types.ts';

/** A refusal of the gateway itself; the policy package makes its own. */
export const deny = (code: Code, detail: string, more: Pick<InboxDenied, 'retryAfterS'> = {}): InboxDenied => ({ ok: false, code, detail, ...more });
