// The gateway's user in the Redis of Misskey's queue, for the mode `enqueue`. That Redis is Misskey's: the line is added to
// whatever users are there. k8s/redis/misskey-queue.acl is this file's output with placeholders.

export const MISSKEY_QUEUE_USER = 'sekisho-enqueue';

export interface MisskeyQueueGiven {
  /** Redis prefix of Misskey, without `:queue`. */
  readonly prefix: string;
  /** Lower-case hex SHA-256 of the password. */
  readonly passwordHash: string;
  /** Number of the database, where it is not 0. */
  readonly database?: number;
}

const PLACEHOLDERS: MisskeyQueueGiven = { prefix: '%MISSKEY_PREFIX%', passwordHash: '%PASSWORD_SHA256_ENQUEUE%' };
/** Nothing that an ACL line or pattern would read in another way. */
const PREFIX = /^[\w.:-]{1,255}$/;
const HASH = /^[0-9a-f]{64}$/;

/**
 * Lets the gateway add its jobs to the queue `inbox` and do nothing else there: it cannot read or change what others added,
 * take a job out, or pause the queue. Each command is bound to the keys it is sent for. `eval` must be allowed to read and
 * write all of them, as scripts are checked that way; what a script calls is checked again by itself.
 * @throws Error when a part would make another line of it
 */
export function renderMisskeyQueueAcl(given?: MisskeyQueueGiven): string {
  if (given !== undefined) assertPlain(given);
  const { prefix, passwordHash, database = 0 } = given ?? PLACEHOLDERS;
  const queue = `${prefix}:queue:inbox:inbox`;
  const job = `${queue}:sekisho-*`;
  const mark = `${queue}:de:sekisho-*`;
  const rules = [
    `~${queue}:* +eval +evalsha`,
    `%R~${queue}:meta +hmget`,
    `%R~${mark} +exists`,
    `%R~${job} +hexists`,
    `~${queue}:id +incr`,
    `%W~${queue}:events +xadd`,
    `%R~${queue}:active +llen`,
    `%W~${queue}:marker +zadd`,
    `%W~${job} +hset`,
    `%W~${queue}:wait %W~${queue}:paused +lpush`,
    `%W~${mark} +set`,
  ].map((rule) => `(${rule})`);
  return `${['user', MISSKEY_QUEUE_USER, 'reset', 'on', `#${passwordHash}`, ...(database === 0 ? [] : ['+select']), ...rules].join(' ')}\n`;
}

function assertPlain({ prefix, passwordHash, database = 0 }: MisskeyQueueGiven): void {
  if (!PREFIX.test(prefix)) throw new Error(`the prefix ${JSON.stringify(prefix)} cannot stand in an ACL line`);
  if (!HASH.test(passwordHash)) throw new Error('the password hash is not SHA-256 in lower-case hex');
  if (!Number.isInteger(database) || database < 0) throw new Error(`${database} is no database`);
}
