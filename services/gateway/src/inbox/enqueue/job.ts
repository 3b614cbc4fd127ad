// The job that Misskey's worker takes for an activity that came over HTTP. The worker checks the signature over
// `signingString` once more, with the key of the actor, and never sees headers or digest: those were checked here.

import type { InboxHead, JsonObject, ParsedSignature, SignatureAlgorithm } from '@sekisho/inbox-policy';

const WEEK_S = 7 * 24 * 3_600;
/** Misskey's own; attempts are its default of inboxJobMaxAttempts. */
const OPTIONS = {
  attempts: 8,
  backoff: { type: 'custom' },
  removeOnComplete: { age: WEEK_S, count: 30 },
  removeOnFail: { age: WEEK_S, count: 100 },
} as const;

/** Ids of our jobs begin with this, so that the Redis user may write these jobs and no others. */
export const JOB_ID_PREFIX = 'sekisho-';

/** `algorithm` is in lower case in the parameters and in upper case beside them, as the library of Misskey leaves it. */
export interface JobSignature {
  readonly scheme: 'Signature';
  readonly params: { readonly keyId: string; readonly algorithm: string; readonly headers: readonly string[]; readonly signature: string };
  readonly signingString: string;
  readonly algorithm: string;
  readonly keyId: string;
}

export interface InboxJob {
  readonly name: string;
  readonly data: { readonly activity: JsonObject; readonly signature: JobSignature };
  readonly opts: typeof OPTIONS & { readonly jobId: string };
}

/**
 * Misskey's verifier wants key type and hash in one name, and knows Ed25519 by `hs2019` as well: the key decides. So it does
 * for RFC 9421 without `alg`.
 */
const ALGORITHMS: Readonly<Record<SignatureAlgorithm, string>> = {
  'rsa-sha256': 'rsa-sha256', 'rsa-sha512': 'rsa-sha512', hs2019: 'hs2019', ed25519: 'hs2019',
};

/**
 * @param activity whitelisted keys only, `actor` a string. Never one that somebody else forwards: its own signature is over
 * the document as it was.
 */
export function buildJob(activity: JsonObject, { signature, replayKey }: Pick<InboxHead, 'signature' | 'replayKey'>): InboxJob {
  const id = typeof activity['id'] === 'string' ? activity['id'] : '';
  return {
    name: id.replace('https://', '').replace('/activity', ''),
    data: { activity, signature: jobSignature(signature) },
    // Of what was signed: the same signed bytes are one job, and what is signed anew is another.
    opts: { ...OPTIONS, jobId: `${JOB_ID_PREFIX}${replayKey}` },
  };
}

function jobSignature({ keyId, algorithm, covered, signature, signingString }: ParsedSignature): JobSignature {
  const name = ALGORITHMS[algorithm];
  return { scheme: 'Signature', params: { keyId, algorithm: name, headers: covered, signature }, signingString, algorithm: name.toUpperCase(), keyId };
}
