// Check 16: hosts of an activity against block and allow lists, before anything dearer looks at it.

import { idOf, isObject, typeOf } from '../../activity/types.ts';
import { deny } from '../../denied.ts';
import type { Denied, JsonObject, JsonValue } from '../../types.ts';
import { hostOfUrl, listOf } from '../fields/post.ts';
import type { HostLists } from './host-lists.ts';

/** Objects in objects that are looked into: Undo of Announce of Create has three. */
const NESTING_MAX = 4;
/** Items of a list on the way. */
const ITEMS_MAX = 256;

export type HostRole = 'origin' | 'nested';

/**
 * Block lists hold for every host; allow lists only for those that an activity comes from: key, actor and id. An allow
 * list that was never loaded refuses for now (the sender tries again), since nobody knows who is on it.
 */
export function checkHosts(hosts: Iterable<string>, lists: HostLists, role: HostRole = 'origin'): Denied | undefined {
  for (const host of hosts) {
    if (lists.ownHosts.has(host)) continue;
    const blocker = lists.block.find((id) => lists.holds(id, host) === true);
    if (blocker !== undefined) return denied(`${host} stands in the block list ${blocker}`);
    const missing = role === 'nested' ? undefined : checkAllowed(host, lists);
    if (missing !== undefined) return missing;
  }
  return undefined;
}

function checkAllowed(host: string, lists: HostLists): Denied | undefined {
  if (lists.allow.length === 0) return undefined;
  const answers = lists.allow.map((id) => lists.holds(id, host));
  if (answers.includes(true)) return undefined;
  const away = answers.indexOf(undefined);
  if (away === -1) return denied(`${host} stands in no allow list`);
  return deny('SEKISHO_INBOX_LISTS_AWAY', `the allow list ${lists.allow[away] ?? ''} was never loaded`);
}

const denied = (detail: string): Denied => deny('SEKISHO_INBOX_HOST_BLOCKED', detail);

/** The whole of check 16 for a body of any shape. `keyHost` is that of the signature. */
export function checkActivityHosts(value: JsonObject, keyHost: string, lists: HostLists): Denied | undefined {
  if (lists.block.length === 0 && lists.allow.length === 0) return undefined;
  const origin = new Set([keyHost, ...hostsIn([idOf(value['actor']), idOf(value['id'])])]);
  return checkHosts(origin, lists) ?? checkHosts(nestedHosts(value), lists, 'nested');
}

/** Hosts of objects and targets, and of those who made them. Mentioned and addressed actors are not among them: they take no part. */
export function nestedHosts(value: JsonObject): ReadonlySet<string> {
  const hosts = new Set<string>();
  let level: readonly JsonValue[] = inner(value);
  for (let depth = 0; depth < NESTING_MAX && level.length > 0; depth += 1) {
    const objects = level.filter((item) => isObject(item));
    const refs = [...level.map(idOf), ...objects.flatMap((item) => [idOf(item['actor']), idOf(item['attributedTo'])])];
    for (const host of hostsIn(refs)) hosts.add(host);
    level = objects.flatMap(inner).slice(0, ITEMS_MAX);
  }
  return hosts;
}

/** Misskey reads the target of these alone; posts name the owner of their conversation in theirs. */
const WITH_TARGET: ReadonlySet<string> = new Set(['Add', 'Remove', 'Move']);

const inner = (value: JsonObject): readonly JsonValue[] =>
  [value['object'], value['items'], value['orderedItems'], targetsOf(value)].flatMap((part) => listOf(part)).slice(0, ITEMS_MAX);

/** A target may be a link instead of an object. */
const targetsOf = (value: JsonObject): readonly JsonValue[] =>
  WITH_TARGET.has(typeOf(value) ?? '')
    ? listOf(value['target']).flatMap((target) => (isObject(target) ? [target, target['href'] ?? null, target['url'] ?? null] : [target]))
    : [];

const hostsIn = (urls: readonly (string | undefined)[]): readonly string[] => urls.flatMap((url) => hostOfUrl(url) ?? []);
