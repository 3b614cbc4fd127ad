// What a case asks of the simulated internet: to serve bytes, and who has reached what.

import { randomBytes } from 'node:crypto';
import { describe } from '@jest/globals';
import type { OriginRoute } from '@sekisho/testkit';
import { context } from './context.ts';

const CONTROL_MS = 20_000;

/** Only where the internet is simulated: on a cluster of somebody's own these cases are skipped. */
export const describeWithInternet = context().internet === undefined ? describe.skip : describe;

/** Neighbours on the node's network and others that nobody may reach; the internet counts who tries. */
export const CANARIES = ['10.99.0.1', '192.168.99.1', '169.254.169.254', 'fd00:99::1'] as const;
export const PUBLIC_ADDRESSES = ['203.0.113.10', '198.51.100.10', '2001:db8:1::10'] as const;

export interface Published {
  readonly url: string;
  readonly path: string;
  /** GETs that reached the origin, by https and by http. */
  hits(): Promise<number>;
}

/** Serves bytes under a fresh URL of `host`, by https and by http. */
export const publish = async (bytes: Uint8Array, route: Omit<OriginRoute, 'bytes'> = {}, host = 'a.origin.example'): Promise<Published> =>
  await publishAt(`https://${host}/${randomBytes(9).toString('base64url')}`, bytes, route);

/** The same at a URL that the bytes name themselves. */
export async function publishAt(url: string, bytes: Uint8Array, route: Omit<OriginRoute, 'bytes'> = {}): Promise<Published> {
  const path = new URL(url).pathname;
  await control('PUT', `/serve?path=${path}&route=${encodeURIComponent(JSON.stringify(route))}`, bytes);
  return {
    url,
    path,
    hits: async () => await control('GET', `/hits?path=${path}`) as number,
  };
}

/** TCP connections since the last reset, by `address:port` as the client named it. */
export const connections = async (): Promise<Readonly<Record<string, number>>> => await control('GET', '/connections') as Record<string, number>;

export const resetConnections = async (): Promise<void> => void await control('DELETE', '/connections');

async function control(method: string, path: string, body?: Uint8Array): Promise<unknown> {
  const { internet } = context();
  if (internet === undefined) throw new Error('there is no simulated internet beside this cluster');
  const response = await fetch(`${internet.control}${path}`, {
    method, signal: AbortSignal.timeout(CONTROL_MS), ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}
