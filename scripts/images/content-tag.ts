// A tag made of what goes into an image: the same content is the same tag, so nothing is built twice and a changed line
// is a new tag that a cluster pulls.

import { createHash } from 'node:crypto';

const DIGITS = 16;

export interface ImageContent {
  readonly service: string;
  readonly architecture: string;
  readonly nodeVersion: string;
  /** Id of the base image, not its name: a name may come to mean something else. */
  readonly baseId: string;
  /** Path and bytes of every file that decides the content: sources, lockfile, Dockerfile. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Starts with a letter: YAML and Helm take digits alone for a number. */
export function contentTag(content: ImageContent): string {
  const hash = createHash('sha256');
  // Length first: no two lists of parts give the same bytes.
  const add = (part: string | Buffer): void => void hash.update(`${Buffer.byteLength(part)}:`).update(part);
  for (const part of [content.service, content.architecture, content.nodeVersion, content.baseId]) add(part);
  for (const [path, bytes] of [...content.files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    add(path);
    add(bytes);
  }
  return `c${hash.digest('hex').slice(0, DIGITS)}`;
}
