// Does the child answer on its port?

import { Resolver } from 'node:dns/promises';
import type { Endpoint } from '@sekisho/netguard';
import { READY_NAME, READY_TEXT } from '@sekisho/netguard/dns';

const ASK_MS = 500;

/** Asks for the record that the filter answers itself, over UDP. Never rejects. */
export async function answersItself({ address, port }: Endpoint): Promise<boolean> {
  const resolver = new Resolver({ timeout: ASK_MS, tries: 1 });
  resolver.setServers([address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`]);
  const timer = setTimeout(() => resolver.cancel(), ASK_MS);
  try {
    return (await resolver.resolveTxt(READY_NAME)).some(([text]) => text === READY_TEXT);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
