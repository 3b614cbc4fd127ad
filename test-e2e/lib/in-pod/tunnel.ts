// Runs in a client pod: asks an egress-proxy for tunnels, as raw as a forged request would be.

import { request } from 'node:http';
import { get } from 'node:https';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';

export interface Proxy {
  readonly host: string;
  readonly port: number;
}

const TUNNEL_MS = 20_000;

const open = async (proxy: Proxy, authority: string): Promise<{ readonly said: string; readonly socket?: Socket }> => await new Promise((resolve) => {
  const sent = request({ ...proxy, method: 'CONNECT', path: authority, agent: false, signal: AbortSignal.timeout(TUNNEL_MS) });
  sent.once('error', (error: Error & { code?: string }) => resolve({ said: error.code ?? error.message }));
  sent.once('connect', ({ statusCode }, socket) => resolve({ said: String(statusCode), socket }));
  sent.end();
});

/** Side by side: the status of each CONNECT, or why there is none. */
export const tunnels = async (proxy: Proxy, authorities: readonly string[]): Promise<readonly string[]> =>
  await Promise.all(authorities.map(async (authority) => {
    const { said, socket } = await open(proxy, authority);
    socket?.destroy();
    return said;
  }));

/** Status of a page of the internet by https through the proxy, or why there is none. */
export async function page(proxy: Proxy, url: string, ca: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const { said, socket } = await open(proxy, `${hostname}:${port === '' ? 443 : port}`);
  if (socket === undefined || said !== '200') return said;
  return await new Promise((resolve) => {
    const end = (text: string): void => {
      socket.destroy();
      resolve(text);
    };
    // Without `agent`: any agent would connect by itself, past the tunnel.
    get(url, { signal: AbortSignal.timeout(TUNNEL_MS), createConnection: () => connect({ socket, servername: hostname, ca }) }, (response) => end(String(response.statusCode)))
      .once('error', (error: Error & { code?: string }) => end(error.code ?? error.message));
  });
}
