// The file of denied networks.

import { readFileSync, statSync } from 'node:fs';
import { CIDR_LIST_BYTES_MAX } from '@sekisho/netguard';

/** Text of the file; undefined when it is missing, unreadable or too large. */
export function readDenyFile(path: string): string | undefined {
  try {
    return statSync(path).size > CIDR_LIST_BYTES_MAX ? undefined : readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
