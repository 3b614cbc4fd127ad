// What a moderator types after `npm run media --`, as an order. Pure.

import { type PlainHttp, canonicalUrl, foldHost } from '@sekisho/netguard';
import { isMediaTarget, readTarget } from '../media/request-target.ts';
import type { PurgeOrder } from '../purge/purge.ts';

export const USAGE = [
  'npm run media -- purge <url>',
  'npm run media -- purge --host <host>',
  '',
  'Takes a picture, or everything of a host, out of all caches, in all modes and all gateways.',
  'The URL may be that of the file or of the proxied picture.',
  'Needs SEKISHO_REDIS_URL or SEKISHO_REDIS_URL_FILE, the state Redis of the gateways.',
].join('\n');

export type ParsedCommand =
  | { readonly ok: true; readonly order: PurgeOrder }
  | { readonly ok: false; readonly problem: string };

const wrong = (problem: string): ParsedCommand => ({ ok: false, problem });

/** Parses the arguments after the script's name. */
export function parseCommand(args: readonly string[]): ParsedCommand {
  const [command, first, second, ...rest] = args;
  if (command !== 'purge') return wrong(command === undefined ? 'no command given' : `unknown command ${JSON.stringify(command)}`);
  if (first === undefined || rest.length > 0) return wrong('purge needs a URL, or --host and a host');
  if (first === '--host') return second === undefined ? wrong('--host needs a host') : hostOrder(second);
  if (second !== undefined || first.startsWith('-')) return wrong('purge takes one URL, or --host and a host');
  return urlOrder(first);
}

function hostOrder(text: string): ParsedCommand {
  const host = foldHost(text);
  if (host === undefined) return wrong(`${JSON.stringify(text)} is no host name`);
  return { ok: true, order: { urls: [], hosts: [host.includes(':') && !host.startsWith('[') ? `[${host}]` : host] } };
}

function urlOrder(text: string): ParsedCommand {
  const given = URL.parse(text);
  if (given === null) return wrong(`${JSON.stringify(text)} is no URL`);
  const inner = isMediaTarget(given.pathname) ? readTarget(given.pathname + given.search).url : undefined;
  // Both spellings of plain http: the command does not know what the gateways are set to.
  const modes: readonly PlainHttp[] = ['upgrade', 'allow'];
  const spellings = [inner, text].filter((url) => url !== undefined).flatMap((url) => modes.map((mode) => canonicalUrl(url, mode)));
  const urls = new Set(spellings.flatMap((spelling) => (spelling.ok ? [spelling.url] : [])));
  return urls.size === 0 ? wrong(`${JSON.stringify(text)} is no URL that is ever fetched`) : { ok: true, order: { urls: [...urls], hosts: [] } };
}
