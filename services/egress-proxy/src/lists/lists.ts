// The four files an administrator may change while the proxy runs. A bad new file keeps the old list and is told; a bad
// file at the start is a start that fails.

import { type AddressPolicy, CIDR_LIST_BYTES_MAX, createHostMatcher, HOST_LIST_BYTES_MAX, type HostMatcher, parseCidrList, parseHostList } from '@sekisho/netguard';
import { fileSource, type Followed, fixedValue, followFile, type Logger } from '@sekisho/runtime';
import { type Credentials, CREDENTIALS_BYTES_MAX, parseCredentials } from '../credentials/credentials.ts';
import type { ListName } from '../metrics.ts';

export interface ListFiles {
  readonly denyCidrsFile: string | undefined;
  readonly credentialsFile: string | undefined;
  readonly allowHostsFile: string | undefined;
  readonly denyHostsFile: string | undefined;
}

export interface Lists {
  readonly credentials: Credentials | undefined;
  readonly allowedHosts: HostMatcher | undefined;
  readonly deniedHosts: HostMatcher | undefined;
  close(): void;
}

export interface ListDeps {
  readonly policy: AddressPolicy;
  /** Always denied, whatever the file says. */
  readonly fixedCidrs: readonly string[];
  readonly log: Logger;
  readonly onReload: (list: ListName, result: 'ok' | 'failed') => void;
  readonly pollMs?: number | undefined;
}

/** @throws Error that names the line. */
export function parseHosts(text: string): HostMatcher {
  const list = parseHostList(text);
  if (list.ok) return createHostMatcher(list.suffixes);
  throw new Error(list.errors.map(({ line, detail }) => `line ${line}: ${detail}`).join('; '));
}

/** @throws Error that names the line. */
export function parseCidrs(text: string): readonly string[] {
  const list = parseCidrList(text);
  if (list.ok) return list.cidrs;
  throw new Error(list.detail);
}

/** @throws Error when a file cannot be read or is bad. */
export async function followLists(files: ListFiles, deps: ListDeps): Promise<Lists> {
  const setCidrs = (cidrs: readonly string[]): void => deps.policy.setDenyCidrs([...deps.fixedCidrs, ...cidrs]);
  const follow = async <T>(list: Followable<T>): Promise<Followed<T | undefined>> => await followOne(list, deps);
  const cidrs = await follow({ name: 'deny_networks', path: files.denyCidrsFile, bytesMax: CIDR_LIST_BYTES_MAX, parse: parseCidrs, onValue: setCidrs });
  const credentials = await follow({ name: 'credentials', path: files.credentialsFile, bytesMax: CREDENTIALS_BYTES_MAX, parse: parseCredentials });
  const allowed = await follow({ name: 'allow_hosts', path: files.allowHostsFile, bytesMax: HOST_LIST_BYTES_MAX, parse: parseHosts });
  const denied = await follow({ name: 'deny_hosts', path: files.denyHostsFile, bytesMax: HOST_LIST_BYTES_MAX, parse: parseHosts });
  return {
    get credentials() {
      return credentials.value;
    },
    get allowedHosts() {
      return allowed.value;
    },
    get deniedHosts() {
      return denied.value;
    },
    close: () => {
      for (const list of [cidrs, credentials, allowed, denied]) list.close();
    },
  };
}

interface Followable<T> {
  readonly name: ListName;
  readonly path: string | undefined;
  readonly bytesMax: number;
  readonly parse: (text: string) => T;
  readonly onValue?: (value: T) => void;
}

async function followOne<T>({ name, path, bytesMax, parse, onValue }: Followable<T>, deps: ListDeps): Promise<Followed<T | undefined>> {
  if (path === undefined) return fixedValue(undefined);
  const followed = await followFile<T>({
    source: fileSource(path, bytesMax),
    parse,
    pollMs: deps.pollMs,
    onReload: (reloaded) => {
      deps.onReload(name, reloaded.ok ? 'ok' : 'failed');
      if (reloaded.ok) onValue?.(reloaded.value);
      if (reloaded.ok) deps.log.info({ list: name }, 'list loaded');
      else deps.log.error({ list: name, detail: reloaded.detail }, 'list not loaded, the old one stays');
    },
  });
  onValue?.(followed.value);
  return followed;
}
