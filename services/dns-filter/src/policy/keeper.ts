// The policy that Unbound shall have, and what makes sure that it has it. A running Unbound reads the zone anew under one
// lock, so no query meets half a policy; its cache stays, for each cached answer is judged again.

import { type DeniedOptions, RPZ_ZONE_NAME, type RpzZone, rpzZone } from '@sekisho/netguard/dns';
import { sendCommand } from '../control/client.ts';
import { loadedSerial } from '../control/zone-serial.ts';
import type { FilterFiles } from '../render/files.ts';

export interface KeeperOptions {
  readonly files: FilterFiles;
  /** What is denied and exempted besides the denied networks. */
  readonly fixed: Omit<DeniedOptions, 'denyCidrs'>;
  /** Undefined when Unbound takes the configuration and the staged zone. */
  readonly problemOf: (confFile: string) => Promise<string | undefined>;
}

export interface PolicyKeeper {
  /** Rules about addresses in place. */
  readonly addressRules: number;
  /** Puts the policy in place; the old one stays when it fails. @throws Error with what Unbound says about it. */
  set(denyCidrs: readonly string[]): Promise<void>;
  /** Has the running Unbound loaded the policy in place? It is told to where it has not. Never rejects. */
  ensureLoaded(): Promise<boolean>;
}

export function createPolicyKeeper({ files, fixed, problemOf }: KeeperOptions): PolicyKeeper {
  let wanted: RpzZone | undefined;
  let inPlace: RpzZone | undefined;
  let last: Promise<void> = Promise.resolve();
  const put = async (): Promise<void> => {
    const zone = wanted;
    if (zone === undefined || zone === inPlace) return;
    files.stage(zone);
    const problem = await problemOf(files.checkFile);
    if (problem !== undefined) throw new Error(problem);
    files.install();
    inPlace = zone;
  };
  // One after the other: they share the staged file.
  const putNext = (): Promise<void> => {
    const next = last.then(put);
    last = next.catch(() => undefined);
    return next;
  };
  const isLoaded = async (): Promise<boolean> =>
    inPlace !== undefined && loadedSerial(await sendCommand(files.controlSocket, 'list_auth_zones')) === inPlace.serial;
  return {
    get addressRules() {
      return inPlace?.addressRules ?? 0;
    },
    set: async (denyCidrs) => {
      wanted = rpzZone({ ...fixed, denyCidrs });
      await putNext();
    },
    ensureLoaded: async () => {
      // A check that was too slow, or a full disk, is tried again.
      await putNext().catch(() => undefined);
      try {
        if (await isLoaded()) return true;
        await sendCommand(files.controlSocket, `auth_zone_reload ${RPZ_ZONE_NAME}`);
        return await isLoaded();
      } catch {
        return false;
      }
    },
  };
}
