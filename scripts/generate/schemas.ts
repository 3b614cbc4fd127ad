// Which variables each program really reads: the keys of the zod schema in its config files. Read as text, because a
// configuration file is private to its service and importing it would not tell more.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '@sekisho/contracts';

const CONFIG_FILES: Readonly<Partial<Record<ServiceName, readonly string[]>>> = {
  gateway: ['services/gateway/src/config.ts', 'services/gateway/src/inbox/inbox-config.ts'],
  fetcher: ['services/fetcher/src/config.ts'],
  'image-worker': ['services/image-worker/src/config.ts'],
  'egress-proxy': ['services/egress-proxy/src/config.ts'],
  'dns-filter': ['services/dns-filter/src/config.ts'],
  'local-stack': ['scripts/local-stack/options.ts'],
};

export interface Schema {
  readonly service: ServiceName;
  readonly names: readonly string[];
}

/** Variables per program; a program whose file is not there is left out. */
export const readSchemas = (root: string): readonly Schema[] =>
  Object.entries(CONFIG_FILES).flatMap(([service, paths]) => {
    const places = paths.map((path) => join(root, path));
    if (!places.every((place) => existsSync(place)) || !isService(service)) return [];
    return [{ service, names: namesIn(places.map((place) => readFileSync(place, 'utf8')).join('\n')) }];
  });

/** Keys of a schema (`SEKISHO_X: …`) and names that are handed on as they are (`'SEKISHO_X'`). */
export const namesIn = (text: string): readonly string[] =>
  [...new Set([...text.matchAll(/^ +(SEKISHO_[A-Z_]+): |'(SEKISHO_[A-Z_]+)'/gm)].flatMap((match) => match[1] ?? match[2] ?? []))];

const isService = (name: string): name is ServiceName => Object.hasOwn(CONFIG_FILES, name);
