// SEKISHO_LIMITS_FILE: checked at the start, followed while the gateway runs.

import { readFileSync, statSync } from 'node:fs';
import { ConfigError, type Followed, type Reloaded, errorCode, fileSource, fixedValue, followFile } from '@sekisho/runtime';
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from './limits.ts';
import { LIMITS_FILE_BYTES_MAX, parseLimitsFile } from './parse.ts';

export type FollowedLimits = Followed<GatewayLimits>;

/** @throws ConfigError when the file cannot be read or is not valid. */
export function checkLimitsFile(path: string): void {
  try {
    if (statSync(path).size > LIMITS_FILE_BYTES_MAX) throw new Error(`the file is larger than ${LIMITS_FILE_BYTES_MAX} bytes`);
    parseLimitsFile(readFileSync(path, 'utf8'));
  } catch (error) {
    const code = errorCode(error);
    const detail = error instanceof Error ? error.message : String(error);
    throw new ConfigError('gateway', [`SEKISHO_LIMITS_FILE: ${code === undefined ? detail : `the file cannot be read (${code})`}`]);
  }
}

/** Without a path the defaults. `onReload` hears of each changed file. @throws Error when the first load fails. */
export async function openLimits(path: string | undefined, onReload: (reloaded: Reloaded<GatewayLimits>) => void): Promise<FollowedLimits> {
  if (path === undefined) return fixedValue(DEFAULT_GATEWAY_LIMITS);
  return await followFile({ source: fileSource(path, LIMITS_FILE_BYTES_MAX), parse: parseLimitsFile, onReload });
}
