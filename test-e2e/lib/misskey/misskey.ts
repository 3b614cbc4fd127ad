// The stub Misskey in the cluster: a Deployment and a Service in a namespace of its own.

import { createHash } from 'node:crypto';
import type { StubRequest } from '@sekisho/testkit';
import { apply, namespace, podsOf } from '../cluster.ts';
import { binaryFiles, nodeDeployment, sourceFiles } from '../node-pod.ts';
import { deployment, waitReady } from '../ready.ts';

export const PUBLIC_URL = 'https://instance.peer.example';
export const MISSKEY_NAMESPACE = 'e2e-misskey';

export interface Misskey {
  readonly url: string;
  readonly namespace: string;
  /** What one needs to let the gateway reach it. */
  readonly peers: readonly Readonly<Record<string, unknown>>[];
  /** The newest requests, 1,000 at most. */
  requests(): Promise<readonly StubRequest[]>;
  /** Ids of the activities that its inbox has taken, the newest 5,000. */
  activities(): Promise<readonly string[]>;
}

/**
 * @param files name with extension to bytes, together at most 1 MiB; served as /files/<name without extension>.
 * @param inNamespace one of its own for a case that loads it: the common one may start anew under another case
 * @param inboxDelayMs between the last byte of an activity and its being taken
 */
export async function startMisskey(files: Readonly<Record<string, Uint8Array>> = {}, inNamespace = MISSKEY_NAMESPACE, inboxDelayMs = 0): Promise<Misskey> {
  // The stub reads its files once: other files, another pod.
  const filesHash = createHash('sha256').update(JSON.stringify(Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]))).digest('hex');
  await apply(
    namespace(inNamespace),
    sourceFiles('misskey-sources', inNamespace, 'packages/testkit/src/misskey', 'test-e2e/lib/misskey/main.ts'),
    binaryFiles('misskey-files', inNamespace, files),
    nodeDeployment({
      name: 'misskey', namespace: inNamespace, files: 'misskey-sources', data: 'misskey-files', args: ['/work/main.ts'],
      env: { PUBLIC_URL, FILES_HASH: filesHash, INBOX_DELAY_MS: String(inboxDelayMs) }, ports: { http: 3_000, seen: 3_001 }, readiness: { httpGet: { port: 'seen' } }, cpu: '50m',
    }),
    {
      apiVersion: 'v1', kind: 'Service', metadata: { name: 'misskey', namespace: inNamespace },
      spec: { ipFamilyPolicy: 'PreferDualStack', selector: { app: 'misskey' }, ports: [{ name: 'http', port: 3_000, targetPort: 'http' }] },
    },
  );
  await waitReady(deployment(inNamespace, 'misskey'));
  return {
    url: `http://misskey.${inNamespace}.svc:3000`,
    namespace: inNamespace,
    peers: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': inNamespace } }, podSelector: { matchLabels: { app: 'misskey' } } }],
    requests: async () => (await seenBy(inNamespace)).flatMap(({ requests }) => requests),
    activities: async () => (await seenBy(inNamespace)).flatMap(({ activities }) => activities),
  };
}

interface Seen {
  readonly requests: readonly StubRequest[];
  readonly activities: readonly string[];
}

async function seenBy(inNamespace: string): Promise<readonly Seen[]> {
  const pods = (await podsOf(inNamespace, 'app=misskey')).filter(({ isReady, isEnding }) => isReady && !isEnding);
  return await Promise.all(pods.map(async ({ ip }) => await (await fetch(`http://${ip}:3001/`, { signal: AbortSignal.timeout(10_000) })).json() as Seen));
}
