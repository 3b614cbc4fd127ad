// The head of an inbox request, in the order of the check table: cheap before dear, and each refusal with its code.

import type { Denied, HeadRules, InboxHead, RequestFacts } from '../types.ts';
import { isRfc9421 } from '../signature/rfc9421.ts';
import { readCavageHead } from './cavage-head.ts';
import { headerLines, headerOf } from './headers.ts';
import { checkRequest } from './request-checks.ts';
import { readRfc9421Head } from './rfc9421-head.ts';

export function readHead(facts: RequestFacts, rules: HeadRules): InboxHead | Denied {
  const lines = headerLines(facts.rawHeaders);
  const denied = checkRequest(lines);
  if (denied !== undefined) return denied;
  const signature = headerOf(lines, 'signature') ?? '';
  const request = { facts, lines, rules };
  return isRfc9421(signature) ? readRfc9421Head(request, signature) : readCavageHead(request, signature);
}
