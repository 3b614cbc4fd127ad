// The check table through a whole gateway: a request that is wrong in two ways gets the earlier code, and in the mode
// `observe` only what would hang or desynchronise Misskey is refused.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CODES, type Code } from '@sekisho/contracts';
import { type ExactRequest, withHeader } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { type InboxRig, KEY_ID, PEER, type Signed, activities, send, signed, startInboxRig } from '../testing/inbox-rig.ts';

let rig: InboxRig;
afterAll(async () => {
  await rig.stop();
});

interface Wrong {
  readonly name: string;
  readonly code: Code;
  /** Before signing. */
  readonly options?: Partial<Signed>;
  readonly activity?: Readonly<Record<string, unknown>>;
  /** After signing. */
  readonly request?: (request: ExactRequest) => ExactRequest;
}

const padded = (request: ExactRequest): ExactRequest => {
  const body = Buffer.concat([request.body, Buffer.alloc(65_537 - request.body.length, ' ')]);
  return withHeader({ ...request, body }, 'Content-Length', String(body.length));
};

/** In the order of the table, one for each place where the gateway hands a request from one part to the next. */
const TABLE: readonly Wrong[] = [
  { name: 'path', code: 'SEKISHO_INBOX_PATH', request: (request) => ({ ...request, target: '/%69nbox' }) },
  { name: 'media type', code: 'SEKISHO_INBOX_MEDIA_TYPE', request: (request) => withHeader(request, 'Content-Type', 'text/plain') },
  { name: 'encoding', code: 'SEKISHO_INBOX_CONTENT_ENCODING', request: (request) => ({ ...request, headers: [...request.headers, ['Content-Encoding', 'gzip']] }) },
  { name: 'declared size', code: 'SEKISHO_INBOX_TOO_LARGE', request: padded },
  { name: 'X-Date', code: 'SEKISHO_INBOX_HEADERS', request: (request) => ({ ...request, headers: [...request.headers, ['X-Date', new Date().toUTCString()]] }) },
  { name: 'unsigned', code: 'SEKISHO_INBOX_UNSIGNED', request: (request) => withHeader(request, 'Signature', undefined) },
  { name: 'grammar', code: 'SEKISHO_INBOX_SIGNATURE', options: { template: `keyId="${KEY_ID}",keyId="${KEY_ID}",algorithm="rsa-sha256",headers="(request-target) host date digest",signature="{signature}"` } },
  { name: 'key id', code: 'SEKISHO_INBOX_KEY_ID', options: { keyId: `http://${PEER}/users/alice#main-key` } },
  { name: 'signed headers', code: 'SEKISHO_INBOX_SIGNED_HEADERS', options: { covered: ['(request-target)', 'host', 'date'] } },
  { name: 'host', code: 'SEKISHO_INBOX_HOST', options: { host: 'other.example' } },
  { name: 'date', code: 'SEKISHO_INBOX_DATE', options: { dateOffsetS: -301 } },
  { name: 'digest', code: 'SEKISHO_INBOX_DIGEST', request: (request) => ({ ...request, body: Buffer.from(request.body.toString().replace('"type"', '"tyPe"')) }) },
  { name: 'blocked host', code: 'SEKISHO_INBOX_HOST_BLOCKED', activity: { actor: 'https://bad.blocked.example/u' } },
  { name: 'type', code: 'SEKISHO_INBOX_ACTIVITY_TYPE', activity: { type: 'Dislike' } },
  { name: 'id', code: 'SEKISHO_INBOX_ID', activity: { id: `http://${PEER}/1` } },
  { name: 'rule', code: 'SEKISHO_INBOX_RULE', activity: { marker: 'kept last' } },
];

function make(...wrongs: readonly Wrong[]): ExactRequest {
  const activity = Object.assign({}, activities()['like'], ...wrongs.map((wrong) => wrong.activity ?? {}));
  const options = Object.assign({}, ...wrongs.map((wrong) => wrong.options ?? {}));
  return wrongs.reduce((request, wrong) => wrong.request?.(request) ?? request, signed({ activity, ...options }));
}

const RULES = `
rules:
  - { id: likes, reason: a test, action: reject, when: { field: type, op: eq, value: Like } }
lists:
  - { id: bad, hosts: [blocked.example] }
block: [bad]
`;
const lastLine = (): Record<string, unknown> => rig.lines.at(-1) ?? {};

async function outcome(request: ExactRequest): Promise<{ status: number; code: unknown }> {
  const before = rig.lines.length;
  const { status } = await send(rig, request);
  await until(() => rig.lines.length > before);
  return { status, code: lastLine()['code'] };
}

describe('enforce', () => {
  beforeAll(async () => {
    rig = await startInboxRig();
    await rig.restart({ SEKISHO_INBOX_RULES_FILE: rig.file('rules.yaml', RULES) });
  });
  beforeEach(() => {
    rig.stub.requests.length = 0;
  });
  const pairs = TABLE.flatMap((early, at) => TABLE.slice(at + 1).map((late) => [early, late] as const))
    // One value of the same part of the request cannot be wrong in two ways.
    .filter(([early, late]) => early.name !== 'unsigned' || late.options?.template === undefined);

  it.each(TABLE.map((wrong) => [wrong.name, wrong] as const))('refuses a wrong %s', async (_name, wrong) => {
    expect(await outcome(make(wrong))).toEqual({ status: CODES[wrong.code].status, code: wrong.code });
    expect(rig.stub.requests).toHaveLength(0);
  });

  it('gives the earlier code of every two', async () => {
    expect(pairs.length).toBeGreaterThan(100);
    const wrong: unknown[] = [];
    for (const [early, late] of pairs) {
      const { code } = await outcome(make(early, late));
      if (code !== early.code) wrong.push([early.name, late.name, code]);
    }
    expect(wrong).toEqual([]);
    expect(rig.stub.requests).toHaveLength(0);
  }, 60_000);

  it.each(['X-Real-IP', 'Keep-Alive', 'Forwarded'])('refuses a signature over %s, which Misskey would not get', async (name) => {
    const request = signed({ covered: ['(request-target)', 'host', 'date', 'digest', name.toLowerCase()], headers: [[name, 'x']] });
    expect(await outcome(request)).toEqual({ status: 401, code: 'SEKISHO_INBOX_SIGNED_HEADERS' });
  });

  it('lets no Connection header take away what is signed', async () => {
    const request = signed({
      covered: ['(request-target)', 'host', 'date', 'digest', 'user-agent'], headers: [['User-Agent', 'Peer'], ['Connection', 'User-Agent, X-Hop'], ['X-Hop', '1']],
    });
    expect(await outcome(request)).toEqual({ status: 202, code: undefined });
    const names = rig.stub.requests[0]?.rawHeaders.filter((_, at) => at % 2 === 0) ?? [];
    expect([names.includes('User-Agent'), names.includes('X-Hop')]).toEqual([true, false]);
    // What every signature covers cannot even be named.
    const taken = signed({ headers: [['Connection', 'Digest']] });
    expect(await outcome(taken)).toEqual({ status: 400, code: 'SEKISHO_INBOX_HEADERS' });
  });

  it('does not take one client for another by its own X-Forwarded-For', async () => {
    await send(rig, signed(), '198.51.100.7, 203.0.113.44');
    expect(lastLine()['client']).toBe('203.0.113.44');
  });
});

describe('observe', () => {
  beforeAll(async () => {
    await rig.restart({ SEKISHO_INBOX_MODE: 'observe', SEKISHO_INBOX_RULES_FILE: rig.file('rules.yaml', RULES) });
  });
  beforeEach(() => {
    rig.stub.requests.length = 0;
  });
  const hangs = new Set(['path', 'media type', 'encoding', 'declared size', 'X-Date']);

  it.each(TABLE.filter(({ name }) => hangs.has(name)).map((wrong) => [wrong.name, wrong] as const))('refuses a wrong %s', async (_name, wrong) => {
    expect(await outcome(make(wrong))).toEqual({ status: CODES[wrong.code].status, code: wrong.code });
    expect(rig.stub.requests).toHaveLength(0);
  });

  it.each(TABLE.filter(({ name }) => !hangs.has(name)).map((wrong) => [wrong.name, wrong] as const))('hands a wrong %s to Misskey and notes it', async (_name, wrong) => {
    expect(await outcome(make(wrong))).toMatchObject({ code: wrong.code });
    expect(lastLine()).toMatchObject({ verdict: 'allow', would: CODES[wrong.code].status === 202 ? 'drop' : 'deny', mode: 'observe' });
    expect(rig.stub.requests).toHaveLength(1);
  });
});
