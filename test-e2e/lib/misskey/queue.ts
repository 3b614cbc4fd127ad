// The Redis of Misskey's job queue, as a Misskey that has started leaves it: a server with the gateway's user of
// k8s/redis/misskey-queue.acl and one that sees all, for the case.

import { createHash, randomBytes } from 'node:crypto';
import { MISSKEY_QUEUE_USER, renderMisskeyQueueAcl } from '../../../scripts/redis-users.ts';
import { type Manifest, type Pod, apply, exec, readyPodOf } from '../cluster.ts';
import { context, imageReference } from '../context.ts';
import { until } from '../deadline.ts';
import { deployment, waitReady } from '../ready.ts';
import type { Values } from '../sekisho.ts';

const PORT = 6_379;
const ADMIN = 'case';
/** What that Misskey's BullMQ writes of itself. */
const MISSKEY = { version: '2026.3.2', bullmq: 'bullmq:5.71.0' };

export interface MisskeyQueue {
  /** Values of gateway.inbox.enqueue, with their Secret in that namespace. */
  valuesFor(inNamespace: string): Promise<Values>;
  /** Ids of the activities in the queue. */
  activities(): Promise<readonly string[]>;
  /** What the server answers the gateway's user to the same command for its queue and another one, and to what names no key. */
  tryOthers(): Promise<Readonly<Record<'inbox' | 'deliver' | 'admin' | 'keys', string>>>;
}

/** @param prefix of Misskey's keys. */
export async function startMisskeyQueue(inNamespace: string, prefix: string): Promise<MisskeyQueue> {
  const passwords = { own: newPassword(), admin: newPassword() };
  const user = MISSKEY_QUEUE_USER;
  const inbox = `${prefix}:queue:inbox:inbox`;
  const acl = `user default off\n${renderMisskeyQueueAcl({ prefix, passwordHash: hash(passwords.own) })}user ${ADMIN} reset on #${hash(passwords.admin)} ~* &* +@all\n`;
  await apply(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'queue-users', namespace: inNamespace }, data: { 'users.acl': acl } },
    serverOf(inNamespace),
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'queue', namespace: inNamespace }, spec: { selector: { app: 'queue' }, ports: [{ port: PORT, targetPort: PORT }] } },
  );
  await waitReady(deployment(inNamespace, 'queue'));
  const pod = await until(() => readyPodOf(inNamespace, 'app=queue'), { what: 'pod of queue', timeoutMs: 30_000 });
  const own = (...words: readonly string[]): Promise<string> => ask(pod, { user, password: passwords.own }, words);
  const all = (...words: readonly string[]): Promise<string> => ask(pod, { user: ADMIN, password: passwords.admin }, words);
  await all('HSET', `${inbox}:meta`, 'version', MISSKEY.bullmq, 'opts.maxLenEvents', '10000');
  return {
    valuesFor: async (owner) => {
      const url = `redis://${user}:${passwords.own}@queue.${inNamespace}.svc:${PORT}`;
      await apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'misskey-queue', namespace: owner }, type: 'Opaque', stringData: { 'gateway-url': url } });
      return {
        misskeyVersion: MISSKEY.version, existingSecret: 'misskey-queue', address: `queue.${inNamespace}.svc:${PORT}`,
        networkPolicyPeers: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': inNamespace } }, podSelector: { matchLabels: { app: 'queue' } } }],
      };
    },
    activities: async () => {
      // What is in the list is what a worker would take.
      const script = `local ids = {} for _, id in ipairs(redis.call('LRANGE', ARGV[1] .. ':wait', 0, -1)) do ids[#ids + 1] = cjson.decode(redis.call('HGET', ARGV[1] .. ':' .. id, 'data')).activity.id end return cjson.encode(ids)`;
      const text = await all('EVAL', script, '0', inbox);
      return text === '{}' ? [] : JSON.parse(text) as string[];
    },
    tryOthers: async () => ({
      inbox: await own('INCR', `${inbox}:id`), deliver: await own('INCR', `${prefix}:queue:deliver:deliver:id`),
      admin: await own('CONFIG', 'GET', '*'), keys: await own('KEYS', '*'),
    }),
  };
}

const newPassword = (): string => randomBytes(24).toString('hex');
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** By the server's own client, in its pod. */
async function ask(pod: Pod, { user, password }: { readonly user: string; readonly password: string }, words: readonly string[]): Promise<string> {
  const { stdout, stderr } = await exec(pod, ['/usr/bin/valkey-cli', '--no-auth-warning', '--user', user, '--pass', password, ...words]);
  return (stdout === '' ? stderr : stdout).trim();
}

const serverOf = (inNamespace: string): Manifest => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'queue', namespace: inNamespace },
  spec: {
    selector: { matchLabels: { app: 'queue' } },
    template: {
      metadata: { labels: { app: 'queue' } },
      spec: {
        automountServiceAccountToken: false, enableServiceLinks: false, terminationGracePeriodSeconds: 1,
        securityContext: { runAsNonRoot: true, runAsUser: 10_001, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [{
          name: 'redis', image: imageReference('valkey'), imagePullPolicy: context().pullPolicy,
          command: ['valkey-server', '--port', String(PORT), '--protected-mode', 'no', '--aclfile', '/etc/queue/users.acl', '--save', '', '--appendonly', 'no', '--dir', '/tmp'],
          readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 },
          resources: { requests: { cpu: '20m', memory: '32Mi' }, limits: { memory: '256Mi' } },
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: 'users', mountPath: '/etc/queue', readOnly: true }],
        }],
        volumes: [{ name: 'users', configMap: { name: 'queue-users' } }],
      },
    },
  },
});
