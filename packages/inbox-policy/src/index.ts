// The inbox policy: from the facts of a request and its bytes to a verdict. Pure.
export type * from './types.ts';
export { readActivity } from './activity/read.ts';
export { hostOf } from './activity/references.ts';
export { sanitiseActivity } from './activity/sanitise.ts';
export { ACTOR_TYPES, isList, isObject, typeOf } from './activity/types.ts';
export { deny } from './denied.ts';
export { checkDigest } from './head/digest.ts';
export { readHead } from './head/read.ts';
export { type JsonLimits, parseStrictJson } from './json/parse.ts';
export { type InboxRoute, inboxRoute } from './route/route.ts';
export { parsePublicKey } from './signature/public-key.ts';
export { type SignedHeaders, type SignInput, signRequest } from './signature/sign.ts';
export { verifySignature } from './signature/verify.ts';
