// Names of hosts. Only *.origin.example and *.peer.example stand for the world: denied suffixes stay denied in tests.

import fc from 'fast-check';

/** One label of lower-case letters. */
export const hostLabel = (): fc.Arbitrary<string> => fc.stringMatching(/^[a-z]{1,8}$/);

/** A host of the simulated world. */
export const hostName = (): fc.Arbitrary<string> =>
  fc.tuple(fc.array(hostLabel(), { minLength: 1, maxLength: 3 }), fc.constantFrom('origin.example', 'peer.example'))
    .map(([labels, suffix]) => [...labels, suffix].join('.'));

const INTERNAL_SUFFIXES = ['local', 'localhost', 'internal', 'home.arpa', 'svc.cluster.local', 'onion', 'invalid'];

/** Names that lead inside: without a dot, or below a suffix that public DNS never answers. */
export const internalHost = (): fc.Arbitrary<string> =>
  fc.oneof(hostLabel(), fc.tuple(hostLabel(), fc.constantFrom(...INTERNAL_SUFFIXES)).map((parts) => parts.join('.')));
