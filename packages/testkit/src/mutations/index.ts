import { BYTE_MUTATIONS } from './bytes.ts';
import { IDENTITY_MUTATIONS } from './identity.ts';
import type { Mutation } from './mutation.ts';
import { OBJECT_MUTATIONS } from './objects.ts';
import { REQUEST_MUTATIONS } from './requests.ts';

export { type Mutation, type MutationWorld, signDelivery } from './mutation.ts';

/** All of them; none leaves a delivery acceptable. Those of the request come first. */
export const MUTATIONS: readonly Mutation[] = [...REQUEST_MUTATIONS, ...BYTE_MUTATIONS, ...IDENTITY_MUTATIONS, ...OBJECT_MUTATIONS];
