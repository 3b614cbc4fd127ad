// Requests that are kept: a share of all that were judged, redacted, and whole what a rule holds back. The second kind is
// lost to everybody if it is not kept, so the sender hears nothing of success before Redis has it.

import { type CaptureInput, createCapture } from '@sekisho/inbox-policy/rules';
import { CODES } from '@sekisho/contracts';
import type { CappedStream } from './capped-stream.ts';
import type { Quarantine } from './quarantine.ts';
import type { End, Visit } from './types.ts';

const FIELD = 'capture';

export interface CapturesOptions {
  readonly quarantine: Quarantine;
  /** Nobody waits for these. */
  readonly samples: Pick<CappedStream, 'add'>;
  /** 0 to 100. */
  readonly percent: number;
  readonly random?: () => number;
}

export interface Captures {
  /** Keeps the whole request; false where Redis did not take it. */
  quarantine(visit: Visit): Promise<boolean>;
  /** Keeps a judged request if it is drawn. */
  sample(visit: Visit, end: End): void;
}

export function createCaptures({ quarantine, samples, percent, random = Math.random }: CapturesOptions): Captures {
  return {
    quarantine: async (visit) =>
      await quarantine.keep(lineOf(visit, { decision: 'quarantine', code: 'SEKISHO_INBOX_RULE_QUARANTINE' }, visit.body)),
    sample: (visit, end) => {
      if (visit.head === undefined || end.decision === 'quarantine' || random() * 100 >= percent) return;
      const { code } = end;
      // In the mode `observe`, what the rules would have decided.
      const decision = visit.observed === undefined ? end.decision : CODES[visit.observed.code].status === 202 ? 'drop' : 'deny';
      samples.add([FIELD, lineOf(visit, { decision, code })]);
    },
  };
}

function lineOf(visit: Visit, { decision, code }: Pick<End, 'decision' | 'code'>, body?: Buffer): string {
  const { rule, late } = visit;
  const input: CaptureInput = {
    arrivedMs: visit.nowMs, target: visit.facts.target, rawHeaders: visit.facts.rawHeaders, keyHost: visit.head?.signature.keyHost ?? '',
    client: visit.client.address, late, activity: visit.activity, body,
    verdict: { decision, ...(code === undefined ? {} : { code }), ...(rule === undefined ? {} : { rule }) },
  };
  return JSON.stringify(createCapture(input));
}
