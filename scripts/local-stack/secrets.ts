import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SecretFiles {
  readonly internalToken: string;
  readonly cacheKey: string;
  readonly isolationKey: string;
}

/** Keys of the local stack, made once and kept, readable by the owner alone. */
export function ensureSecrets(folder: string): SecretFiles {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = (name: string): string => {
    const path = join(folder, name);
    if (!existsSync(path)) writeFileSync(path, randomBytes(32).toString('hex'), { mode: 0o600 });
    return path;
  };
  return { internalToken: file('internal-token'), cacheKey: file('cache-key'), isolationKey: file('isolation-key') };
}
