// Border gateway -> fetcher: POST /v1/fetch on 8081. The request is JSON of at most 16 KiB; the answer is always 200 with
// the outcome in a header and, for streams, the body. The gateway believes the outcome's shape only after parsing it here.

import { z } from 'zod';
import { CODE_NAMES, type Code } from './codes.ts';
import { DOCUMENT_KINDS, DOCUMENT_URL_CHARS_MAX, DOCUMENTS } from './document.ts';
import { idSchema, requestIdSchema } from './ids.ts';
import { LIMITS } from './limits.ts';

/**
 * `document` came later and raised nothing: a request with it is no request to a fetcher that does not know it, whose answer
 * (SEKISHO_CONTRACT_INVALID) the gateway takes for "cannot be fetched now", and nobody is sent such an outcome unasked.
 */
export const FETCH_VERSION = 1;
export const FETCH_PATH = '/v1/fetch';
export const FETCH_REQUEST_BYTES_MAX = 16 * 1024;
export const OUTCOME_HEADER = 'sekisho-outcome';
/** Length of the base64url text. */
export const OUTCOME_CHARS_MAX = 4 * 1024;

const rangeSchema = z.string().max(64).regex(/^bytes=(?:\d{1,15}-\d{0,15}|-\d{1,15})$/);
const hopEntrySchema = z.string().min(1).max(LIMITS.loopBytesMax);

/** No fragment, and nothing that JSON would escape: it comes back in the outcome. */
const documentUrlSchema = z.string().max(DOCUMENT_URL_CHARS_MAX).regex(/^https:\/\/[\x21\x24-\x5b\x5d-\x7e]+$/);

/** Headers with which our own actor signs a GET: exactly what is sent, so nothing else can be smuggled in. */
const signedSchema = z.strictObject({
  date: z.string().regex(/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/),
  /** RSA of 2,048 to 8,192 bits. */
  signature: z.string().max(2_048)
    .regex(/^keyId="https:\/\/[\x21\x23-\x5b\x5d-\x7e]{1,512}",algorithm="(?:rsa-sha256|hs2019)",headers="\(request-target\) host date",signature="[A-Za-z0-9+/]{342,1366}={0,2}"$/),
});
export type SignedGet = z.infer<typeof signedSchema>;

const requestShape = z.strictObject({
  v: z.literal(FETCH_VERSION),
  requestId: requestIdSchema,
  url: z.string().min(1).max(LIMITS.urlBytesMax),
  /** `auto`: a picture that the asked mode transforms is stored, everything else streams. */
  want: z.enum(['stream', 'store', 'auto', 'document']),
  /** With `document`, and only there: what may come. */
  accept: z.enum(DOCUMENT_KINDS).optional(),
  /** With `accept: 'activity'`: sent as they are, on the first hop only. */
  signed: signedSchema.optional(),
  /** With `auto`: also store pictures that pass as they are only up to a size (animations in emoji mode). Absent: store convertible pictures. */
  storeTypes: z.array(z.string().max(64)).max(16).optional(),
  range: rangeSchema.optional(),
  /** Strong or weak validator a range must belong to. */
  ifRange: z.string().max(256).optional(),
  sourceId: idSchema,
  loop: z.strictObject({
    via: z.array(hopEntrySchema).max(LIMITS.loopEntriesMax),
    cdnLoop: z.array(hopEntrySchema).max(LIMITS.loopEntriesMax),
  }),
  limits: z.strictObject({
    bytesMax: z.int().min(1).max(1024 * 1024 * 1024),
    deadlineMs: z.int().min(1).max(600_000),
  }),
});
export type FetchRequest = z.infer<typeof requestShape>;

export const fetchRequestSchema = requestShape.superRefine((request, context) => {
  const problem = request.want === 'document' ? documentProblem(request) : mediaProblem(request);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

const mediaProblem = ({ accept, signed }: FetchRequest): string | undefined =>
  accept === undefined && signed === undefined ? undefined : 'accept and signed belong to documents';

function documentProblem(request: FetchRequest): string | undefined {
  const { accept, limits } = request;
  if (accept === undefined) return 'a document without accept';
  if (request.range !== undefined || request.ifRange !== undefined || request.storeTypes !== undefined) return 'a part of a document';
  if (request.signed !== undefined && accept !== 'activity') return 'only activities are asked for under a signature';
  if (!documentUrlSchema.safeParse(request.url).success) return 'the URL of a document is https, without fragment, of at most 2,048 characters';
  const { bytesMax, deadlineMs } = DOCUMENTS[accept];
  return limits.bytesMax > bytesMax || limits.deadlineMs > deadlineMs ? 'limits above those of the document' : undefined;
}

const originSchema = z.string().max(300).regex(/^https?:\/\/[^/?#@\s]+$/);
const typeSchema = z.string().max(64).regex(/^[a-z]+\/[a-z0-9.+-]+$/);
const bytesSchema = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const sideSchema = z.int().min(0).max(0xffff_ffff);

const streamOutcomeSchema = z.strictObject({
  kind: z.literal('stream'),
  status: z.union([z.literal(200), z.literal(206)]),
  type: typeSchema,
  length: bytesSchema.optional(),
  contentRange: z.strictObject({ start: bytesSchema, end: bytesSchema, total: bytesSchema }).optional(),
  /** ETag or Last-Modified of the upstream, as it came. */
  validator: z.string().max(256).optional(),
  /** Upstream's suggestion for the file name, decoded; untrusted text. */
  fileName: z.string().max(255).optional(),
  /** Of a picture that streams: what its header says. */
  width: sideSchema.optional(),
  height: sideSchema.optional(),
  finalOrigin: originSchema,
});
const storedOutcomeSchema = z.strictObject({
  kind: z.literal('stored'),
  sourceId: idSchema,
  bytes: bytesSchema,
  type: typeSchema,
  width: sideSchema,
  height: sideSchema,
  framesAtLeast: z.int().min(1).max(0xffff_ffff),
  fileName: z.string().max(255).optional(),
  finalOrigin: originSchema,
});
/** The whole document follows as the body. */
const documentOutcomeSchema = z.strictObject({
  kind: z.literal('document'),
  status: z.literal(200),
  type: z.enum([...new Set(Object.values(DOCUMENTS).flatMap(({ types }) => types))]),
  bytes: z.int().min(0).max(DOCUMENTS.list.bytesMax),
  finalUrl: documentUrlSchema,
});
const refusalSchema = z.strictObject({
  kind: z.enum(['deny', 'fault']),
  code: z.enum(CODE_NAMES as [Code, ...Code[]]),
  upstreamStatus: z.int().min(400).max(499).optional(),
  retryAfterS: z.int().min(0).max(3_600).optional(),
});

export const fetchOutcomeSchema = z.discriminatedUnion('kind', [
  streamOutcomeSchema,
  storedOutcomeSchema,
  documentOutcomeSchema,
  refusalSchema,
]);
export type FetchOutcome = z.infer<typeof fetchOutcomeSchema>;
export type StreamOutcome = z.infer<typeof streamOutcomeSchema>;
export type StoredOutcome = z.infer<typeof storedOutcomeSchema>;
export type DocumentOutcome = z.infer<typeof documentOutcomeSchema>;
/** Whether a URL after redirects can be told in an outcome. */
export const isDocumentUrl = (url: string): boolean => documentUrlSchema.safeParse(url).success;
export type RefusalOutcome = z.infer<typeof refusalSchema>;

/** Outcome as the text of the header. */
export const encodeOutcome = (outcome: FetchOutcome): string =>
  Buffer.from(JSON.stringify(fetchOutcomeSchema.parse(outcome))).toString('base64url');

export type ParsedOutcome =
  | { readonly ok: true; readonly outcome: FetchOutcome }
  | { readonly ok: false; readonly code: Code; readonly detail: string };

/** Text of the header as an outcome; never throws. */
export function parseOutcome(header: string | undefined): ParsedOutcome {
  if (header === undefined || header.length > OUTCOME_CHARS_MAX || !/^[A-Za-z0-9_-]+$/.test(header)) {
    return { ok: false, code: 'SEKISHO_CONTRACT_INVALID', detail: 'outcome header missing, too long or no base64url' };
  }
  const value = parseJson(Buffer.from(header, 'base64url').toString('utf8'));
  const parsed = fetchOutcomeSchema.safeParse(value);
  return parsed.success
    ? { ok: true, outcome: parsed.data }
    : { ok: false, code: 'SEKISHO_CONTRACT_INVALID', detail: z.prettifyError(parsed.error).slice(0, 300) };
}

export type ParsedFetchRequest =
  | { readonly ok: true; readonly request: FetchRequest }
  | { readonly ok: false; readonly code: Code; readonly detail: string };

/** Body text as a request; an unknown version has its own code, so that a half-done rollout is visible. */
export function parseFetchRequest(body: string): ParsedFetchRequest {
  const value = parseJson(body);
  const parsed = fetchRequestSchema.safeParse(value);
  if (parsed.success) return { ok: true, request: parsed.data };
  const version = typeof value === 'object' && value !== null && 'v' in value ? value.v : undefined;
  const code = version !== undefined && version !== FETCH_VERSION ? 'SEKISHO_CONTRACT_VERSION' : 'SEKISHO_CONTRACT_INVALID';
  return { ok: false, code, detail: z.prettifyError(parsed.error).slice(0, 300) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
