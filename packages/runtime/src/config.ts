// Configuration from the environment: one zod schema per service whose keys are the SEKISHO_ names. All problems are
// printed together, a name nobody knows is an error (a typo would otherwise silently loosen a limit), and values are
// never echoed: a password in the wrong variable must not reach a log.

import { readFileSync } from 'node:fs';
import { ENVIRONMENT_NAMES, type ServiceName } from '@sekisho/contracts';
import { z } from 'zod';
import { errorCode } from './error-code.ts';
import { fileNameOf, readValueFiles } from './value-files.ts';

const PREFIX = 'SEKISHO_';
const SECRET_BYTES_MIN = 32;
const SECRET_BYTES_MAX = 4_096;
/** Both hold a password, so both may come in a file (`fromFiles`). */
export const REDIS_URLS = ['SEKISHO_REDIS_URL', 'SEKISHO_WORK_REDIS_URL'] as const;

/** Everything that is wrong with the configuration, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(service: string, problems: readonly string[]) {
    super(`${service}: the configuration is not valid\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

export interface LoadOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly service: ServiceName;
  /** Names that may come in the file that `<name>_FILE` names; both must be keys of the schema. */
  readonly fromFiles?: readonly string[];
}

/**
 * Parses the environment by `schema`; empty values count as absent.
 * @throws ConfigError with all problems at once.
 */
export function loadConfig<S extends z.ZodObject>(schema: S, options: LoadOptions): z.output<S> {
  const given = Object.entries(options.env).filter(([name, value]) => name.startsWith(PREFIX) && value !== '');
  const problems = given.flatMap(([name]) => unknownName(name));
  const own = Object.fromEntries(given.filter(([name]) => Object.hasOwn(schema.shape, name)));
  const files = readValueFiles(own, options.fromFiles ?? []);
  problems.push(...files.problems);
  const parsed = schema.safeParse(files.values);
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((issue) => describeIssue(issue, files.named)));
  if (problems.length > 0 || !parsed.success) throw new ConfigError(options.service, problems);
  return parsed.data;
}

function describeIssue(issue: z.core.$ZodIssue, named: ReadonlySet<string>): string[] {
  const name = issue.path.join('.') || 'the configuration';
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  // A file that could not be read has been named already.
  if (named.has(name)) return missing ? [] : [`${fileNameOf(name)}: ${issue.message}`];
  return [missing ? `${name} is not set` : `${name}: ${issue.message}`];
}

function unknownName(name: string): string[] {
  if ((ENVIRONMENT_NAMES as readonly string[]).includes(name)) return [];
  const nearest = nearestName(name);
  return [`${name} is not known${nearest === undefined ? '' : `; did you mean ${nearest}?`}`];
}

/** The known name with the smallest edit distance, if it is near enough to be a typo. */
function nearestName(name: string): string | undefined {
  const ranked = ENVIRONMENT_NAMES.map((known) => ({ known, distance: editDistance(name, known) }));
  const best = ranked.toSorted((a, b) => a.distance - b.distance)[0];
  return best !== undefined && best.distance <= Math.max(3, name.length / 3) ? best.known : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/**
 * Content of a secret's file without a trailing line break.
 * @throws ConfigError when it cannot be read or is shorter than 32 or longer than 4,096 bytes.
 */
export function readSecretFile(path: string, name: string): Buffer {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw new ConfigError(name, [`${name}: the file cannot be read (${errorCode(error) ?? 'unreadable'})`]);
  }
  const end = content.at(-1) === 0x0a ? content.length - 1 : content.length;
  const secret = content.subarray(0, end);
  if (secret.length < SECRET_BYTES_MIN || secret.length > SECRET_BYTES_MAX) {
    throw new ConfigError(name, [`${name}: the file must hold ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes`]);
  }
  return secret;
}

const splitList = (text: string): string[] =>
  text.split(',').map((part) => part.trim()).filter((part) => part !== '');
const LIST_MAX = 1_000;

const listField = () => z.string().transform(splitList).pipe(z.array(z.string()).max(LIST_MAX)).default([]);

/** Fields that several services share. */
export const envFields = {
  port: (fallback: number) =>
    z.string().regex(/^\d{1,5}$/, 'must be a port number').transform(Number)
      .pipe(z.int().min(0).max(65_535, 'must be at most 65535')).default(fallback),
  intBetween: (min: number, max: number, fallback: number) =>
    z.string().regex(/^\d{1,16}$/, 'must be a whole number').transform(Number)
      .pipe(z.int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`)).default(fallback),
  httpUrl: () =>
    z.string().refine(isHttpUrl, 'must be an http or https URL without credentials, query or fragment')
      .transform((text) => new URL(text)),
  redisUrl: () =>
    z.string().refine((text) => /^(?:rediss?:\/\/|unix:\/\/|\/)\S+$/.test(text), 'must be a redis://, rediss:// or unix socket URL'),
  list: listField,
  /** A list whose every part is good. */
  each: (isGood: (text: string) => boolean, message: string) => listField().refine((list) => list.every(isGood), { message }),
  filePath: () => z.string().min(1).max(4_096),
  logLevel: () => z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  host: (fallback: string) => z.string().min(1).max(255).default(fallback),
};

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false;
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}
