// URLs, honest and hostile.

import fc from 'fast-check';
import { anyAddress } from './addresses.ts';

/** A valid http(s) URL with query and fragment. */
export const webUrl = (): fc.Arbitrary<string> => fc.webUrl({ withFragments: true, withQueryParameters: true });

/** http(s) URL whose host is an address, in every notation that URL parsers take. */
export const literalUrl = (): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom('http', 'https'), fc.oneof(fc.ipV4Extended(), anyAddress()))
    .map(([scheme, host]) => `${scheme}://${host.includes(':') ? `[${host}]` : host}/`);

const HOST_NOISE = ['a', '.', ':', '@', '/', '1', '0x7f', '[', ']', '%', '。', '\\', '#'];
const URL_PIECES = ['https://site.example/', '/proxy/', '?url=', '&', '%', '\\', '\0', '@', 'file:', 'https://'];

/** Anything that may stand where a URL is expected. */
export const hostileUrl = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ maxLength: 60 }),
    webUrl(),
    literalUrl(),
    fc.tuple(fc.constantFrom('http://', 'https://', 'HTTPS:', '//'), fc.string({ unit: fc.constantFrom(...HOST_NOISE), maxLength: 20 })).map((parts) => parts.join('')),
    fc.array(fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom(...URL_PIECES)), { maxLength: 6 }).map((parts) => parts.join('')),
  );
