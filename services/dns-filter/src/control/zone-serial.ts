// Which policy a running Unbound really has. Pure.

import { RPZ_ZONE_NAME } from '@sekisho/netguard/dns';

/** Newer versions (seen with 1.26.2) say after it since when they have the zone: `<tab> since 1795571806 2026-11-25T01:56:46`. */
const SERIAL = /\tserial (\d{1,10})(?:\t since \d{1,12} [\d:TZ.+-]{1,40})?\s*$/;

/** The serial in the answer to `list_auth_zones`; undefined when the zone is not there or expired. */
export function loadedSerial(answer: string): number | undefined {
  const line = answer.split('\n').find((text) => text.startsWith(`${RPZ_ZONE_NAME}\t`));
  const serial = SERIAL.exec(line ?? '')?.[1];
  return serial === undefined ? undefined : Number(serial);
}
