// Versions of Misskey whose inbox jobs are known. A job of another form is taken by the queue and fails in the worker, where
// no sender hears of it: so what is not in the table is refused at the start.

/** `parsed-signature`: `{ activity, signature }` with the signature as @peertube/http-signature parses it. */
export type JobForm = 'parsed-signature';

export interface MisskeyVersion {
  readonly version: string;
  readonly form: JobForm;
  /** What its queue says of itself in Redis; a Misskey that was updated behind our back says something else. */
  readonly bullmq: string;
  /** Where form and BullMQ were read. */
  readonly source: string;
}

const KNOWN: readonly MisskeyVersion[] = [
  {
    version: '2026.3.2', form: 'parsed-signature', bullmq: 'bullmq:5.71.0',
    source: 'misskey-dev/misskey 2026.3.2: core/QueueService.ts, queue/types.ts, queue/processors/InboxProcessorService.ts, package.json of the backend',
  },
];

/** Versions in words, for messages and docs. */
export const KNOWN_MISSKEY_VERSIONS: readonly string[] = KNOWN.map(({ version }) => version);

/** Exactly as Misskey names it, without a leading `v`; a fork or pre-release is another version. */
export const knownMisskeyVersion = (version: string): MisskeyVersion | undefined => KNOWN.find((row) => row.version === version);

/** For the configuration's report; undefined where the version is known. */
export function misskeyVersionProblem(version: string | undefined): string | undefined {
  const known = KNOWN_MISSKEY_VERSIONS.join(', ');
  if (version === undefined || version === '') return `must be set for the mode enqueue, to one of the versions whose job format is known: ${known}`;
  if (knownMisskeyVersion(version) !== undefined) return undefined;
  return `is a version whose job format is not known; the mode enqueue knows ${known}. With any other use the mode enforce`;
}
