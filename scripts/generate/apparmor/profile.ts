// The AppArmor profile of the image-worker, whose name changes with its content: nodes can hold the profiles of two
// versions while one replaces the other, and a pod that names a profile gets exactly what it was tested with.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What every name begins with; 12 hexadecimal digits follow. */
export const PROFILE_PREFIX = 'image-worker-';
const PLACEHOLDER = '@@PROFILE@@';
const HASH_LENGTH = 12;

export interface AppArmorProfile {
  /** Of the worker. The decoder's is `<name>//decoder`, the label of a running decoder `<name>//&<name>//decoder`. */
  readonly name: string;
  readonly text: string;
}

/** @param template text with a placeholder wherever the name belongs; the hash is taken over it, so the name is not its own cause. */
export function renderProfile(template: string): AppArmorProfile {
  const name = `${PROFILE_PREFIX}${createHash('sha256').update(template).digest('hex').slice(0, HASH_LENGTH)}`;
  return { name, text: withName(template, name) };
}

/** The same rules under a name of the caller's choice. */
export const withName = (template: string, name: string): string => template.replaceAll(PLACEHOLDER, name);

export const readTemplate = (): string => readFileSync(join(import.meta.dirname, 'image-worker.template'), 'utf8');

/** The name alone is a file of its own for those who write it into values or look for it on a node. */
export function apparmorFiles(): readonly { readonly path: string; readonly text: string }[] {
  const { name, text } = renderProfile(readTemplate());
  return [
    { path: 'k8s/apparmor/image-worker', text },
    { path: 'k8s/apparmor/image-worker.name', text: `${name}\n` },
  ];
}
