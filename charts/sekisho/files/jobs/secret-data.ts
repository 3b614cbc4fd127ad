// What a Secret lacks, and what is put there. Pure but for the sources of chance that are handed in; an existing key is never
// made anew, since a new cache key empties the cache and a new password locks the services out. A users file is no key: it
// follows the version of the chart, with the passwords that are there.

import { createHash } from 'node:crypto';

/** Random bytes of a key or token; the services ask for at least 32. */
const KEY_BYTES = 32;
const PASSWORD_BYTES = 24;
const ACL_KEY = 'users.acl';

export interface WantedKeys {
  readonly kind: 'keys';
  readonly name: string;
  readonly keys: readonly string[];
}

export interface WantedRedis {
  readonly kind: 'redis';
  readonly name: string;
  /** host:port of the instance. */
  readonly address: string;
  /** Key with the URL, to the user's name. No other user exists on the instance. */
  readonly urls: Readonly<Record<string, string>>;
}

/** A private key for signatures, as PEM. */
export interface WantedRsa {
  readonly kind: 'rsa';
  readonly name: string;
  readonly key: string;
}

export type WantedSecret = WantedKeys | WantedRedis | WantedRsa;
export type Data = Readonly<Record<string, string>>;
export type Lacking = { readonly ok: true; readonly data: Data } | { readonly ok: false; readonly problem: string };

export interface Ingredients {
  readonly random: (bytes: number) => Buffer;
  /** A private key, as PEM. */
  readonly rsaKey: () => string;
  /** Users of all instances, with a placeholder for each password's hash. */
  readonly aclTemplate: string;
}

export function keysOf(wanted: WantedSecret): readonly string[] {
  if (wanted.kind === 'rsa') return [wanted.key];
  return wanted.kind === 'keys' ? wanted.keys : [...Object.keys(wanted.urls), ACL_KEY];
}

/** What is to be written: missing keys, or a users file that is another version's. An empty value counts as missing: no service starts with one. */
export function lackingKeys(wanted: WantedSecret, present: Data, aclTemplate: string): readonly string[] {
  const missing = keysOf(wanted).filter((key) => (present[key] ?? '') === '');
  return missing.length === 0 && wanted.kind === 'redis' && isOutdated(wanted, present, aclTemplate) ? [ACL_KEY] : missing;
}

/** With the old file a new version may not touch its new keys. URLs that say no password say nothing about the file. */
function isOutdated({ urls }: WantedRedis, present: Data, aclTemplate: string): boolean {
  const hashes = new Map<string, string>();
  for (const [key, user] of Object.entries(urls)) {
    const password = passwordOf(present[key] ?? '', user);
    if (password === undefined) return false;
    hashes.set(user, hashOf(password));
  }
  return present[ACL_KEY] !== usersFile(aclTemplate, hashes);
}

/** Values for the keys that lack, and for no other. */
export function lackingData(wanted: WantedSecret, present: Data, ingredients: Ingredients): Lacking {
  const missing = lackingKeys(wanted, present, ingredients.aclTemplate);
  if (wanted.kind === 'redis') return redisData(wanted, { present, missing, ingredients });
  const { random, rsaKey } = ingredients;
  const make = wanted.kind === 'rsa' ? rsaKey : (): string => random(KEY_BYTES).toString('hex');
  return { ok: true, data: Object.fromEntries(missing.map((key) => [key, make()])) };
}

interface RedisParts {
  readonly present: Data;
  readonly missing: readonly string[];
  readonly ingredients: Ingredients;
}

/** URLs and the users file belong together: the file holds the hash of each URL's password. */
function redisData(wanted: WantedRedis, { present, missing, ingredients }: RedisParts): Lacking {
  if (missing.length === 0) return { ok: true, data: {} };
  if (!missing.includes(ACL_KEY)) {
    return { ok: false, problem: `has ${ACL_KEY}, which holds only hashes, but lacks ${missing.join(', ')}: the password is lost. Delete this Secret and run the upgrade again; then restart that Redis and the services` };
  }
  const data: Record<string, string> = {};
  const hashes = new Map<string, string>();
  for (const [key, user] of Object.entries(wanted.urls)) {
    const kept = present[key] ?? '';
    const url = kept === '' ? newUrl(wanted.address, user, ingredients) : kept;
    if (kept === '') data[key] = url;
    const password = passwordOf(url, user);
    if (password === undefined) return { ok: false, problem: `has a ${key} that is no redis:// URL with the user ${user} and a password: correct it, or delete this Secret and run the upgrade again` };
    hashes.set(user, hashOf(password));
  }
  return { ok: true, data: { ...data, [ACL_KEY]: usersFile(ingredients.aclTemplate, hashes) } };
}

const newUrl = (address: string, user: string, { random }: Ingredients): string =>
  `redis://${user}:${random(PASSWORD_BYTES).toString('base64url')}@${address}`;

const hashOf = (password: string): string => createHash('sha256').update(password).digest('hex');

function passwordOf(url: string, user: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  if (!['redis:', 'rediss:'].includes(parsed.protocol) || decodeURIComponent(parsed.username) !== user) return undefined;
  const password = decodeURIComponent(parsed.password);
  return password === '' ? undefined : password;
}

/**
 * The template's lines of the given users with their hashes; every other user is left out, so that the state instance
 * does not even know the worker.
 * @throws when a user has no line of its own or the line no placeholder: a user without a password would be open.
 */
export function usersFile(template: string, hashes: ReadonlyMap<string, string>): string {
  const lines = template.split('\n').filter((line) => line.startsWith('user '));
  const users = [...hashes].map(([user, hash]) => {
    const found = lines.filter((line) => line.startsWith(`user ${user} `));
    const [line = ''] = found;
    const parts = line.split(/#%PASSWORD_SHA256_[A-Z_]+%/);
    if (found.length !== 1 || parts.length !== 2) throw new Error(`users.acl has no line for ${user}`);
    return parts.join(`#${hash}`);
  });
  return `${['user default off', ...users].join('\n')}\n`;
}
