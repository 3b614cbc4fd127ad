// The configuration as Misskey reads it since 2026: the compiled JSON beside the packages, or the file that tests put in
// its place.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const BUILT = '/misskey/built';

export interface StoreSettings {
  readonly host: string;
  readonly port: number;
}

export interface MisskeyConfig {
  readonly url: string;
  readonly port: number;
  readonly mediaProxy: string;
  readonly db: StoreSettings & { readonly db: string; readonly user: string; readonly pass: string };
  readonly redis: StoreSettings & { readonly pass?: string };
}

export function readConfig(): MisskeyConfig {
  const [file = ''] = ['._config_.json', '.config.json'].map((name) => join(BUILT, name)).filter((path) => existsSync(path));
  return JSON.parse(readFileSync(file, 'utf8')) as MisskeyConfig;
}
