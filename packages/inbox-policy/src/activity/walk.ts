// What is gathered while an activity is read: the hosts that it names, and the first reason to refuse it.

import { type Code, INBOX_LIMITS } from '@sekisho/contracts';
import { deny } from '../denied.ts';
import type { ActivityRules, Denied } from '../types.ts';
import { type HostCheck, parseReference, type Reference } from './references.ts';

export interface Walk {
  readonly isAllowed: HostCheck;
  readonly isOwn: (host: string) => boolean;
  /** Other people's hosts in what Misskey reads. */
  readonly hosts: Set<string>;
  /** The first refusal; readers do nothing more once it is there. */
  denied: Denied | undefined;
}

/** Ours may have a port; whoever leaves it out names us all the same. */
const withoutPorts = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>();

function ownNames(ownHosts: ReadonlySet<string>): ReadonlySet<string> {
  const known = withoutPorts.get(ownHosts) ?? new Set([...ownHosts].flatMap((own) => [own, own.replace(/:\d*$/, '')]));
  withoutPorts.set(ownHosts, known);
  return known;
}

export function openWalk(rules: ActivityRules): Walk {
  const hosts = new Set<string>();
  const names = ownNames(rules.ownHosts);
  const isOwn = (host: string): boolean => names.has(host);
  return {
    hosts,
    isOwn,
    isAllowed: (host, authority) => hosts.has(authority) || rules.ownHosts.has(authority) || (host === authority && rules.isPublicHost(host)),
    denied: undefined,
  };
}

/** For what has passed already: nothing is asked of hosts any more. */
export const openAcceptedWalk = (): Walk => ({
  isAllowed: () => true,
  isOwn: () => false,
  hosts: new Set(),
  denied: undefined,
});

export function refuse(walk: Walk, code: Code, detail: string): undefined {
  walk.denied ??= deny(code, detail);
  return undefined;
}

/** Reads a URL that Misskey reads, and counts its host. */
export function readReference(walk: Walk, text: string, problem: { readonly code: Code; readonly path: string }): Reference | undefined {
  const reference = parseReference(text, walk.isAllowed);
  if (reference === undefined) return refuse(walk, problem.code, problem.path);
  if (!walk.isOwn(reference.host)) walk.hosts.add(reference.host);
  if (walk.hosts.size > INBOX_LIMITS.hostsMax) return refuse(walk, 'SEKISHO_INBOX_COUNT', `more than ${INBOX_LIMITS.hostsMax} hosts`);
  return reference;
}
