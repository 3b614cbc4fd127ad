// Redis users, one per service and role: k8s/redis/users.acl is this file's output with placeholders, as misskey-queue.acl
// is for the Redis of Misskey's queue, and the local stack and the tests render it with passwords. Key names come from the contracts, so that no pattern can drift from the code.
//
// Nobody has admin, dangerous or flushing commands, nor any that looks at keys without naming them (SCAN, RANDOMKEY). The
// image-worker and the fetcher handle strangers' bytes: their commands are listed one by one, and what they may do to
// each other's keys is a selector of its own.

import { IMAGE_QUEUE, PREFIX, stateKeys, workKeys } from '@sekisho/contracts';

export const REDIS_USERS = ['sekisho-gateway-state', 'sekisho-gateway-work', 'sekisho-fetcher', 'sekisho-worker'] as const;
export type RedisUser = (typeof REDIS_USERS)[number];
/** Lower-case hex SHA-256 of each user's password. */
export type PasswordHashes = ReadonlyMap<RedisUser, string>;

const ANY = '*';
const QUEUE = `${PREFIX}:${IMAGE_QUEUE}:${ANY}`;
const LEDGER = `${PREFIX}:adm:${ANY}`;

const CONNECTION = ['hello', 'auth', 'ping', 'client|setname'];
const SCRIPTS = ['eval', 'evalsha'];
const TRANSACTION = ['multi', 'exec'];

/** What BullMQ's worker sends, and what its scripts call; a test holds the list against the scripts of the installed version. */
export const BULLMQ_WORKER_COMMANDS = [
  'bzpopmin', 'del', 'exists', 'get', 'hdel', 'hexists', 'hget', 'hgetall', 'hincrby', 'hmget', 'hmset', 'hset', 'incr', 'llen', 'lpush', 'lrange', 'lrem', 'ltrim',
  'pexpire', 'pttl', 'rpoplpush', 'rpush', 'sadd', 'scard', 'set', 'smembers', 'srem', 'xadd', 'xtrim', 'zadd', 'zcard', 'zpopmin', 'zrange', 'zrangebyscore', 'zrem',
  'zremrangebyrank', 'zremrangebyscore', 'zrevrange', 'zrevrangebyscore', 'zscore',
] as const;

/** Of the categories that read and write keys, what needs no key name or reaches past the named ones. */
const KEYLESS = ['scan', 'randomkey', 'dbsize'];
const GATEWAY = ['+@read', '+@write', '-@dangerous', '-@scripting', ...KEYLESS.map((name) => `-${name}`), ...allow([...SCRIPTS, ...TRANSACTION, ...CONNECTION, 'time'])];
const SUBSCRIBER = allow(['publish', 'subscribe', 'unsubscribe']);

const RULES: Readonly<Record<RedisUser, readonly string[]>> = {
  'sekisho-gateway-state': [
    ...keys([
      stateKeys.cache(ANY), stateKeys.cacheIndex(ANY), stateKeys.cachePurged(ANY), stateKeys.stream(ANY),
      stateKeys.flight(ANY), stateKeys.flightWaiters(ANY), `${stateKeys.limiterPrefix}${ANY}`,
      stateKeys.inboxSeen(ANY), stateKeys.inboxKey(ANY), stateKeys.inboxList(ANY), stateKeys.inboxFirst(ANY), stateKeys.inboxCaptures, stateKeys.audit,
    ]),
    `&${stateKeys.flightChannel(ANY)}`,
    `&${stateKeys.purge}`,
    ...GATEWAY,
    ...SUBSCRIBER,
  ],
  'sekisho-gateway-work': [
    ...keys([QUEUE, LEDGER, workKeys.source(ANY), workKeys.result(ANY), workKeys.reply(ANY)]),
    `&${workKeys.done(ANY)}`,
    ...GATEWAY,
    ...SUBSCRIBER,
  ],
  // Stores sources and their leases. Its script names its keys, so a taken-over fetcher reaches no queue and no result.
  'sekisho-fetcher': [
    ...keys([LEDGER, workKeys.source(ANY)]),
    ...allow([...SCRIPTS, ...CONNECTION, 'time', 'get', 'set', 'unlink', 'zadd', 'zrange', 'zrem', 'incrby', 'decrby']),
  ],
  'sekisho-worker': [
    ...keys([QUEUE]),
    `&${workKeys.done(ANY)}`,
    ...allow([...SCRIPTS, ...TRANSACTION, ...CONNECTION, 'time', 'publish', ...BULLMQ_WORKER_COMMANDS]),
    selector([`%R~${workKeys.source(ANY)}`, '+getrange']),
    selector([`%W~${workKeys.source(ANY)}`, '+unlink']),
    selector([`%W~${workKeys.result(ANY)}`, `%W~${workKeys.reply(ANY)}`, '+set']),
  ],
};

/** The placeholder that stands for the SHA-256 of a user's password in the committed file. */
export const passwordPlaceholder = (user: RedisUser): string =>
  `%PASSWORD_SHA256_${user.replace('sekisho-', '').replaceAll('-', '_').toUpperCase()}%`;

/**
 * The ACL file; without hashes it has placeholders.
 * @throws when a user has no hash: a line without password would be no user at all
 */
export function renderUsersAcl(hashes?: PasswordHashes): string {
  const lines = REDIS_USERS.map((user) => {
    const hash = hashes === undefined ? passwordPlaceholder(user) : hashes.get(user);
    if (hash === undefined) throw new Error(`no password hash for ${user}`);
    return ['user', user, 'reset', 'on', `#${hash}`, ...RULES[user]].join(' ');
  });
  // An ACL file cannot hold comments.
  return `${['user default off', ...lines].join('\n')}\n`;
}

/** The gateway in the Redis of Misskey's queue, which is Misskey's: its line is added to whatever users are there. */
export const MISSKEY_QUEUE_USER = 'sekisho-enqueue';

export interface MisskeyQueueGiven {
  /** Redis prefix of Misskey, without `:queue`. */
  readonly prefix: string;
  /** Lower-case hex SHA-256 of the password. */
  readonly passwordHash: string;
  /** Number of the database, where it is not 0. */
  readonly database?: number;
}

/** Without what an ACL pattern or line would read in another way. */
const QUEUE_PREFIX = /^[\w.:-]{1,255}$/;

/**
 * The line that lets the gateway add jobs to Misskey's queue `inbox`, and do nothing else there: it cannot read or change
 * what others added, take a job out, or pause the queue. Every command is bound to the keys it is sent for; `eval` is allowed
 * on all of them, as it is checked for reading and writing, and its inner commands are checked again. Without the given
 * parts it has placeholders.
 * @throws Error when the prefix has other characters than host names and ports
 */
export function renderMisskeyQueueAcl(given?: MisskeyQueueGiven): string {
  const { prefix, passwordHash, database = 0 } = given ?? { prefix: '%MISSKEY_PREFIX%', passwordHash: '%PASSWORD_SHA256_ENQUEUE%' };
  if (given !== undefined && !QUEUE_PREFIX.test(prefix)) throw new Error(`prefix ${JSON.stringify(prefix)} cannot stand in an ACL line`);
  const queue = `${prefix}:queue:inbox:inbox`;
  const job = `${queue}:sekisho-${ANY}`;
  const mark = `${queue}:de:sekisho-${ANY}`;
  const rules = [
    selector([`~${queue}:${ANY}`, ...allow(['eval', 'evalsha'])]),
    selector([`%R~${queue}:meta`, '+hmget']),
    selector([`%R~${mark}`, '+exists']),
    selector([`%R~${job}`, '+hexists']),
    selector([`~${queue}:id`, '+incr']),
    selector([`%W~${queue}:events`, '+xadd']),
    selector([`%R~${queue}:active`, '+llen']),
    selector([`%W~${queue}:marker`, '+zadd']),
    selector([`%W~${job}`, '+hset']),
    selector([`%W~${queue}:wait`, `%W~${queue}:paused`, '+lpush']),
    selector([`%W~${mark}`, '+set']),
  ];
  return `${['user', MISSKEY_QUEUE_USER, 'reset', 'on', `#${passwordHash}`, ...(database === 0 ? [] : allow(['select'])), ...rules].join(' ')}\n`;
}

function keys(patterns: readonly string[]): string[] {
  return patterns.map((pattern) => `~${pattern}`);
}

function allow(commands: readonly string[]): string[] {
  return commands.map((command) => `+${command}`);
}

function selector(rules: readonly string[]): string {
  return `(${rules.join(' ')})`;
}
