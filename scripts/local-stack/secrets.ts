import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SecretFiles {
  readonly internalToken: string;
  readonly cacheKey: string;
  readonly isolationKey: string;
}

/** Keys of the local stack, made once and kept, readable by the owner alone. */
export function ensureSecrets(folder: string): SecretFiles {
  const file = (name: string): string => ensureFile(folder, name, () => randomBytes(32).toString('hex'));
  return { internalToken: file('internal-token'), cacheKey: file('cache-key'), isolationKey: file('isolation-key') };
}

/** Key of the actor that signs key fetches. Only where signatures are checked: making it takes a good part of a second. */
export const ensureActorKey = (folder: string): string =>
  ensureFile(folder, 'inbox-actor-key.pem', () => generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());

function ensureFile(folder: string, name: string, make: () => string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  if (!existsSync(path)) writeFileSync(path, make(), { mode: 0o600 });
  return path;
}
