// Which policy a running Unbound really has. Pure.

import { RPZ_ZONE_NAME } from '@sekisho/netguard/dns';

/** The serial in the answer to `list_auth_zones`; undefined when the zone is not there or expired. */
export function loadedSerial(answer: string): number | undefined {
  const line = answer.split('\n').find((text) => text.startsWith(`${RPZ_ZONE_NAME}\t`));
  const serial = /\tserial (\d{1,10})\s*$/.exec(line ?? '')?.[1];
  return serial === undefined ? undefined : Number(serial);
}
