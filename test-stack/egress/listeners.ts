// Listeners that no tunnel may reach: on the port of the allowed origin, so that the port alone refuses nothing, on other
// addresses of this machine, and on the usual ports where this user may listen on them.

import { networkInterfaces } from 'node:os';
import { type Canary, startCanary } from '@sekisho/testkit';

export interface Listeners {
  /** Connections ever accepted, all together. */
  readonly connections: number;
  readonly addresses: readonly string[];
  stop(): Promise<void>;
}

const USUAL_PORTS = [25, 80, 443, 8_443];

const listen = async (host: string, port: number): Promise<Canary | undefined> => await startCanary({ host, port }).catch(() => undefined);

const machineAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((list) => (list ?? []).filter(({ internal, scopeid }) => !internal && (scopeid ?? 0) === 0).map(({ address }) => address));

export async function startListeners(port: number): Promise<Listeners> {
  const same = await Promise.all(['127.0.0.77', '127.0.0.2', '::1', ...machineAddresses()].map(async (host) => await listen(host, port)));
  const usual = await Promise.all(USUAL_PORTS.map(async (each) => await listen('0.0.0.0', each)));
  const all = [...same, ...usual].filter((each) => each !== undefined);
  return {
    get connections() {
      return all.reduce((sum, each) => sum + each.connections, 0);
    },
    addresses: all.map(({ host, port: at }) => `${host}:${at}`),
    stop: async () => {
      for (const each of all) await each.stop();
    },
  };
}
