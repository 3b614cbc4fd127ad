// Routes of our own actor: three documents, made once. Everything else, webfinger of everybody else included, is Misskey's.

import type { KeyObject } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TICK_MS } from '@sekisho/limiter';
import type { Identify } from '../../client/identity.ts';
import type { Budget } from '../../limits/budget.ts';
import { requestIdOf } from '../../media/respond.ts';
import { linger, refuse } from '../../passthrough/answer.ts';
import { accountOf, ACTOR_OUTBOX_PATH, ACTOR_PATH, actorDocument, actorUrl, outboxDocument, webfingerDocument } from './actor-documents.ts';

const WEBFINGER_PATH = '/.well-known/webfinger';
const ACTIVITY = 'application/activity+json; charset=utf-8';
/** A new key reaches everybody within it. */
const CACHE = 'public, max-age=300';

export interface OwnActorOptions {
  readonly publicUrl: URL;
  /** As `readActorKey` gives it. */
  readonly key: KeyObject;
  /** As for a page of Misskey, which everybody may read as well. */
  readonly budget: Pick<Budget, 'tick'>;
  readonly identify: Identify;
}

export interface OwnActor {
  /** True where the request was for the actor and has been answered; false: it is as it was. */
  handle(req: IncomingMessage, res: ServerResponse): boolean;
}

interface Page {
  readonly type: string;
  readonly body: Buffer;
  readonly more?: Readonly<Record<string, string>>;
}

export function createOwnActor({ publicUrl, key, budget, identify }: OwnActorOptions): OwnActor {
  const page = (type: string, document: object): Page => ({ type, body: Buffer.from(JSON.stringify(document)) });
  const pages = new Map([[ACTOR_PATH, page(ACTIVITY, actorDocument(publicUrl, key))], [ACTOR_OUTBOX_PATH, page(ACTIVITY, outboxDocument(publicUrl))]]);
  // Any page may look accounts up (RFC 7033 section 5), as it may at Misskey.
  const webfinger = { ...page('application/jrd+json; charset=utf-8', webfingerDocument(publicUrl)), more: { 'access-control-allow-origin': '*' } };
  const resources: ReadonlySet<string> = new Set([accountOf(publicUrl), actorUrl(publicUrl)]);
  const pageOf = (req: IncomingMessage): Page | undefined => {
    const { path, query } = splitTarget(req.url ?? '');
    const own = pages.get(path);
    if (own !== undefined || path !== WEBFINGER_PATH || !isRead(req)) return own;
    return resources.has(resourceOf(query)) ? webfinger : undefined;
  };
  return {
    handle: (req, res) => {
      const asked = pageOf(req);
      if (asked === undefined) return false;
      const over = budget.tick(identify(req.socket.remoteAddress, req.headers['x-forwarded-for']), 'pages', TICK_MS);
      if (over !== undefined) refuse(req, res, over.code, { requestId: requestIdOf(req.headers['x-request-id']), retryAfterS: over.retryAfterS });
      else if (isRead(req)) send(req, res, asked);
      else refuseMethod(req, res);
      return true;
    },
  };
}

const isRead = ({ method }: IncomingMessage): boolean => method === 'GET' || method === 'HEAD';

function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const at = target.indexOf('?');
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) };
}

/** The one resource that is asked for; host names have no case, and URLSearchParams never throws. */
function resourceOf(query: string): string {
  const [resource = '', ...others] = new URLSearchParams(query).getAll('resource');
  return others.length === 0 ? resource.toLowerCase() : '';
}

function send(req: IncomingMessage, res: ServerResponse, { type, body, more }: Page): void {
  res.writeHead(200, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': CACHE,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-robots-tag': 'noindex',
    ...more,
  });
  res.end(req.method === 'HEAD' ? undefined : body);
  linger(req);
}

function refuseMethod(req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(405, { allow: 'GET, HEAD', 'content-length': 0, 'cache-control': 'no-store' }).end();
  linger(req);
}
