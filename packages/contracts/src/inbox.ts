// Limits and names of the inbox. Real data lies far below: the largest of 341 activities had depth 7, 364 values, strings
// of 1,774 bytes, 5 mentions and 4 attachments; one article had 171 recipients on 79 hosts.

export const INBOX_MODES = ['observe', 'enforce', 'enqueue'] as const;
export type InboxMode = (typeof INBOX_MODES)[number];

/** What may become of a request: passed on; refused with a status; received and not passed on; the same, and kept. */
export const INBOX_DECISIONS = ['allow', 'deny', 'drop', 'quarantine'] as const;
export type InboxDecision = (typeof INBOX_DECISIONS)[number];

export const INBOX_LIMITS = {
  /** Misskey's own limit, exact. */
  bodyBytesMax: 65_536,
  bodyMs: 15_000,
  depthMax: 16,
  /** Values, objects twice: what is read of a body then takes half a MiB of memory at most. */
  nodesMax: 4_096,
  stringBytesMax: 32 * 1024,
  /** Length of a URL in an activity. */
  urlCharsMax: 2_048,
  recipientsMax: 512,
  mentionsMax: 64,
  tagsMax: 256,
  attachmentsMax: 32,
  pollOptionsMax: 64,
  collectionItemsMax: 255,
  hostsMax: 128,
  /** The checks of freshness in Misskey allow no more. */
  dateSkewS: 300,
  publishedAheadMs: 24 * 3_600_000,
  /** Mark of a signature under work, and of one that Misskey has taken. */
  pendingMs: 30_000,
  replayMs: 15 * 60_000,
  /** Header values of a signature. */
  signatureCharsMax: 8 * 1024,
  /** Bodies read or judged at once in one process: 64 KiB each. */
  readingMax: 512,
  /** Misskey hangs on some requests; it answers all others at once. */
  misskeyMs: 15_000,
  queueMs: 5_000,
  /** What a rule asks of Misskey's database; a query takes about a millisecond. */
  relationshipMs: 1_000,
  /** How long a request waits for what its host says of its software; what comes later is for the next one. */
  softwareMs: 3_000,
  /** Of one of the two documents. Real ones have up to 6 KiB. */
  nodeinfoBytesMax: 64 * 1024,
  nodeinfoMs: 5_000,
  keyBytesMax: 256 * 1024,
  keyMs: 8_000,
} as const;
