// Values that cannot work are refused before anything is installed, with a sentence that says what to write.

import { describe, expect, it } from '@jest/globals';
import { HELMS, REQUIRED, tryRender } from '../scripts/chart/helm.ts';

type Values = Readonly<Record<string, unknown>>;

/** What is wrong, the values on top of the required ones, and what the refusal must say. */
const SENTENCES: readonly (readonly [what: string, values: Values, says: string])[] = [
  ['no public URL', { publicUrl: '' }, 'publicUrl is not set: write the URL'],
  ['a public URL with a path', { publicUrl: 'https://social.example/app' }, 'write scheme and host only'],
  ['a public URL with a user', { publicUrl: 'https://me:pw@social.example' }, 'write scheme and host only'],
  ['a public URL without TLS', { publicUrl: 'http://social.example' }, 'write https://social.example'],
  ['no Misskey', { misskey: { url: '' } }, 'write where Misskey listens'],
  ['a Misskey URL with a path', { misskey: { url: 'http://10.20.0.9:3000/api' } }, 'write scheme, host and port only'],
  ['the gateway as its own Misskey', { misskey: { url: 'https://social.example' } }, "write the address of Misskey's own Service"],
  ['a Misskey by name without peers', { misskey: { url: 'http://misskey.example:3000' } }, 'say where it runs, for example misskey.networkPolicyPeers'],
  ['a URL in managed mode', { misskey: { mode: 'managed', url: 'http://10.20.0.9:3000' } }, 'in managed mode the chart knows the address: remove it'],
  ['managed without a database', { misskey: { mode: 'managed', url: '' } }, 'misskey.managed.database.host is not set'],
  ['managed without a Secret of the database', { misskey: { mode: 'managed', url: '', managed: { database: { host: '10.20.0.5' } } } }, 'make a Secret with the keys username and password'],
  ['egress for a Misskey elsewhere', { misskey: { ...REQUIRED.misskey, unprotectedEgress: { enabled: true } } }, 'set misskey.mode: managed'],
  ['an ingress without trusted proxies', { ingress: { enabled: true } }, 'write the addresses of the proxy, for example gateway.trustedProxies: [10.20.0.0/16]'],
  ['behindProxy without trusted proxies', { gateway: { behindProxy: true } }, 'gateway.trustedProxies: [private] for all private ranges'],
  ['an unknown preset', { gateway: { trustedProxies: ['cloudflare'] } }, 'write address prefixes with their length'],
  ['trust in everybody', { gateway: { trustedProxies: ['0.0.0.0/0'] } }, 'write the addresses of your proxies only'],
  ['trust in everybody by IPv6', { gateway: { trustedProxies: ['::/0'] } }, 'write the addresses of your proxies only'],
  ['a short digest', { gateway: { image: { digest: 'sha256:abc' } } }, 'write sha256: and 64 lower-case hex digits'],
  ['a tag in the repository', { fetcher: { image: { repository: 'ghcr.io/sekisho/fetcher:1.0' } } }, 'these belong to fetcher.image.tag'],
  ['a digest as tag', { imageWorker: { image: { tag: `sha256:${'a'.repeat(64)}` } } }, 'a digest belongs to imageWorker.image.digest'],
  ['no keys at all', { secrets: { generate: { enabled: false } }, redis: { evaluation: { enabled: false }, state: { existingSecret: 'a', address: '10.0.0.5:6379' }, work: { existingSecret: 'b', address: '10.0.0.5:6379' } } }, 'make a Secret with the keys internal-token, cache-key and isolation-key'],
  ['an evaluation Redis without the Job', { secrets: { existingSecret: 'a', generate: { enabled: false } } }, 'set secrets.generate.enabled: true, or use your own Redis'],
  ['two state Redis servers', { redis: { state: { existingSecret: 'a' } } }, 'set redis.evaluation.enabled: false to use your own Redis'],
  ['no Redis', { redis: { evaluation: { enabled: false } } }, 'make a Secret with the keys gateway-url, fetcher-url and image-worker-url'],
  ['a Redis without address', { redis: { evaluation: { enabled: false }, state: { existingSecret: 'a' }, work: { existingSecret: 'b', address: '10.0.0.5:6379' } } }, 'redis.state.address is not set'],
  ['a Redis by name without peers', { redis: { evaluation: { enabled: false }, state: { existingSecret: 'a', address: 'redis.example:6379' }, work: { existingSecret: 'b', address: '10.0.0.5:6379' } } }, 'redis.state.networkPolicyPeers: [{ namespaceSelector'],
  ['a Redis without port', { redis: { evaluation: { enabled: false }, state: { existingSecret: 'a', address: '10.0.0.5' }, work: { existingSecret: 'b', address: '10.0.0.5:6379' } } }, 'write host:port'],
  ['more work than the Redis holds', { redis: { work: { bytesMax: 1_073_741_824 } } }, 'more than half of redis.evaluation.maxmemory'],
  ['a cache as large as the Redis', { gateway: { cacheRedisBytes: 536_870_912 } }, 'write at most two thirds of it'],
  ['a maxmemory without meaning', { redis: { evaluation: { maxmemory: 'plenty' } } }, 'write a number with kb, mb or gb'],
  ['a network without length', { cluster: { denyCIDRs: ['10.0.0.1'] } }, 'write an address prefix with its length'],
  ['everything denied', { cluster: { denyCIDRs: ['0.0.0.0/0'] } }, 'write the networks of your cluster only'],
  ['no port', { egress: { ports: [] } }, 'write egress.ports: [443]'],
  ['only plain http', { egress: { ports: [80] } }, 'write egress.ports: [443]'],
  ['a resolver by name', { fetcher: { dnsServers: ['dns.example:53'] } }, 'write ip:port'],
  ['a translator without length', { cluster: { nat64Prefixes: ['64:ff9b::'] } }, 'write the prefix of the translator with its length'],
  ['a translator that policies cannot describe', { cluster: { nat64Prefixes: ['2a00:1::/48'] } }, 'only for /32, /64 and /96'],
  ['two files of inbox rules', { gateway: { inbox: { rules: { rules: [] }, rulesConfigMap: 'b' } } }, 'only one file is read'],
  ['a queue without its Secret', { gateway: { inbox: { mode: 'enqueue' } } }, 'make a Secret with the key gateway-url'],
  ['a queue of an unknown version', { gateway: { inbox: { mode: 'enqueue', enqueue: { existingSecret: 'q', address: '10.0.0.5:6379' } } } }, 'write the version of Misskey'],
  ['a database of Misskey without its Secret', { gateway: { inbox: { database: { address: '10.0.0.5:5432' } } } }, 'make a Secret with the key database-url (docs/kubernetes-misskey.md) and write its name'],
  ['unsafe ranges without consent', { unsafe: { publicCIDRs: ['203.0.113.0/24'] } }, 'remove it, or set unsafe.iUnderstand: true'],
  ['an unsafe authority without consent', { unsafe: { caConfigMap: 'ca' } }, 'remove it, or set unsafe.iUnderstand: true'],
  ['an unsafe variable without consent', { fetcher: { extraEnv: { SEKISHO_UNSAFE_ALLOW_TARGETS: '10.0.0.1:80' } } }, 'is for tests only: remove it'],
  ['a URL as own host', { ownHosts: ['https://media.social.example'] }, 'write host names without scheme'],
  ['an ingress without the public host', { ingress: { enabled: true, hosts: ['other.example'] }, gateway: { trustedProxies: ['private'] } }, 'add it, or leave ingress.hosts empty'],
  ['a storage base without slash', { gateway: { storageBases: ['https://s3.example/bucket'] } }, 'write URLs with their closing slash'],
  ['a node port of a ClusterIP', { gateway: { service: { nodePort: 30_080 } } }, 'needs gateway.service.type: NodePort or LoadBalancer'],
  ['more at least than at most', { gateway: { autoscaling: { enabled: true, minReplicas: 5, maxReplicas: 2 } } }, 'raise maxReplicas or lower minReplicas'],
  ['a budget that lets all go', { gateway: { podDisruptionBudget: { maxUnavailable: 2 } } }, 'write at most 1'],
  ['a grace that cuts streams', { gateway: { terminationGracePeriodSeconds: 30 } }, 'so running streams would be cut: write at least'],
  ['a seccomp profile that opens everything', { imageWorker: { sandbox: { seccomp: { type: 'Unconfined' } } } }, 'write RuntimeDefault or Localhost'],
  ['a seccomp profile of the node without a name', { imageWorker: { sandbox: { seccomp: { type: 'Localhost' } } } }, "write the path of the profile below the kubelet's seccomp folder"],
  ['a seccomp profile by absolute path', { imageWorker: { sandbox: { seccomp: { type: 'Localhost', localhostProfile: '/a.json' } } } }, "write the path below the kubelet's seccomp folder"],
  ['a name for the seccomp profile of the runtime', { imageWorker: { sandbox: { seccomp: { localhostProfile: 'a.json' } } } }, 'set imageWorker.sandbox.seccomp.type: Localhost'],
  ['a seccomp profile outside of the folder', { imageWorker: { sandbox: { seccomp: { type: 'Localhost', localhostProfile: '../a.json' } } } }, "write one below the kubelet's seccomp folder"],
  ['no AppArmor by name', { imageWorker: { sandbox: { appArmor: { localhostProfile: 'unconfined' } } } }, 'write the name of a loaded profile'],
  ['no memory limit', { gateway: { resources: { limits: { memory: null } } } }, 'so one pod could take the memory of its node'],
];

/** What the schema refuses: Helm names the place and what may stand there. */
const SCHEMA: readonly (readonly [what: string, values: Values, says: RegExp])[] = [
  ['a misspelt block', { gatway: {} }, /additional properties 'gatway' not allowed/i],
  ['a misspelt value', { gateway: { replica: 3 } }, /\/gateway.*additional properties 'replica' not allowed/i],
  ['a text for a number', { gateway: { replicas: 'three' } }, /\/gateway\/replicas.*want (?:integer|number)/],
  ['an unknown mode of the inbox', { gateway: { inbox: { mode: 'off' } } }, /\/gateway\/inbox\/mode.*must be one of/],
  ['a date of a signature that may be an hour old', { gateway: { inbox: { dateSkewSeconds: 3_600 } } }, /\/gateway\/inbox\/dateSkewSeconds.*maximum/],
  ['an unknown action of a rule', { gateway: { inbox: { rules: { rules: [{ id: 'a', action: 'ban', when: { field: 'type', op: 'eq', value: 'Like' } }] } } } }, /\/gateway\/inbox\/rules\/rules\/0\/action.*must be one of/],
  ['a rule about nothing', { gateway: { inbox: { rules: { rules: [{ id: 'a', action: 'drop', when: { field: 'colour', op: 'eq', value: 'red' } }] } } } }, /\/gateway\/inbox\/rules\/rules\/0\/when/],
  ['an unknown level', { logLevel: 'verbose' }, /\/logLevel.*must be one of/],
  ['an unknown mode of Misskey', { misskey: { mode: 'internal' } }, /\/misskey\/mode.*must be one of/],
  ['an unknown mode of the sandbox', { imageWorker: { sandbox: { mode: 'off' } } }, /\/imageWorker\/sandbox\/mode.*must be one of/],
  ['a variable without a value', { gateway: { extraEnv: { A: { secretKeyRef: {} } } } }, /\/gateway\/extraEnv\/A.*'secretKeyRef' not allowed/s],
  ['an unknown policy for plain http', { fetcher: { plainHttp: 'yes' } }, /\/fetcher\/plainHttp.*must be one of/],
];

const merged = (values: Values): Values => ({ ...REQUIRED, ...values });

it('has more than enough', () => {
  expect(SENTENCES.length + SCHEMA.length).toBeGreaterThanOrEqual(30);
});

describe.each(SENTENCES)('%s', (_what, values, says) => {
  it('is refused with what to write', () => {
    const { status, stderr } = tryRender({ values: merged(values) });
    expect(stderr).toContain(says);
    expect(status).not.toBe(0);
  });
});

describe.each(SCHEMA)('%s', (_what, values, says) => {
  it('is refused with its place', () => {
    const { status, stderr } = tryRender({ values: merged(values) });
    expect(stderr).toMatch(says);
    expect(status).not.toBe(0);
  });
});

it.each(HELMS)('%s prints all problems at once', (helm) => {
  const { stderr } = tryRender({ helm, values: { ingress: { enabled: true }, egress: { ports: [80] } } });
  for (const word of ['publicUrl is not set', 'misskey.url is not set', 'ingress.enabled is true', 'egress.ports']) expect(stderr).toContain(word);
});

it.each(HELMS)('%s accepts rules for activities', (helm) => {
  const rules = {
    rules: [{ id: 'no-likes', reason: 'x', action: 'reject', dryRun: true, expires: '2027-01-31', when: { all: [{ field: 'type', op: 'eq', value: 'Like' }, { not: { field: 'actor.host', op: 'in', list: 'ours' } }] } }],
    lists: [{ id: 'ours', hosts: ['a.example'] }], block: ['ours'],
  };
  expect(tryRender({ helm, values: merged({ gateway: { inbox: { rules } } }) })).toMatchObject({ status: 0 });
});

it.each(HELMS)('%s accepts the required values alone, and what a parent chart adds', (helm) => {
  expect(tryRender({ helm, values: { ...REQUIRED, global: { cattle: { a: 1 }, anything: true } } })).toMatchObject({ status: 0 });
});
