// Another server of the fediverse: a pod that delivers signed activities, and the actor whose key the simulated internet
// serves.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { type Pod, apply, exec, namespace, readyPodOf } from './cluster.ts';
import { until } from './deadline.ts';
import type { Delivered, Delivery, Order, Repeated } from './in-pod/deliver.ts';
import { publishAt, type Published } from './internet.ts';
import { PUBLIC_URL } from './misskey/misskey.ts';
import { nodeDeployment, sourceFiles } from './node-pod.ts';
import { deployment, waitReady } from './ready.ts';

const DELIVER_MS = 20_000;
const HOST = 'a.origin.example';
const newKey = (): { readonly privateKey: string; readonly publicKey: string } =>
  generateKeyPairSync('rsa', { modulusLength: 2_048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });

export interface Actor {
  readonly url: string;
  readonly keyId: string;
  /** PEM. */
  readonly key: string;
  /** What the simulated internet serves of it. */
  readonly document: Published;
}

export async function publishActor(): Promise<Actor> {
  const { privateKey, publicKey } = newKey();
  const url = `https://${HOST}/users/${randomUUID()}`;
  const keyId = `${url}#main-key`;
  const document = {
    '@context': ['https://www.w3.org/ns/activitystreams', 'https://w3id.org/security/v1'],
    id: url, type: 'Person', preferredUsername: 'alice', inbox: `${url}/inbox`,
    publicKey: { id: keyId, owner: url, publicKeyPem: publicKey },
  };
  return { url, keyId, key: privateKey, document: await publishAt(url, Buffer.from(JSON.stringify(document)), { type: 'application/activity+json' }) };
}

/** A key that nobody has published. */
export const forgedKey = (): string => newKey().privateKey;

/** An activity of the actor, whole in its id; `{n}` in `name` may stay for a repeated delivery. */
export const activityOf = (actor: Actor, type: 'Follow' | 'Like' | 'Block', name: string): Delivery['activity'] => ({
  '@context': 'https://www.w3.org/ns/activitystreams', id: `${actor.url}/activities/${name}`, type, actor: actor.url,
  object: `${PUBLIC_URL}/${type === 'Like' ? 'notes/9zzzzzzzzz' : 'users/9abcdefghi'}`,
});

export interface Peer {
  /** In the order of the order. */
  deliver(order: Omit<Order, 'to' | 'sender'> | Omit<Repeated, 'to' | 'sender'>, timeoutMs?: number): Promise<readonly Delivered[]>;
}

/** @param gateway URL of the gateway's Service. */
export async function startPeer(inNamespace: string, gateway: string, { keyId, key }: Actor): Promise<Peer> {
  await apply(
    namespace(inNamespace),
    sourceFiles('peer-files', inNamespace, 'packages/testkit/src/activitypub/request.ts', 'packages/testkit/src/activitypub/keys.ts', 'packages/testkit/src/activitypub/wire.ts', 'test-e2e/lib/in-pod/deliver.ts'),
    nodeDeployment({ name: 'peer', namespace: inNamespace, files: 'peer-files', args: ['-e', 'setInterval(() => {}, 1 << 30)'], cpu: '100m' }),
  );
  await waitReady(deployment(inNamespace, 'peer'));
  const pod = await until(() => readyPodOf(inNamespace, 'app=peer'), { what: 'pod of peer', timeoutMs: 30_000 });
  const { hostname, port } = new URL(gateway);
  const to = { address: hostname, port: Number(port === '' ? 80 : port), host: new URL(PUBLIC_URL).host };
  return { deliver: async (order, timeoutMs = DELIVER_MS) => await delivered(pod, { ...order, to, sender: { keyId, key } }, timeoutMs) };
}

async function delivered(pod: Pod, order: Order | Repeated, timeoutMs: number): Promise<readonly Delivered[]> {
  const { code, stdout, stderr } = await exec(pod, ['/usr/local/bin/node', '/work/deliver.ts', JSON.stringify(order)], { timeoutMs: timeoutMs + 15_000 });
  if (code !== 0) throw new Error(`deliver.ts ended with ${code}: ${stderr.slice(-2_000)}`);
  return JSON.parse(stdout) as readonly Delivered[];
}
