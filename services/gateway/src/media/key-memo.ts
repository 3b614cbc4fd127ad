// Keys of pictures that are asked again and again: a page's readers all ask the same, and hashing is a part of a hit.

import type { GatewayLimits } from '../limits-file/limits.ts';
import type { MediaRequest } from './types.ts';

/** About 600 bytes each at most. */
const ENTRIES_MAX = 4_096;
const URL_CHARS_MAX = 384;

type Asked = Pick<MediaRequest, 'mode' | 'url'>;
type KeyOf = (request: Asked, limits: GatewayLimits) => string;

/** `keyOf` that remembers, for as long as the limits stay the same object. */
export function createKeyMemo(keyOf: KeyOf): KeyOf {
  let made = new Map<string, string>();
  let madeWith: GatewayLimits | undefined;
  return (request, limits) => {
    if (limits !== madeWith) {
      made = new Map();
      madeWith = limits;
    }
    const name = `${request.mode} ${request.url}`;
    const known = made.get(name);
    if (known !== undefined) return known;
    const key = keyOf(request, limits);
    if (request.url.length > URL_CHARS_MAX) return key;
    const oldest = made.size >= ENTRIES_MAX ? made.keys().next().value : undefined;
    if (oldest !== undefined) made.delete(oldest);
    made.set(name, key);
    return key;
  };
}
