// Requests for media: targets of /media and /proxy with their parameters in any order and number.

import fc from 'fast-check';
import { hostileUrl } from './urls.ts';

const FLAGS = ['emoji', 'avatar', 'static', 'preview', 'badge', 'fallback', 'origin', 'unknown'];

const parameter = (url: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    url.map((text) => `url=${encodeURIComponent(text.toWellFormed())}`),
    fc.tuple(fc.constantFrom(...FLAGS), fc.constantFrom('', '=', '=1', '=0', '=%00')).map((parts) => parts.join('')),
  );

/** Query string without `?`: the URLs given and flags, repeated or missing. */
export const mediaQuery = (url: fc.Arbitrary<string> = hostileUrl()): fc.Arbitrary<string> =>
  fc.array(parameter(url), { maxLength: 5 }).map((parts) => parts.join('&'));

/** Request target of a media route. */
export const mediaTarget = (url?: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom('/media', '/proxy', '/media/', '/proxy/image.webp', '/proxy/a/../b.png'), mediaQuery(url))
    .map(([path, query]) => (query === '' ? path : `${path}?${query}`));
