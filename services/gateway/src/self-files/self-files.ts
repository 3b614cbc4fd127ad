// The instance's own files, read from Misskey inside the cluster: their public host may resolve to a private or hairpin
// address that the fetcher rightly refuses. What may be asked is one path form, by GET, as the first hop, without any
// header of a client but Range. The answer has the shape of the fetch client's, so that the pipeline sees no difference.

import { type FetchOutcome, type FetchRequest, LIMITS, SekishoError } from '@sekisho/contracts';
import { HEADER_BYTES_MAX } from '@sekisho/media-header';
import { type Dispatcher, Pool } from 'undici';
import { boundBody } from '../fetching/body.ts';
import type { FetchOptions, Fetched } from '../fetching/client.ts';
import { createOwnFileCheck } from '../media/request-own.ts';
import type { RequestRules } from '../media/request.ts';
import type { SelfAnswer, SelfFiles } from '../media/source.ts';
import { type FileAnswer, readFileHead } from './answer.ts';
import { type Opened, collect, openBody } from './read.ts';
import { unwrapRedirect } from './redirect.ts';
import { SNIFF_BYTES, sniff, useOf } from './sniff.ts';

/** Connections to each origin. */
const CONNECTIONS_MAX = 64;
/** Files being read at once, streams included. */
const RUNNING_MAX = 256;
/** Bytes of pictures on their way into the work Redis: they are in this process as a whole. */
const HELD_BYTES_MAX = 128 * 1024 * 1024;
const RETRY_AFTER_S = 5;

export interface SelfFilesOptions {
  /** Public origin to the origin it is read from. */
  readonly origins: ReadonlyMap<string, string>;
  readonly rules: Pick<RequestRules, 'isOwn' | 'canonicalUrl'>;
  /** Puts a picture into the work Redis; false when there is no room. */
  storeSource(sourceId: string, bytes: Buffer): Promise<boolean>;
  readonly bodyIdleMs?: number;
  readonly heldBytesMax?: number;
  readonly runningMax?: number;
}

export interface OwnFiles extends SelfFiles {
  /** Files being read, their bodies included. */
  readonly running: number;
  close(): Promise<void>;
}

interface Files {
  readonly options: SelfFilesOptions;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly canonical: (url: URL) => string | undefined;
  heldBytes: number;
  running: number;
}

export function createSelfFiles(options: SelfFilesOptions): OwnFiles {
  const pools = new Map([...options.origins].map(([from, to]) => [new URL(from).origin, createPool(to, options.bodyIdleMs)]));
  const files: Files = { options, pools, canonical: createOwnFileCheck(options.origins.keys()), heldBytes: 0, running: 0 };
  const canonical = (text: string): string | undefined => {
    const url = URL.parse(text);
    // The canonical form only: what is parsed twice may be read in two ways.
    return url !== null && files.canonical(url) === text ? text : undefined;
  };
  return {
    serves: (url) => canonical(url) !== undefined,
    fetch: async (request, fetchOptions) => {
      if (canonical(request.url) === undefined) throw new SekishoError('SEKISHO_LOOP', { detail: 'no own file' });
      return await counted(files, request, fetchOptions);
    },
    get running() {
      return files.running;
    },
    close: async () => void (await Promise.all([...pools.values()].map((pool) => pool.destroy()))),
  };
}

const createPool = (origin: string, bodyIdleMs: number = LIMITS.streamIdleMs): Pool =>
  new Pool(new URL(origin).origin, {
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    connect: { timeout: LIMITS.connectMs },
    headersTimeout: 0, // the deadline of each request covers it
    bodyTimeout: bodyIdleMs,
    keepAliveTimeout: 4_000,
    maxHeaderSize: LIMITS.responseHeaderBytesMax,
  });

async function counted(files: Files, request: FetchRequest, options: FetchOptions): Promise<SelfAnswer> {
  if (options.signal.aborted) throw new SekishoError('SEKISHO_ABORTED');
  if (files.running >= (files.options.runningMax ?? RUNNING_MAX)) throw new SekishoError('SEKISHO_LIMIT_FETCHES', { retryAfterS: RETRY_AFTER_S });
  files.running += 1;
  const leave = (): void => {
    files.running -= 1;
  };
  try {
    const answer = await exchange(files, request, options);
    if ('redirect' in answer || answer.body === undefined) leave();
    else answer.body.once('close', leave);
    return answer;
  } catch (error) {
    leave();
    throw error;
  }
}

/** One file under one controller: the deadline ends with the outcome, the client's leaving ends the body too. */
async function exchange(files: Files, request: FetchRequest, options: FetchOptions): Promise<SelfAnswer> {
  const work = new AbortController();
  const stop = Promise.withResolvers<never>();
  stop.promise.catch(() => undefined);
  const end = (code: 'SEKISHO_ABORTED' | 'SEKISHO_UPSTREAM_TIMEOUT'): void => {
    const fault = new SekishoError(code, { detail: 'own file' });
    stop.reject(fault);
    work.abort(fault);
  };
  const onAbort = (): void => end('SEKISHO_ABORTED');
  const deadlineMs = Math.min(options.deadlineMs, request.limits.deadlineMs, LIMITS.pictureTotalMs);
  const timer = setTimeout(() => end('SEKISHO_UPSTREAM_TIMEOUT'), deadlineMs);
  options.signal.addEventListener('abort', onAbort, { once: true });
  const unlisten = (): void => options.signal.removeEventListener('abort', onAbort);
  const reading = readFile(files, request, work.signal);
  // An answer that comes after all is nobody's.
  reading.then((late) => work.signal.aborted && !('redirect' in late) && late.body?.destroy(), () => undefined);
  try {
    const answer = await Promise.race([reading, stop.promise]);
    if ('redirect' in answer || answer.body === undefined) unlisten();
    else answer.body.once('close', unlisten);
    return answer;
  } catch (error) {
    unlisten();
    work.abort();
    const reason: unknown = work.signal.reason;
    throw reason instanceof SekishoError ? reason : error;
  } finally {
    clearTimeout(timer);
  }
}

const fault = (code: SekishoError['code'], facts: { upstreamStatus?: number; retryAfterS?: number } = {}): Fetched => ({
  outcome: { kind: 'fault', code, ...facts },
  body: undefined,
});

async function readFile(files: Files, request: FetchRequest, signal: AbortSignal): Promise<SelfAnswer> {
  let response: Dispatcher.ResponseData;
  try {
    response = await send(files, request, signal);
  } catch {
    return fault('SEKISHO_MISSKEY_AWAY', { retryAfterS: RETRY_AFTER_S });
  }
  const answer = readFileHead({ status: response.statusCode, headers: response.headers }, request.range !== undefined);
  if (answer.kind === 'body') {
    try {
      return await readBody(files, request, { response, answer });
    } catch {
      response.body.destroy();
      return fault('SEKISHO_UPSTREAM_FAULT');
    }
  }
  // Read to its end the connection is kept; a long page is cut.
  response.body.dump({ limit: 16 * 1024 }).catch(() => undefined);
  if (answer.kind === 'empty') return fault(request.want === 'store' ? 'SEKISHO_TYPE_NOT_CONVERTIBLE' : 'SEKISHO_TYPE_REFUSED');
  if (answer.kind === 'refuse') return fault(answer.code, factsOf(answer));
  const target = unwrapRedirect(answer.location, request.url, files.options.rules);
  return target.ok ? { redirect: target.url } : fault(target.code);
}

const factsOf = ({ upstreamStatus, retryAfterS }: Extract<FileAnswer, { kind: 'refuse' }>): { upstreamStatus?: number; retryAfterS?: number } => ({
  ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
  ...(retryAfterS === undefined ? {} : { retryAfterS }),
});

function send(files: Files, request: FetchRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  const url = new URL(request.url);
  const pool = files.pools.get(url.origin);
  if (pool === undefined) throw new SekishoError('SEKISHO_INTERNAL', { detail: 'no pool for an own origin' });
  const headers: Record<string, string> = { host: url.host, 'accept-encoding': 'identity', 'x-request-id': request.requestId };
  if (request.range !== undefined) headers['range'] = request.range;
  return pool.request({ path: url.pathname, method: 'GET', headers, signal });
}

interface Arrived {
  readonly response: Dispatcher.ResponseData;
  readonly answer: Extract<FileAnswer, { kind: 'body' }>;
}

async function readBody(files: Files, request: FetchRequest, arrived: Arrived): Promise<Fetched> {
  const { response, answer } = arrived;
  if (answer.length !== undefined && answer.length > request.limits.bytesMax) {
    response.body.destroy();
    return fault('SEKISHO_UPSTREAM_TOO_LARGE');
  }
  const opened = await openBody(response.body, HEADER_BYTES_MAX);
  // Bytes out of the middle tell no type; whoever asked for them knows it already.
  if (answer.part !== undefined && answer.part.start > 0) {
    const bytesMax = Math.min(request.limits.bytesMax, LIMITS.streamBytesMax);
    return streamed(request, arrived, { opened, type: 'application/octet-stream', bytesMax });
  }
  const sniffed = await sniff(opened.prefix, !opened.isAll);
  const use = useOf(request, sniffed);
  if (use.kind === 'stream') {
    const { picture } = sniffed;
    return streamed(request, arrived, { opened, type: use.type, bytesMax: use.bytesMax, ...(picture === undefined ? {} : { size: { width: picture.width, height: picture.height } }) });
  }
  if (use.kind === 'store') return await stored(files, request, { arrived, opened, use });
  // A first part of a few bytes tells no type either.
  if (answer.part !== undefined && sniffed.type === undefined && opened.prefix.length < SNIFF_BYTES) {
    return streamed(request, arrived, { opened, type: 'application/octet-stream', bytesMax: request.limits.bytesMax });
  }
  opened.body.destroy();
  return fault(use.code);
}

interface StreamParts {
  readonly opened: Opened;
  readonly type: string;
  readonly bytesMax: number;
  readonly size?: { readonly width: number; readonly height: number };
}

function streamed(request: FetchRequest, { answer }: Arrived, parts: StreamParts): Fetched {
  const { length, part, validator, fileName } = answer;
  if (length !== undefined && length > parts.bytesMax) {
    parts.opened.body.destroy();
    return fault('SEKISHO_UPSTREAM_TOO_LARGE');
  }
  const outcome: FetchOutcome = {
    kind: 'stream', status: part === undefined ? 200 : 206, type: parts.type, finalOrigin: new URL(request.url).origin, ...parts.size,
    ...(length === undefined ? {} : { length }),
    ...(part === undefined ? {} : { contentRange: part }),
    ...(validator === undefined ? {} : { validator }),
    ...(fileName === undefined ? {} : { fileName }),
  };
  return { outcome, body: boundBody(parts.opened.body, { length, bytesMax: parts.bytesMax }) };
}

interface StoreParts {
  readonly arrived: Arrived;
  readonly opened: Opened;
  readonly use: Extract<ReturnType<typeof useOf>, { kind: 'store' }>;
}

async function stored(files: Files, request: FetchRequest, { arrived, opened, use }: StoreParts): Promise<Fetched> {
  const { length, fileName } = arrived.answer;
  const { picture, bytesMax } = use;
  const held = length ?? bytesMax;
  const isTooLarge = held > bytesMax;
  if (isTooLarge || files.heldBytes + held > (files.options.heldBytesMax ?? HELD_BYTES_MAX)) {
    opened.body.destroy();
    return fault(isTooLarge ? 'SEKISHO_UPSTREAM_TOO_LARGE' : 'SEKISHO_LIMIT_BYTES');
  }
  files.heldBytes += held;
  try {
    const bytes = await collect(opened.body, held);
    if (bytes === undefined) return fault('SEKISHO_UPSTREAM_TOO_LARGE');
    if (bytes.length === 0 || (length !== undefined && bytes.length !== length)) return fault('SEKISHO_UPSTREAM_FAULT');
    if (!(await files.options.storeSource(request.sourceId, bytes))) return fault('SEKISHO_LIMIT_BYTES');
    const { type, width, height, framesAtLeast } = picture;
    const finalOrigin = new URL(request.url).origin;
    const outcome: FetchOutcome = { kind: 'stored', sourceId: request.sourceId, bytes: bytes.length, type, width, height, framesAtLeast, finalOrigin, ...(fileName === undefined ? {} : { fileName }) };
    return { outcome, body: undefined };
  } finally {
    files.heldBytes -= held;
  }
}
