// The four files an administrator may change while the proxy runs. A bad new file keeps the old list and is told; a bad
// file at the start is a start that fails.

import { type AddressPolicy, CIDR_LIST_BYTES_MAX, createHostMatcher, HOST_LIST_BYTES_MAX, type HostMatcher, parseCidrList, parseHostList } from '@sekisho/netguard';
import { type FileForm, fileSource, type Followed, fixedValue, followFile, type Logger } from '@sekisho/runtime';
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
function parseHosts(text: string): HostMatcher {
  const list = parseHostList(text);
  if (list.ok) return createHostMatcher(list.suffixes);
  throw new Error(list.errors.map(({ line, detail }) => `line ${line}: ${detail}`).join('; '));
}

export const CIDRS: FileForm<readonly string[]> = { bytesMax: CIDR_LIST_BYTES_MAX, parse: parseCidrList };
export const CREDENTIALS: FileForm<Credentials> = { bytesMax: CREDENTIALS_BYTES_MAX, parse: parseCredentials };
export const HOSTS: FileForm<HostMatcher> = { bytesMax: HOST_LIST_BYTES_MAX, parse: parseHosts };

/** @throws Error when a file cannot be read or is bad. */
export async function followLists(files: ListFiles, deps: ListDeps): Promise<Lists> {
  const parseAndDeny = (text: string): readonly string[] => {
    const networks = CIDRS.parse(text);
    // All or nothing: it throws before it changes anything.
    deps.policy.setDenyCidrs([...deps.fixedCidrs, ...networks]);
    return networks;
  };
  const follow = async <T>(list: Followable<T>): Promise<Followed<T | undefined>> => await followOne(list, deps);
  const cidrs = await follow({ name: 'deny_networks', path: files.denyCidrsFile, form: { ...CIDRS, parse: parseAndDeny } });
  const credentials = await follow({ name: 'credentials', path: files.credentialsFile, form: CREDENTIALS });
  const allowed = await follow({ name: 'allow_hosts', path: files.allowHostsFile, form: HOSTS });
  const denied = await follow({ name: 'deny_hosts', path: files.denyHostsFile, form: HOSTS });
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
  readonly form: FileForm<T>;
}

async function followOne<T>({ name, path, form }: Followable<T>, deps: ListDeps): Promise<Followed<T | undefined>> {
  if (path === undefined) return fixedValue(undefined);
  return await followFile<T>({
    source: fileSource(path, form.bytesMax),
    parse: form.parse,
    pollMs: deps.pollMs,
    onReload: (reloaded) => {
      deps.onReload(name, reloaded.ok ? 'ok' : 'failed');
      if (reloaded.ok) deps.log.info({ list: name }, 'list loaded');
      else deps.log.error({ list: name, detail: reloaded.detail }, 'list not loaded, the old one stays');
    },
  });
}
