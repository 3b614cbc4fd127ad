// One line of Unbound's log as a line of ours. Pure.

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface LogLine {
  readonly level: Level;
  readonly message: 'dns answer refused' | 'dns question failed' | 'unbound';
  readonly fields: Readonly<Record<string, string>>;
}

const LEVELS: Readonly<Record<string, Level>> = { error: 'error', 'fatal error': 'error', warning: 'warn', notice: 'debug', info: 'debug' };
const LINE = /^\[\d+\] unbound\[\d+:\w+\] (?<kind>fatal error|[a-z]+): (?<text>.*)$/;
const REFUSED = /^rpz: applied \[\S+\] (?<rule>\S+) rpz-(?<action>\S+) \S+ (?<host>\S+) (?<type>\S+) IN$/;
const FAILED = /^SERVFAIL <(?<host>\S+) (?<type>\S+) IN>: (?<detail>.*)$/;
/** The few messages of a healthy Unbound that tell an administrator something. */
const TOLD = /^(?:start of service|service stopped)/;

/** Names of strangers may be logged, the way a fetched host is; their queries' addresses are our own and say nothing. */
export function parseLogLine(line: string): LogLine {
  const { kind, text } = LINE.exec(line)?.groups ?? {};
  // Something else than Unbound's own log: a loader or library that complains.
  if (kind === undefined || text === undefined) return { level: 'warn', message: 'unbound', fields: { detail: line } };
  return about('info', 'dns answer refused', REFUSED.exec(text)) ?? about('warn', 'dns question failed', FAILED.exec(text))
    ?? { level: TOLD.test(text) ? 'info' : (LEVELS[kind] ?? 'debug'), message: 'unbound', fields: { detail: text } };
}

function about(level: Level, message: LogLine['message'], match: RegExpExecArray | null): LogLine | undefined {
  const fields = match?.groups;
  return fields === undefined ? undefined : { level, message, fields: { ...fields, host: hostOf(fields['host']) } };
}

const hostOf = (name = ''): string => name.replace(/\.$/, '').toLowerCase();
