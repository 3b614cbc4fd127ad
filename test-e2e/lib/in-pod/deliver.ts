// Runs in a pod as another server: signs activities and delivers them to an inbox, each on a connection of its own. The
// order comes as the first argument, how each delivery went goes to stdout.

import { createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Beside this file in the pod. */
const testkit = async <Name extends 'request' | 'wire'>(name: Name): Promise<typeof import('@sekisho/testkit')> =>
  await import(join(import.meta.dirname, `${name}.ts`)) as typeof import('@sekisho/testkit');

export interface Delivery {
  readonly activity: Readonly<Record<string, unknown>> & { readonly id: string };
  /** Signs instead of the sender's; PEM. */
  readonly key?: string;
  readonly target?: string;
  readonly contentType?: string;
  /** Sent instead of what was signed. */
  readonly body?: string;
}

export interface Order {
  readonly to: { readonly address: string; readonly port: number; readonly host: string };
  /** Key is PEM. */
  readonly sender: { readonly keyId: string; readonly key: string };
  /** Sent one after the other at this rate, whatever becomes of those before; absent: all at once. */
  readonly rps?: number;
  readonly timeoutMs?: number;
  readonly deliveries: readonly Delivery[];
}

/** The same delivery again and again, with `{n}` in it counted up. */
export interface Repeated extends Omit<Order, 'deliveries'> {
  readonly delivery: Delivery;
  readonly count: number;
}

export interface Delivered {
  readonly id: string;
  /** 0: no answer, and `end` says how it ended. */
  readonly status: number;
  readonly end: string;
  readonly code: string;
  readonly retryAfter: string;
}

const listed = (order: Order | Repeated): readonly Delivery[] =>
  'deliveries' in order
    ? order.deliveries
    : Array.from({ length: order.count }, (_, n) => JSON.parse(JSON.stringify(order.delivery).replaceAll('{n}', String(n))) as Delivery);

async function deliver({ to, sender, timeoutMs = 10_000 }: Order | Repeated, delivery: Delivery): Promise<Delivered> {
  const { activity, key = sender.key, target, contentType, body } = delivery;
  const { signCavage } = await testkit('request');
  const { sendExact } = await testkit('wire');
  const signed = signCavage({
    body: Buffer.from(JSON.stringify(activity)), host: to.host, keyId: sender.keyId, key: createPrivateKey(key),
    ...(target === undefined ? {} : { target }), ...(contentType === undefined ? {} : { contentType }),
  });
  const request = body === undefined ? signed : { ...signed, body: Buffer.from(body) };
  const { status, end, headers } = await sendExact(request, { address: to.address, port: to.port, timeoutMs });
  return { id: activity.id, status, end, code: headers['sekisho-code'] ?? '', retryAfter: headers['retry-after'] ?? '' };
}

if (import.meta.main) {
  const order = JSON.parse(process.argv[2] ?? '{}') as Order | Repeated;
  const running: Promise<Delivered>[] = [];
  const beganMs = performance.now();
  for (const [at, delivery] of listed(order).entries()) {
    const waitMs = order.rps === undefined ? 0 : beganMs + (at * 1_000) / order.rps - performance.now();
    if (waitMs > 1) await delay(waitMs);
    running.push(deliver(order, delivery));
  }
  process.stdout.write(JSON.stringify(await Promise.all(running)));
}
