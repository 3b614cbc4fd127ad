// The corpus of ActivityPub documents, and what a sender makes of each: an activity of its own actor.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Activity } from '../activitypub/activities.ts';
import { testKey } from '../activitypub/keys.ts';
import { corpusFolder } from './folder.ts';
import { rewriteHosts } from './hosts.ts';
import { type Line, oneOf, readLines, text, texts } from './lines.ts';

const AS = 'https://www.w3.org/ns/activitystreams';

export interface ActivityCase {
  readonly id: string;
  readonly software: string;
  readonly type: string;
  readonly objectType: string | undefined;
  /** `legit`: must be accepted (202 drop where Misskey does not handle the type); `any`: any clean verdict. */
  readonly expected: 'legit' | 'hostile' | 'malformed' | 'any';
  readonly deliver: 'as-is' | 'wrap-create' | 'wrap-update' | 'none';
  readonly class: 'activity' | 'actor' | 'object' | 'collection';
  readonly facts: ReadonlySet<string>;
  readonly reason: string;
  /** As it lies in the corpus. */
  read(): string;
}

export interface Delivery {
  readonly id: string;
  readonly body: Buffer;
  readonly activity: Activity;
  /** Id and host of the actor; empty where the document has none. */
  readonly actor: string;
  readonly actorHost: string;
  readonly keyId: string;
}

export interface DeliverOptions {
  /** Our host: what the document says of its receiver becomes ours. */
  readonly self: string;
  /** False: the hosts and schemes stay as they are written. */
  readonly rewrite?: boolean;
}

/**
 * All documents; empty without a corpus.
 * @throws Error when the folder exists but holds no cases.
 */
export function readActivityCases(folder = corpusFolder()): readonly ActivityCase[] {
  if (folder === undefined) return [];
  const root = join(folder, 'activitypub');
  return readLines(join(root, 'index.jsonl')).map((line) => toCase(line, root));
}

const toCase = (line: Line, root: string): ActivityCase => ({
  id: text(line, 'id'),
  software: text(line, 'software'),
  type: typeof line['type'] === 'string' ? line['type'] : '',
  objectType: typeof line['object_type'] === 'string' ? line['object_type'] : undefined,
  expected: oneOf(line, 'expected', ['legit', 'hostile', 'malformed', 'any']),
  deliver: oneOf(line, 'deliver', ['as-is', 'wrap-create', 'wrap-update', 'none']),
  class: oneOf(line, 'class', ['activity', 'actor', 'object', 'collection']),
  facts: new Set(texts(line, 'facts')),
  reason: typeof line['reason'] === 'string' ? line['reason'] : '',
  read: () => readFileSync(join(root, text(line, 'file')), 'utf8'),
});

/** The document as its author's server would deliver it. */
export function deliver(one: ActivityCase, { self, rewrite = true }: DeliverOptions): Delivery {
  const source = rewrite ? fillIn(one.read().trim(), self) : one.read().trim();
  const host = rewrite ? receiverOf(JSON.parse(source) as Activity) : undefined;
  const json = rewrite ? rewriteHosts(source, { host, self }) : source;
  const document = JSON.parse(json) as Activity;
  const activity = wrap(one, document);
  const actor = idOf(activity['actor']);
  const isAsIs = activity === document;
  return {
    id: one.id, activity, actor, actorHost: hostOf(actor) ?? '',
    body: Buffer.from(isAsIs ? json : JSON.stringify(activity)),
    keyId: one.software === 'gotosocial' ? `${actor}/main-key` : `${actor.split('#')[0]}#main-key`,
  };
}

/** What a template left open, in fixtures of other projects. */
const PLACEHOLDERS = [
  [/\{\{domain\}\}/gi, 'template.example'],
  [/\{\{nickname\}\}/g, 'alice'],
  [/\{\{(?:status_id|object_id)\}\}/g, '1'],
  [/'\.date\('Y-m-dTH:i:sZ'\)\.'/g, '2020-01-01T00:00:00Z'],
] as const;

/** Placeholders become values, and keys of actors the one that signs: some are short, some no keys at all. */
function fillIn(json: string, self: string): string {
  const ours = json.replaceAll('{{ap_id}}', `https://${self}/users/1`).replaceAll('{{activity_id}}', `https://${self}/follows/1`);
  const filled = PLACEHOLDERS.reduce((filling, [pattern, value]) => filling.replaceAll(pattern, value), ours);
  return filled.replaceAll(/("publicKeyPem"\s*:\s*)"(?:[^"\\]|\\.)*"/g, (_, key: string) => `${key}${JSON.stringify(testKey().pem)}`);
}

function wrap({ deliver: how }: ActivityCase, document: Activity): Activity {
  if (how === 'as-is' || how === 'none') return document;
  const { '@context': context = AS, ...object } = document as Record<string, unknown>;
  const id = String(document['id'] ?? document['@id']);
  const key = object['publicKey'];
  if (typeof key === 'object' && key !== null && !('publicKeyPem' in key) && !Array.isArray(key)) object['publicKey'] = { ...key, publicKeyPem: testKey().pem };
  if (how === 'wrap-update') return { '@context': context, id: `${id}#updates/1`, type: 'Update', actor: id, to: [`${AS}#Public`], object };
  const { to = [`${AS}#Public`], cc = [], published } = document;
  const time = published === undefined ? {} : { published };
  return { '@context': context, id: `${id.split('#')[0]}#create`, type: 'Create', actor: idOf(document['attributedTo'] ?? document['actor']), to, cc, ...time, object };
}

/** Whose server the document was for: what such an activity acts on lives there. */
function receiverOf(activity: Activity): string | undefined {
  const object = activity['object'];
  const inner = typeof object === 'object' && object !== null ? object as Activity : {};
  const first = Array.isArray(object) ? object[0] as unknown : object;
  const target = {
    Follow: first, Block: first, Like: first, EmojiReact: first, Dislike: first, Flag: first,
    Accept: inner['actor'], Reject: inner['actor'], Undo: inner['object'],
  }[String(activity['type'])];
  const host = hostOf(idOf(target));
  return host === hostOf(idOf(activity['actor'])) || host === hostOf(idOf(activity['id'])) ? undefined : host;
}

/** Of a string, of an object with an id, or of the first of several. */
export function idOf(value: unknown): string {
  if (Array.isArray(value)) return idOf(value[0]);
  if (typeof value === 'object' && value !== null) return idOf((value as Activity)['id']);
  return typeof value === 'string' ? value : '';
}

const hostOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).host : undefined);
