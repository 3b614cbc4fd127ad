// JSON lines by pino. Messages are constant, values go into fields: a URL or an activity in a message could forge lines
// or carry private content. Secrets are cut by path as a second line of defence.

import pino, { type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

const REDACTED = ['token', 'password', 'secret', 'authorization', 'cookie', '*.token', '*.password', '*.secret', '*.authorization', '*.cookie'];

export interface LogOptions {
  readonly service: string;
  readonly level: string;
  readonly destination?: DestinationStream;
}

/** A logger that names its service; ISO time, level as text. */
export function createLogger(options: LogOptions): Logger {
  const settings = {
    level: options.level,
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
  };
  // Lines are gathered for up to 4 KiB or 100 ms: one write per line would cost a cached hit a quarter of its CPU.
  const buffered = options.destination ?? pino.destination({ dest: 1, minLength: 4_096, sync: false, periodicFlush: 100 });
  return pino(settings, buffered);
}
