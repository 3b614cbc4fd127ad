// A whole gateway with the Redis rights of production and a fetcher that says what a host would: from the rule that asks to
// the entry in Redis, the metric and the capture.

import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type FetchOutcome, type FetchRequest, encodeOutcome, stateKeys } from '@sekisho/contracts';
import { parseCapture, replayable } from '@sekisho/inbox-policy/rules';
import { until } from '@sekisho/testkit/until';
import { type InboxRig, PEER, activities, send, signed, startInboxRig } from '../../testing/inbox-rig.ts';

const INDEX = `https://${PEER}/.well-known/nodeinfo`;
const DOCUMENT = `https://${PEER}/nodeinfo/2.1`;
const links = (href: string): object => ({ links: [{ rel: 'http://nodeinfo.diaspora.software/ns/schema/2.1', href }] });
const nodeinfo = (over: object = {}): object =>
  ({ software: { name: 'misskey', version: '2025.1.0' }, openRegistrations: true, usage: { users: { total: 9 } }, metadata: { enableHcaptcha: false, emailRequiredForSignup: false }, ...over });

const asked: FetchRequest[] = [];
const documents = new Map<string, object>();
let fetcher: Server;
let rig: InboxRig;
beforeAll(async () => {
  fetcher = createServer((request, response) => {
    text(request).then((body) => {
      const wanted = JSON.parse(body) as FetchRequest;
      asked.push(wanted);
      const document = documents.get(wanted.url);
      const bytes = Buffer.from(JSON.stringify(document ?? {}));
      const outcome: FetchOutcome = document === undefined
        ? { kind: 'fault', code: 'SEKISHO_UPSTREAM_STATUS', upstreamStatus: 404 }
        : { kind: 'document', status: 200, type: 'application/json', bytes: bytes.length, finalUrl: wanted.url };
      response.setHeader('sekisho-outcome', encodeOutcome(outcome)).end(document === undefined ? undefined : bytes);
    }, () => undefined);
  }).listen(0, '127.0.0.1');
  await once(fetcher, 'listening');
  rig = await startInboxRig();
});
afterAll(async () => {
  await rig.stop();
  fetcher.closeAllConnections();
  fetcher.close();
});
beforeEach(() => {
  asked.length = 0;
  documents.clear();
});

const RULES = `rules:
  - id: old-and-open
    action: reject
    when:
      all:
        - { field: type, op: eq, value: Like }
        - { field: software.name, op: eq, value: misskey }
        - { not: { field: software.version, op: gte, value: '2026.3.2' } }
        - { field: software.openSignup, op: eq, value: true }
        - { field: software.captcha, op: eq, value: false }
`;
const restart = async (): Promise<void> => {
  await rig.admin.flushall();
  const address = fetcher.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  await rig.restart({ SEKISHO_INBOX_RULES_FILE: rig.file('rules.yaml', RULES), SEKISHO_FETCHER_URL: `http://127.0.0.1:${port}`, SEKISHO_INBOX_CAPTURE_PERCENT: '100' });
};
const like = async (): Promise<number> => (await send(rig, signed({ activity: activities()['like'] ?? {} }))).status;
const softwareKeys = async (): Promise<readonly string[]> => await rig.admin.keys(stateKeys.inboxSoftware('*'));

describe('rules about the software of the sending host', () => {
  it('act on what the host says, asked once for a day and over restarts', async () => {
    documents.set(INDEX, links(DOCUMENT)).set(DOCUMENT, nodeinfo());
    await restart();
    expect((await send(rig, signed({ activity: activities()['follow'] ?? {} }))).status).toBe(202);
    expect(asked).toHaveLength(0);
    expect([await like(), await like()]).toEqual([403, 403]);
    expect(rig.lines.at(-1)).toMatchObject({ code: 'SEKISHO_INBOX_RULE', rule: 'old-and-open' });
    expect(asked.map(({ url, accept, limits }) => [url, accept, limits.bytesMax])).toEqual([[INDEX, 'nodeinfo', 65_536], [DOCUMENT, 'nodeinfo', 65_536]]);
    expect(await rig.metrics()).toContain('inbox_software_fetches_total{result="known"} 1');
    const keys = await softwareKeys();
    expect(keys).toHaveLength(1);
    expect(await rig.admin.pttl(keys[0] ?? '')).toBeGreaterThan(20 * 3_600_000);

    await until(async () => (await rig.admin.xlen(stateKeys.inboxCaptures)) >= 3);
    const captures = (await rig.admin.xrange(stateKeys.inboxCaptures, '-', '+')).map(([, [, line]]) => parseCapture(line ?? ''));
    const judged = captures.flatMap((parsed) => (parsed.ok ? (replayable(parsed.capture) ?? []) : [])).find(({ activity }) => activity.type === 'Like');
    expect(judged?.facts.software).toEqual({ name: 'misskey', version: '2025.1.0', openSignup: true, users: 9, captcha: false, emailRequired: false });

    await rig.restart({ SEKISHO_INBOX_RULES_FILE: rig.file('rules.yaml', RULES) });
    expect(await like()).toBe(403);
    expect(asked).toHaveLength(2);
  }, 20_000);

  it.each<[string, () => void]>([
    ['of a newer version', () => documents.set(INDEX, links(DOCUMENT)).set(DOCUMENT, nodeinfo({ software: { name: 'misskey', version: '2026.3.2' } }))],
    ['that says nothing', () => undefined],
    ['that lets another host speak for it', () => documents.set(INDEX, links('https://other.example/nodeinfo')).set('https://other.example/nodeinfo', nodeinfo())],
    ['that does not say whether it has a captcha', () => documents.set(INDEX, links(DOCUMENT)).set(DOCUMENT, nodeinfo({ metadata: {} }))],
    ['of a version that nobody can read', () => documents.set(INDEX, links(DOCUMENT)).set(DOCUMENT, nodeinfo({ software: { name: 'misskey', version: 'latest' } }))],
  ])('leave alone a host %s', async (_name, serve) => {
    serve();
    await restart();
    expect(await like()).toBe(202);
    expect(asked[0]?.url).toBe(INDEX);
    expect(asked.some(({ url }) => url.includes('other.example'))).toBe(false);
    await until(async () => (await softwareKeys()).length === 1);
  }, 20_000);

  it('believe what the owner of the Redis user plants, and nothing that is not of the shape', async () => {
    documents.set(INDEX, links(DOCUMENT)).set(DOCUMENT, nodeinfo());
    await restart();
    expect(await like()).toBe(403);
    const [key = ''] = await softwareKeys();
    const entry = JSON.parse((await rig.admin.get(key)) ?? '') as { software: object };
    const plant = async (value: object): Promise<number> => {
      await rig.admin.set(key, JSON.stringify(value));
      await rig.restart({ SEKISHO_INBOX_RULES_FILE: rig.file('rules.yaml', RULES) });
      return await like();
    };
    expect(await plant({ ...entry, software: { ...entry.software, captcha: true } })).toBe(202);
    // Without a fetcher and without a true entry nobody knows.
    expect(await plant({ ...entry, software: { ...entry.software, version: 1 } })).toBe(202);
    expect(await plant(entry)).toBe(403);
  }, 20_000);
});
