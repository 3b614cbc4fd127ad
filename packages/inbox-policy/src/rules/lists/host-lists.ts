// The host lists of one rules file, as they are at this moment. What is subscribed to changes while rules stay the same.

import { holdsHost } from './host.ts';

export interface HostLists {
  /** undefined: the list has never been loaded. */
  holds(id: string, host: string): boolean | undefined;
  readonly block: readonly string[];
  readonly allow: readonly string[];
  /** Never blocked: a list of somebody else may well name this instance. */
  readonly ownHosts: ReadonlySet<string>;
}

export interface MutableHostLists extends HostLists {
  set(id: string, hosts: ReadonlySet<string>): void;
  get(id: string): ReadonlySet<string> | undefined;
}

export interface HostListUse {
  readonly block: readonly string[];
  readonly allow: readonly string[];
  readonly ownHosts: ReadonlySet<string>;
  /** Those that stand in the rules file. */
  readonly inline?: ReadonlyMap<string, ReadonlySet<string>>;
}

export function createHostLists({ block, allow, ownHosts, inline }: HostListUse): MutableHostLists {
  const lists = new Map<string, ReadonlySet<string>>(inline);
  return {
    block, allow, ownHosts,
    holds: (id, host) => {
      const list = lists.get(id);
      return list === undefined ? undefined : holdsHost(list, host);
    },
    set: (id, hosts) => void lists.set(id, hosts),
    get: (id) => lists.get(id),
  };
}

/** Without a rules file. */
export const NO_HOST_LISTS: HostLists = { block: [], allow: [], ownHosts: new Set(), holds: () => undefined };
