export { type Activity, type ActivityWorld, legitimateActivities } from './activities.ts';
export { TEST_KEY_NAMES, type TestKey, type TestKeyName, testKey } from './keys.ts';
export { COVERED, type CavageOptions, type ExactRequest, type Header, type Rfc9421Options, sha256, signCavage, signRfc9421, withHeader } from './request.ts';
export { type WireAnswer, type WireTarget, bytesOf, sendExact } from './wire.ts';
