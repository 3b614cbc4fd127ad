// Forwards Unbound's log. Strangers choose the names in it, so its rate is limited.

import type { Clock, Logger } from '@sekisho/runtime';
import { parseLogLine } from './message.ts';

export const LINES_PER_SECOND_MAX = 50;

export interface ForwardOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly onDropped: () => void;
}

export function logForwarder({ log, clock, onDropped }: ForwardOptions): (line: string) => void {
  let second = -1;
  let count = 0;
  return (line) => {
    const now = Math.floor(clock.monotonicMs() / 1_000);
    count = now === second ? count + 1 : 1;
    second = now;
    if (count > LINES_PER_SECOND_MAX) return onDropped();
    const { level, message, fields } = parseLogLine(line);
    log[level](fields, message);
  };
}
