// The followed file of denied networks.

import { CIDR_LIST_BYTES_MAX, parseCidrList } from '@sekisho/netguard';
import { ConfigError, type Followed, fileSource, followFile, type Logger } from '@sekisho/runtime';

export interface DenyFileOptions {
  readonly path: string;
  readonly log: Logger;
  /** Puts a new list in place. Rejects when that fails; the old one stays. */
  readonly onChange: (cidrs: readonly string[]) => Promise<void>;
  readonly onReload: (result: 'ok' | 'failed') => void;
  readonly pollMs?: number | undefined;
}

/** Loads the file and follows it. @throws ConfigError: a filter without its list would be open where it was meant to be closed. */
export async function followDenyFile(options: DenyFileOptions): Promise<Followed<readonly string[]>> {
  const { log, onReload } = options;
  const failed = (detail: string): void => {
    onReload('failed');
    log.error({ detail }, 'denied networks not loaded, the old list stays');
  };
  const apply = async (cidrs: readonly string[]): Promise<void> => {
    await options.onChange(cidrs);
    onReload('ok');
    log.info({ prefixes: cidrs.length }, 'denied networks loaded');
  };
  let last: Promise<void> = Promise.resolve();
  try {
    return await followFile({
      source: fileSource(options.path, CIDR_LIST_BYTES_MAX),
      parse: parseCidrList,
      pollMs: options.pollMs,
      onReload: (reloaded) => {
        if (!reloaded.ok) return failed(reloaded.detail);
        // One after the other, so that the newest list is the last one put in place.
        last = last.then(() => apply(reloaded.value)).catch((error: unknown) => failed(String(error)));
      },
    });
  } catch (error) {
    throw new ConfigError('dns-filter', [`SEKISHO_DENY_CIDRS_FILE: ${error instanceof Error ? error.message : String(error)}`]);
  }
}
