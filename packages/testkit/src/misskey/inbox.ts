// Misskey's inbox as observed from outside: which requests it takes, in which order it looks, and what it never answers.

import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parseSignature } from './signature.ts';
import { type StubRequest, type StubState, readBody } from './state.ts';

const BODY_BYTES_MAX = 65_536;
const JOBS_MAX = 5_000;
/** 5,000 levels were taken and 30,000 made the queue's JSON.stringify overflow; where between depends on the stack. */
const DEPTH_MAX = 10_000;
const DIGEST = /^([a-zA-Z0-9-]+)=(.+)$/;

/**
 * Whether the router leads a POST of this target to an inbox. It decodes the path first, all but reserved characters, and
 * the query does not count; dots, double slashes and matrix parameters are left as they are.
 */
export function isInbox(target: string): boolean {
  const [path = ''] = target.split(/[?#]/, 1);
  try {
    return /^\/(?:users\/[^/]+\/)?inbox$/.test(decodeURI(path.replaceAll('%25', '%2525')));
  } catch {
    return false;
  }
}

export interface InboxCall {
  readonly state: StubState;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly record: StubRequest;
}

export async function receiveActivity(call: InboxCall): Promise<void> {
  const { state, req, res, record } = call;
  const type = (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isActivity = type === 'application/activity+json' || type === 'application/ld+json';
  const isHanging = type === 'application/json' || type === 'text/plain';
  if (!isActivity && !isHanging) return cutOff(call, 415);
  if (Number(req.headers['content-length'] ?? 0) > BODY_BYTES_MAX) return cutOff(call, 413);
  const body = await readBody(req, record, { bytesMax: BODY_BYTES_MAX, delayMs: state.inboxReadDelayMs });
  if (body === 'gone') return;
  if (body === 'large') return cutOff(call, 413);
  // Its parser for these types throws where nobody waits: the peer gets no answer and no end of the connection.
  if (isHanging) return;
  if (state.inboxDelayMs > 0) await delay(state.inboxDelayMs);
  if (res.destroyed) return;
  res.writeHead(state.inboxStatus ?? judge(call, body)).end();
}

/** The answer to a request of a right type and size. */
function judge({ state, req, record }: InboxCall, body: Buffer): number {
  const activity = parseJson(body);
  if (activity === undefined) return 400;
  if (state.federation === 'none') return 403;
  const signature = parseSignature({ method: record.method, url: record.url, headers: req.headers });
  if (signature === undefined) return 401;
  const { headers } = signature.params;
  if (!headers.includes('host') || req.headers.host !== new URL(state.publicUrl).host) return 401;
  if (!headers.includes('digest')) return 401;
  const [, algorithm = '', digest] = DIGEST.exec(String(req.headers['digest'] ?? '')) ?? [];
  if (algorithm.toUpperCase() !== 'SHA-256' || digest !== createHash('sha256').update(body).digest('base64')) return 401;
  return enqueue(state, { value: activity.value, depth: depthOf(body) }, signature);
}

function enqueue(state: StubState, activity: { readonly value: unknown; readonly depth: number }, signature: StubState['jobs'][number]['signature']): number {
  const { value, depth } = activity;
  if (value === null) return 500;
  if (depth > DEPTH_MAX) return 500;
  state.jobs.push({ activity: value, signature });
  if (state.jobs.length > JOBS_MAX) state.jobs.shift();
  return 202;
}

/** As the server's own parser: a byte order mark is skipped, bad UTF-8 is replaced, of a repeated key the last one counts. */
function parseJson(body: Buffer): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(body.toString('utf8').replace(/^\uFEFF/, '')) };
  } catch {
    return undefined;
  }
}

/** Levels of brackets outside strings. */
function depthOf(body: Buffer): number {
  let depth = 0;
  let deepest = 0;
  for (const [bracket] of body.toString('latin1').replaceAll(/"(?:[^"\\]|\\.)*"/g, '').matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/** Answers without reading on, and resets the connection. */
function cutOff({ req, res }: InboxCall, status: number): void {
  res.writeHead(status, { Connection: 'close', 'Content-Length': 0 }).end(() => {
    if (!req.complete) res.socket?.resetAndDestroy();
  });
}
