// Brings one Secret to what is wanted, through the API server. Somebody else may do the same at the same time: a conflict
// is read anew, and what is written is only ever written to the version that was read.

import { type KubeAnswer, type KubeAsking } from './kube-api.ts';
import { type Data, type Ingredients, type WantedSecret, lackingData, lackingKeys } from './secret-data.ts';

const ROUNDS_MAX = 5;

export interface Store {
  readonly ask: (asking: KubeAsking) => Promise<KubeAnswer>;
  readonly namespace: string;
  readonly labels: Data;
  readonly ingredients: Ingredients;
}

export type Ensured = 'made' | 'completed' | 'complete';

/** Says what to do; its message is for the operator. */
export class SecretProblem extends Error {}

/** @throws SecretProblem when only a person can help; anything else may pass with another attempt. */
export async function ensureSecret(store: Store, wanted: WantedSecret): Promise<Ensured> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const done = await tryOnce(store, wanted);
    if (done !== undefined) return done;
  }
  throw new Error(`Secret ${wanted.name}: changed by somebody else ${ROUNDS_MAX} times in a row`);
}

/** Undefined: somebody was faster. */
async function tryOnce(store: Store, wanted: WantedSecret): Promise<Ensured | undefined> {
  const path = `/api/v1/namespaces/${store.namespace}/secrets`;
  const found = await store.ask({ method: 'GET', path: `${path}/${wanted.name}` });
  if (found.status === 404) {
    return settle(wanted, await store.ask({ method: 'POST', path, body: newSecret(store, wanted) }), { status: 201, done: 'made' });
  }
  if (found.status !== 200) throw refused(wanted, 'read', found);
  const { present, version } = readSecret(wanted, found.body);
  if (lackingKeys(wanted, present, store.ingredients.aclTemplate).length === 0) return 'complete';
  const body = { metadata: { resourceVersion: version }, data: encode(dataFor(store, wanted, present)) };
  return settle(wanted, await store.ask({ method: 'PATCH', path: `${path}/${wanted.name}`, body }), { status: 200, done: 'completed' });
}

function settle(wanted: WantedSecret, answer: KubeAnswer, hoped: { readonly status: number; readonly done: Ensured }): Ensured | undefined {
  if (answer.status === hoped.status) return hoped.done;
  if (answer.status === 409) return undefined;
  throw refused(wanted, hoped.done === 'made' ? 'create' : 'patch', answer);
}

function dataFor({ ingredients }: Store, wanted: WantedSecret, present: Data): Data {
  const lacking = lackingData(wanted, present, ingredients);
  if (!lacking.ok) throw new SecretProblem(`Secret ${wanted.name} ${lacking.problem}.`);
  return lacking.data;
}

const newSecret = (store: Store, wanted: WantedSecret): unknown => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'Opaque',
  metadata: {
    name: wanted.name,
    namespace: store.namespace,
    labels: store.labels,
    // Not an object of the release, so nothing removes it; the mark is for whoever adopts it into one.
    annotations: { 'helm.sh/resource-policy': 'keep' },
  },
  data: encode(dataFor(store, wanted, {})),
});

const encode = (data: Data): Data =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));

function readSecret(wanted: WantedSecret, body: unknown): { readonly present: Data; readonly version: string } {
  const data = member(body, 'data') ?? {};
  const version = member(member(body, 'metadata'), 'resourceVersion');
  if (typeof data !== 'object' || typeof version !== 'string') throw new Error(`Secret ${wanted.name}: the API server's answer is no Secret`);
  const present = Object.entries(data).map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString()]);
  return { present: Object.fromEntries(present) as Data, version };
}

function refused(wanted: WantedSecret, verb: string, { status, body }: KubeAnswer): Error {
  const message = member(body, 'message');
  const text = `the API server answered ${status} to ${verb} Secret ${wanted.name}${typeof message === 'string' ? `: ${message.slice(0, 500)}` : ''}`;
  // Overload and restarts pass; a refusal does not.
  return status === 429 || status >= 500 ? new Error(text) : new SecretProblem(text);
}

const member = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
