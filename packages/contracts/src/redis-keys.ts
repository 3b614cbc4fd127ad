// Every Redis key of the project. ACL patterns, scripts and tests read them from here, so that a name cannot drift.
// One hash tag per role: all keys of one script land in one slot.

export const PREFIX = '{sekisho}';
export const IMAGE_QUEUE = 'image';

/** Work Redis: reachable by gateway, fetcher and image-worker. */
export const workKeys = {
  source: (id: string): string => `${PREFIX}:src:${id}`,
  result: (id: string): string => `${PREFIX}:out:${id}`,
  reply: (jobId: string): string => `${PREFIX}:res:${jobId}`,
  /** Channel on which a gateway process hears of finished jobs. */
  done: (gatewayId: string): string => `${PREFIX}:done:${gatewayId}`,
  /** Admission ledger: sorted set of leases (score = expiry in ms) and the sum of their bytes. */
  leases: `${PREFIX}:adm:leases`,
  leasedBytes: `${PREFIX}:adm:bytes`,
  /** Member of `leases`: what is leased for a source (id of the source) or a result (id of the job). */
  leaseMember: (id: string, bytes: number): string => `${id}:${bytes}`,
  /** Jobs admitted and not yet ended (score = expiry in ms): with the queue's own lists, what bounds the queue. */
  admittedJobs: `${PREFIX}:adm:jobs`,
  /** BullMQ's own list of waiting jobs and set of running ones. */
  queueWait: `${PREFIX}:${IMAGE_QUEUE}:wait`,
  queueActive: `${PREFIX}:${IMAGE_QUEUE}:active`,
} as const;

/** State Redis: the gateway's alone. */
export const stateKeys = {
  cache: (key: string): string => `${PREFIX}:cache:${key}`,
  /** Cache keys per URL and per host, for purging. */
  cacheIndex: (hash: string): string => `${PREFIX}:cidx:${hash}`,
  /** Bookkeeping of the cache's byte budget: order of use, order of expiry, size and index hashes per key, sum of sizes. */
  cacheUse: `${PREFIX}:cidx:use`,
  cacheExpiry: `${PREFIX}:cidx:expiry`,
  cacheSizes: `${PREFIX}:cidx:sizes`,
  cacheBytes: `${PREFIX}:cidx:bytes`,
  /** When a URL or host was purged last, in ms of Redis TIME. */
  cachePurged: (hash: string): string => `${PREFIX}:cpurge:${hash}`,
  /** Description of a streamed medium: type, validator and length. */
  stream: (key: string): string => `${PREFIX}:strm:${key}`,
  flight: (key: string): string => `${PREFIX}:flight:${key}`,
  flightWaiters: (key: string): string => `${PREFIX}:fwait:${key}`,
  flightChannel: (key: string): string => `${PREFIX}:fdone:${key}`,
  /** Mark of a signature that was received: `pending` or `done`. */
  inboxSeen: (hash: string): string => `${PREFIX}:inbox:seen:${hash}`,
  /** Public key of a sender, or that there is none. */
  inboxKey: (hash: string): string => `${PREFIX}:inbox:key:${hash}`,
  /** Last good copy of a subscribed host list. */
  inboxList: (id: string): string => `${PREFIX}:inbox:list:${id}`,
  /** What a host says of its software, or that it says nothing. */
  inboxSoftware: (hash: string): string => `${PREFIX}:inbox:software:${hash}`,
  /** When a host or actor was seen first, ms. */
  inboxFirst: (hash: string): string => `${PREFIX}:inbox:first:${hash}`,
  /** To whom a post went that was not for everybody. */
  inboxAudience: (hash: string): string => `${PREFIX}:inbox:aud:${hash}`,
  /** Capped stream of decisions. */
  audit: `${PREFIX}:audit`,
  /** Capped streams of kept requests: samples, and what rules hold back, which no flood of the former may push out. */
  inboxCaptures: `${PREFIX}:inbox:captures`,
  inboxQuarantine: `${PREFIX}:inbox:quarantine`,
  /** Channel on which gateways hear of purges. */
  purge: `${PREFIX}:purge`,
  /** Limiter: its own tag, so that a cluster keeps it on one shard. */
  limiterPrefix: '{lim}',
} as const;
