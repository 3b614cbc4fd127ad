// Hosts that an activity claims to speak for or to be about, before anything of it is believed.

import type { JsonObject, JsonValue } from '../types.ts';
import { idOf } from './authority.ts';
import { isObject, listOf } from './types.ts';

/** Announce of a Create of a Note is 3; nobody means more. */
const DEPTH_MAX = 4;
/** Of one list: items of a collection at most. */
const ITEMS_MAX = 255;

const CLAIMS = ['id', 'actor', 'attributedTo'] as const;
const NESTED = ['object', 'target', 'items', 'orderedItems'] as const;

/**
 * Hosts of ids, actors and authors of the activity and of what is embedded in it, for lists of hosts. Refuses nothing: what is
 * no URL has no host. A `ReadActivity` has in `hosts` all others that Misskey would contact too.
 */
export function referencedHosts(value: JsonObject): ReadonlySet<string> {
  const hosts = new Set<string>();
  collect(value, hosts, 0);
  return hosts;
}

function collect(value: JsonObject, hosts: Set<string>, depth: number): void {
  for (const name of CLAIMS) for (const claim of listOf(value[name]).slice(0, ITEMS_MAX)) add(claim, hosts);
  if (depth >= DEPTH_MAX) return;
  for (const name of NESTED) {
    for (const item of listOf(value[name]).slice(0, ITEMS_MAX)) {
      if (isObject(item)) collect(item, hosts, depth + 1);
      else add(item, hosts);
    }
  }
}

function add(value: JsonValue, hosts: Set<string>): void {
  const id = idOf(value);
  const hostname = id === undefined ? undefined : URL.parse(id)?.hostname;
  if (hostname !== undefined && hostname !== '') hosts.add(hostname.endsWith('.') ? hostname.slice(0, -1) : hostname);
}
