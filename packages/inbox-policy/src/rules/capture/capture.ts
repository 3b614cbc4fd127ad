// Captured requests, one JSON object per line: written by the gateway for a share of all requests and for what a rule keeps
// back, read by `npm run rules -- replay`. A capture holds what the rules need, so that replaying needs no key, no network
// and none of the checks before the rules.

import { z } from 'zod';
import type { JsonObject, ReadActivity } from '../../types.ts';
import type { FieldFacts, LateFacts } from '../fields/fields.ts';
import { redactActivity } from './redact.ts';

/** A body is 64 KiB; as base64 beside its parsed form, with headers, it stays far below. */
const CAPTURE_LINE_CHARS_MAX = 512 * 1024;
const HEADERS_MAX = 200;

const jsonObject: z.ZodType<JsonObject> = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'must be an object');

const captureSchema = z.object({
  v: z.literal(1),
  /** When the request arrived. */
  at: z.iso.datetime(),
  /** false: the contents of the post were left out. */
  complete: z.boolean(),
  facts: z.object({
    target: z.string(),
    /** Flat, without Signature, Authorization and Cookie. */
    headers: z.array(z.string()).max(HEADERS_MAX * 2),
    keyHost: z.string(),
    client: z.string().optional(),
    actorAgeS: z.number().optional(),
    hostAgeS: z.number().optional(),
    relationship: z.object({ followedHere: z.boolean(), followsHere: z.boolean() }).optional(),
    software: z.object({
      name: z.string().optional(), version: z.string().optional(), openSignup: z.boolean().optional(), users: z.number().optional(), captcha: z.boolean().optional(), emailRequired: z.boolean().optional(),
    }).optional(),
  }),
  /** What the checks read; absent where the request was refused before the rules. */
  activity: z.object({
    type: z.string(), id: z.string(), actor: z.string(), actorHost: z.string(), objectType: z.string().optional(), object: z.string().optional(),
    hosts: z.array(z.string()), forwarded: z.boolean(), visibility: z.enum(['public', 'unlisted', 'followers', 'direct', 'unknown']), value: jsonObject,
  }).optional(),
  /** base64 of the exact bytes, for what was kept back. */
  body: z.base64().optional(),
  verdict: z.object({ decision: z.enum(['allow', 'deny', 'drop', 'quarantine']), code: z.string().optional(), rule: z.string().optional() }),
});
export type Capture = z.infer<typeof captureSchema>;

export interface CaptureInput {
  readonly arrivedMs: number;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly keyHost: string;
  readonly client?: string | undefined;
  /** As far as they were looked up. */
  readonly late?: LateFacts | undefined;
  readonly activity: ReadActivity | undefined;
  /** Only for what is kept back to be looked at: it holds everything. */
  readonly body?: Uint8Array | undefined;
  readonly verdict: Capture['verdict'];
}

/** What would let somebody send the request again as another, or in the name of a user. */
const SECRET_HEADERS: ReadonlySet<string> = new Set(['signature', 'signature-input', 'authorization', 'cookie', 'proxy-authorization']);

/** Contents stay only in what the world can read anyway, and in what is kept back with its body. */
export function createCapture(input: CaptureInput): Capture {
  const { activity, body, late = {} } = input;
  const isPublic = activity?.visibility === 'public' || activity?.visibility === 'unlisted';
  const complete = isPublic || body !== undefined;
  return {
    v: 1, at: new Date(input.arrivedMs).toISOString(), complete,
    facts: {
      target: input.target, headers: headersOf(input.rawHeaders), keyHost: input.keyHost,
      ...given('client', input.client), ...lateFacts(late),
    },
    ...(activity === undefined ? {} : { activity: captured(activity, complete) }),
    ...(body === undefined ? {} : { body: Buffer.from(body).toString('base64') }),
    verdict: input.verdict,
  };
}

const lateFacts = ({ firstSeen, relationship, software }: LateFacts): Partial<Capture['facts']> =>
  ({ ...given('actorAgeS', firstSeen?.actorAgeS), ...given('hostAgeS', firstSeen?.hostAgeS), ...given('relationship', relationship), ...given('software', software) });

const given = <K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } => (value === undefined ? {} : { [key]: value } as { [P in K]: T });

function headersOf(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < raw.length && kept.length < HEADERS_MAX * 2; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    if (!SECRET_HEADERS.has(name)) kept.push(name, raw[at + 1] ?? '');
  }
  return kept;
}

function captured({ type, id, actor, actorHost, objectType, object, hosts, forwarded, visibility, value }: ReadActivity, complete: boolean): NonNullable<Capture['activity']> {
  return {
    type, id, actor, actorHost, ...given('objectType', objectType), ...given('object', object), hosts: [...hosts], forwarded, visibility,
    value: complete ? value : redactActivity(value),
  };
}

export type ParsedCapture = { readonly ok: true; readonly capture: Capture } | { readonly ok: false; readonly detail: string };

export function parseCapture(line: string): ParsedCapture {
  if (line.length > CAPTURE_LINE_CHARS_MAX) return { ok: false, detail: `longer than ${CAPTURE_LINE_CHARS_MAX} characters` };
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch {
    return { ok: false, detail: 'not JSON' };
  }
  const parsed = captureSchema.safeParse(raw);
  if (parsed.success) return { ok: true, capture: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, detail: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a capture'}` };
}

export interface Replayable {
  readonly activity: ReadActivity;
  readonly facts: FieldFacts;
}

/** What the rules look at; undefined for a request that never came so far. */
export function replayable({ at, complete, facts, activity }: Capture): Replayable | undefined {
  if (activity === undefined) return undefined;
  return {
    activity: { ok: true, ...activity, objectType: activity.objectType, object: activity.object, hosts: new Set(activity.hosts) },
    facts: {
      requestHeaders: facts.headers, keyHost: facts.keyHost, clientNet: facts.client, firstSeen: { actorAgeS: facts.actorAgeS, hostAgeS: facts.hostAgeS },
      relationship: facts.relationship, software: facts.software,
      localHosts: new Set([hostOf(facts.headers)]), nowMs: Date.parse(at), redacted: !complete,
    },
  };
}

/** The instance as the sender called it: the Host of a request that passed is its own. */
function hostOf(headers: readonly string[]): string {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name === 'host');
  return (at === -1 ? '' : (headers[at + 1] ?? '')).replace(/:\d+$/, '').toLowerCase();
}
