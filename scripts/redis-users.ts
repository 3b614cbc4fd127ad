// Redis users, one per service and role: k8s/redis/users.acl is this file's output with placeholders, and the local stack
// and the tests render it with passwords. Key names come from the contracts, so that no pattern can drift from the code.
//
// Nobody has admin, dangerous or flushing commands, nor any that looks at keys without naming them (SCAN, RANDOMKEY). The
// image-worker and the fetcher handle strangers' bytes: their commands are listed one by one, and what they may do to
// each other's keys is a selector of its own.

import { IMAGE_QUEUE, PREFIX, stateKeys, workKeys } from '@sekisho/contracts';

export { MISSKEY_QUEUE_USER, renderMisskeyQueueAcl } from './redis-misskey-queue.ts';

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
      stateKeys.inboxSeen(ANY), stateKeys.inboxKey(ANY), stateKeys.inboxList(ANY), stateKeys.inboxFirst(ANY), stateKeys.inboxSoftware(ANY),
      stateKeys.inboxAudience(ANY), stateKeys.inboxCaptures, stateKeys.inboxQuarantine, stateKeys.audit,
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

function keys(patterns: readonly string[]): string[] {
  return patterns.map((pattern) => `~${pattern}`);
}

function allow(commands: readonly string[]): string[] {
  return commands.map((command) => `+${command}`);
}

function selector(rules: readonly string[]): string {
  return `(${rules.join(' ')})`;
}
