// One change that makes a delivery of an accepted activity one that must be refused, and with what.

import type { KeyObject } from 'node:crypto';
import type { Code } from '@sekisho/contracts';
import { type Activity, type CavageOptions, type ExactRequest, signCavage } from '../activitypub/index.ts';
import type { Delivery } from '../corpus/index.ts';

export interface MutationWorld {
  /** Our host. */
  readonly self: string;
  /** Host of somebody who has nothing to do with the activity. */
  readonly victim: string;
  /** Of the sender; Ed25519 is a good deal faster than RSA where nobody checks with Misskey's eyes. */
  readonly key?: KeyObject;
  readonly nowMs?: number;
}

export interface Mutation {
  readonly name: string;
  /** Codes that fit; the status of each is in the table of codes. */
  readonly codes: readonly Code[];
  applies(delivery: Delivery): boolean;
  request(delivery: Delivery, world: MutationWorld): ExactRequest;
}

type JsonMap = Record<string, unknown>;
/** Changes a copy of the activity. */
export type Change = (activity: JsonMap, world: MutationWorld & { readonly delivery: Delivery }) => void;

const always = (): boolean => true;

/** The delivery as it should be, with other options. */
export function signDelivery(delivery: Delivery, world: MutationWorld, options: Partial<CavageOptions> = {}): ExactRequest {
  const { self, key, nowMs } = world;
  const base = { body: delivery.body, host: self, keyId: delivery.keyId };
  return signCavage({ ...base, ...(key === undefined ? {} : { key }), ...(nowMs === undefined ? {} : { nowMs }), ...options });
}

/** A change of the activity, signed as if it were right. */
export const onActivity = (name: string, codes: readonly Code[], change: Change, applies: Mutation['applies'] = always): Mutation => ({
  name, codes, applies,
  request: (delivery, world) => {
    const activity = structuredClone(delivery.activity) as JsonMap;
    change(activity, { ...world, delivery });
    return signDelivery(delivery, world, { body: Buffer.from(JSON.stringify(activity)) });
  },
});

/** A change of the embedded object. */
export const onObject = (name: string, codes: readonly Code[], change: Change, applies: Mutation['applies']): Mutation =>
  onActivity(name, codes, (activity, world) => change(activity['object'] as JsonMap, world), applies);

/** A change of the bytes, signed as if they were right. */
export const onBytes = (name: string, codes: readonly Code[], change: (body: Buffer, world: MutationWorld) => Buffer, applies: Mutation['applies'] = always): Mutation => ({
  name, codes, applies,
  request: (delivery, world) => signDelivery(delivery, world, { body: change(delivery.body, world) }),
});

/** A change of the request around a right body. */
export const onRequest = (
  name: string,
  codes: readonly Code[],
  change: (delivery: Delivery, world: MutationWorld) => Partial<CavageOptions>,
  after: (request: ExactRequest, delivery: Delivery, world: MutationWorld) => ExactRequest = (request) => request,
): Mutation => ({
  name, codes, applies: always,
  request: (delivery, world) => after(signDelivery(delivery, world, change(delivery, world)), delivery, world),
});

const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value);
export const typeOf = (value: unknown): string => (isMap(value) ? String(first(value['type'])) : '');
export const isMap = (value: unknown): value is Activity => typeof value === 'object' && value !== null && !Array.isArray(value);

export const POSTS: ReadonlySet<string> = new Set(['Note', 'Question', 'Article', 'Audio', 'Document', 'Image', 'Page', 'Video', 'Event']);
export const ACTORS: ReadonlySet<string> = new Set(['Person', 'Service', 'Group', 'Organization', 'Application']);

export const ofType = (...types: readonly string[]): Mutation['applies'] => ({ activity }) => types.includes(typeOf(activity));
/** Creates of a post that is in the activity itself. */
export const isPost: Mutation['applies'] = ({ activity }) => typeOf(activity) === 'Create' && POSTS.has(typeOf(activity['object']));
export const isProfile: Mutation['applies'] = ({ activity }) => typeOf(activity) === 'Update' && ACTORS.has(typeOf(activity['object']));
/** Without a signature in the document: nobody else may deliver it. */
export const isPlain: Mutation['applies'] = ({ activity }) => activity['signature'] === undefined;
