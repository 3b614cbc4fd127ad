// A guarded fetch against loopback servers: a lying DNS server, allow targets, and the defaults of a request.

import { type DnsZone, startDnsServer, type TestDns } from '@sekisho/testkit';
import { createAddressPolicy } from '../address-policy.ts';
import { createTlsContext } from '../connect.ts';
import { type FetchDeps, type FetchRefusal, guardedFetch, type GuardedRequest, type GuardedResponse } from '../fetch.ts';
import { loopIdentity } from '../loop.ts';
import { createResolver } from '../resolver.ts';
import { ownHostSet, type PlainHttp } from '../url.ts';

export interface RigOptions {
  readonly zone?: DnsZone;
  /** `ip:port` */
  readonly allow: readonly string[];
  readonly plainHttp?: PlainHttp;
  readonly ca?: string;
  readonly dnsMs?: number;
  readonly deps?: Partial<FetchDeps>;
}

export interface Rig {
  readonly dns: TestDns;
  readonly deps: FetchDeps;
  fetch(url: string, over?: Partial<GuardedRequest>): Promise<GuardedResponse | FetchRefusal>;
  /** Status and body, or the code of the refusal. */
  read(url: string, over?: Partial<GuardedRequest>): Promise<string>;
  stop(): Promise<void>;
}

const OWN_HOST = 'misskey.origin.example';

export async function startRig(options: RigOptions): Promise<Rig> {
  const dns = await startDnsServer({ '*.origin.example': { a: ['127.0.0.1'] }, ...options.zone });
  const deps: FetchDeps = {
    rules: {
      plainHttp: options.plainHttp ?? 'allow',
      ownHosts: ownHostSet([OWN_HOST]),
      policy: createAddressPolicy({ unsafeAllowTargets: options.allow }),
    },
    identity: loopIdentity(OWN_HOST),
    resolver: createResolver({ servers: [dns.address], timeoutMs: options.dnsMs ?? 3_000 }),
    tlsContext: createTlsContext({ extraCa: options.ca }),
    ...options.deps,
  };
  const request: GuardedRequest = {
    url: '',
    userAgent: 'Sekisho/test (Misskey/; +https://misskey.origin.example)',
    loop: { via: [], cdnLoop: [] },
    deadlineMs: 8_000,
    connectMs: 5_000,
    headersMs: 5_000,
  };
  const fetch: Rig['fetch'] = (url, over = {}) => guardedFetch({ ...request, url, ...over }, deps);
  return {
    dns,
    deps,
    fetch,
    read: async (url, over) => {
      const answer = await fetch(url, over);
      if (answer.kind !== 'response') return answer.code;
      let text = '';
      for await (const chunk of answer.body) text += String(chunk);
      return `${answer.status} ${text}`;
    },
    stop: () => dns.stop(),
  };
}
