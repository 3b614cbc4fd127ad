// That this cluster enforces NetworkPolicy at all, and lets pass what a policy allows: without it no case about the
// chart's policies would say anything. Refusals differ (at once, or silent), so any failed connection counts as one.

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Client, clientPod } from './lib/client-pod.ts';
import { type Manifest, apply, namespace, podsOf, readyPodOf } from './lib/cluster.ts';
import { until } from './lib/deadline.ts';
import { describeWithInternet } from './lib/internet.ts';
import { nodeDeployment, sourceFiles } from './lib/node-pod.ts';
import { policiesEnforced } from './lib/policy/probe.ts';
import { deployment, waitReady } from './lib/ready.ts';
import { dropNamespaces, removeNamespace } from './lib/sekisho.ts';

const NAMESPACE = 'e2e-engine';
let client: Client;
let web: { readonly host: string; readonly port: number };

const policy = (name: string, spec: Readonly<Record<string, unknown>>): Manifest =>
  ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: NAMESPACE }, spec });
const use = async (...policies: readonly Manifest[]): Promise<void> => {
  await apply(...policies);
  await policiesEnforced();
};
const isOpen = async (...targets: readonly { readonly host: string; readonly port: number }[]): Promise<readonly boolean[]> =>
  (await client.connect(targets)).map((outcome) => outcome === 'connected');

beforeAll(async () => {
  await removeNamespace(NAMESPACE);
  await apply(
    namespace(NAMESPACE), sourceFiles('files', NAMESPACE, 'test-e2e/lib/in-pod'),
    nodeDeployment({ name: 'web', namespace: NAMESPACE, files: 'files', args: ['-e', 'require("http").createServer((q, r) => r.end("hello")).listen(8080, "::")'], ports: { http: 8_080 }, readiness: { httpGet: { port: 'http' } } }),
  );
  await waitReady(deployment(NAMESPACE, 'web'));
  client = await clientPod({ name: 'client', namespace: NAMESPACE });
  const pod = await until(() => readyPodOf(NAMESPACE, 'app=web'), { what: 'web', timeoutMs: 30_000 });
  web = { host: pod.ip, port: 8_080 };
});
afterAll(async () => {
  await dropNamespaces(NAMESPACE);
});

describe('pods', () => {
  it('are refused by a default deny, probes aside, and allowed when both sides say so', async () => {
    expect(await isOpen(web)).toEqual([true]);
    await use(policy('deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }));
    expect(await isOpen(web)).toEqual([false]);
    await use(policy('client', { podSelector: { matchLabels: { app: 'client' } }, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 'http' }] }] }));
    expect(await isOpen(web)).toEqual([false]);
    await use(policy('web', { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 'http' }] }] }));
    expect(await isOpen(web)).toEqual([true]);
    expect((await podsOf(NAMESPACE)).every(({ isReady }) => isReady)).toBe(true);
  });
});

describeWithInternet('address blocks', () => {
  it('let pass what they name and refuse what they except, in both families', async () => {
    const at = (...hosts: readonly string[]): readonly { readonly host: string; readonly port: number }[] => hosts.map((host) => ({ host, port: 443 }));
    const inside = at('203.0.113.10', '2001:db8:1::10');
    const outside = at('198.51.100.10', '2001:db8:dead::1', '10.99.0.1', '169.254.169.254', '172.31.0.10');
    await use(policy('deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }));
    expect(await isOpen(...inside, ...outside)).toEqual([...inside, ...outside].map(() => false));
    await use(policy('blocks', {
      podSelector: { matchLabels: { app: 'client' } }, policyTypes: ['Egress'],
      egress: [{
        to: [
          { ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '172.16.0.0/12', '169.254.0.0/16', '198.51.100.0/24'] } },
          { ipBlock: { cidr: '::/0', except: ['fc00::/7', '2001:db8:dead::/48'] } },
        ],
        ports: [{ port: 443 }],
      }],
    }));
    expect(await isOpen(...inside, ...outside)).toEqual([true, true, ...outside.map(() => false)]);
    expect(await isOpen({ host: '203.0.113.10', port: 80 })).toEqual([false]);
  });
});
