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

export interface Loggers {
  /** Everything but canonical lines; secrets are cut. */
  readonly log: Logger;
  /**
   * One line per request or job, whose fields are a closed set in code. Cutting by path would cost a cached hit a quarter
   * of its CPU, and there is nothing to cut.
   */
  readonly journal: Logger;
}

/** Two loggers that name their service and share one destination; ISO time, level as text. */
export function createLoggers(options: LogOptions): Loggers {
  const settings = {
    level: options.level,
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // Lines are gathered for up to 4 KiB or 100 ms: one write per line would cost a cached hit a quarter of its CPU.
  const destination = options.destination ?? pino.destination({ dest: 1, minLength: 4_096, sync: false, periodicFlush: 100 });
  return {
    log: pino({ ...settings, redact: { paths: REDACTED, censor: '[redacted]' } }, destination),
    journal: pino(settings, destination),
  };
}

/** The logger of a service that writes few lines. */
export const createLogger = (options: LogOptions): Logger => createLoggers(options).log;
