import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { stateKeys } from '@sekisho/contracts';
import { type CompiledRules, type ListSpec, checkHosts } from '@sekisho/inbox-policy/rules';
import { type Reloaded, systemClock } from '@sekisho/runtime';
import { type TestRedis, startRedis } from '@sekisho/testkit';
import { until } from '@sekisho/testkit/until';
import { Redis } from 'ioredis';
import type { FetchDocument } from '../../fetching/document.ts';
import { createListStore } from './list-store.ts';
import { type InboxRules, openInboxRules } from './rules-file.ts';
import type { ListEvent } from './subscription.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-rules-'));
const path = join(folder, 'rules.yaml');
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
let server: TestRedis;
let redis: Redis;
let open: InboxRules[] = [];
let reloads: Reloaded<CompiledRules>[] = [];
let events: ListEvent[] = [];
let served: Record<string, string> = {};
let fetches: string[] = [];

const fetchList: FetchDocument = async (url) => {
  fetches.push(url);
  const text = served[url];
  return text === undefined ? { kind: 'refused', code: 'SEKISHO_DEADLINE' } : { kind: 'document', status: 200, type: 'text/csv', body: Buffer.from(text), finalUrl: url };
};

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  await redis.ping();
});
beforeEach(async () => {
  await redis.flushall();
});
afterEach(() => {
  for (const rules of open) rules.close();
  [open, reloads, events, served, fetches] = [[], [], [], {}, []];
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Like an editor or a mount: the file as a whole. */
function put(name: string, text: string): void {
  writeFileSync(join(folder, `${name}.new`), text);
  renameSync(join(folder, `${name}.new`), join(folder, name));
}

async function follow(text: string, withFetch = true): Promise<InboxRules> {
  put('rules.yaml', text);
  const rules = await openInboxRules({
    path, ownHosts: new Set(['misskey.origin.example']), fetchList: withFetch ? fetchList : undefined, store: createListStore(redis), clock: systemClock, log: silent,
    onReload: (reload) => void reloads.push(reload), onList: (event) => void events.push(event), pollMs: 100,
  });
  open.push(rules);
  return rules;
}

const ids = ({ value }: InboxRules): readonly string[] => value.rules.map(({ id }) => id);
const isBlocked = ({ lists }: InboxRules, host: string): boolean => checkHosts([host], lists) !== undefined;
const ruleNamed = (id: string): string => `rules: [{ id: ${id}, action: drop, when: { field: type, op: eq, value: Create } }]\n`;
const subscribed = (url: string): string => `lists: [{ id: l, url: "${url}" }]\nblock: [l]\n`;

describe('openInboxRules()', () => {
  it('has no rules without a file', async () => {
    const rules = await openInboxRules({ path: undefined, ownHosts: new Set(), fetchList, store: undefined, clock: systemClock, log: silent });
    expect([ids(rules), isBlocked(rules, 'a.example')]).toEqual([[], false]);
    rules.close();
  });

  it('applies a good new file; a bad or missing one keeps the old rules and says why', async () => {
    const rules = await follow(ruleNamed('one'));
    put('rules.yaml', ruleNamed('two'));
    await until(() => ids(rules)[0] === 'two');
    put('rules.yaml', 'rules:\n  - id: three\n');
    await until(() => reloads.length === 2);
    expect(reloads[1]).toEqual({ ok: false, detail: 'line 2: rules.0.action: must be one of reject, drop, quarantine, limit, observe; line 2: rules.0.when: is missing' });
    rmSync(path);
    await until(() => reloads.length === 3);
    expect([reloads[2]?.ok, ids(rules)]).toEqual([false, ['two']]);
  });

  it('does not open with a bad file', async () => {
    await expect(follow('rules: 1')).rejects.toThrow('line 1: rules: must be a list of rules');
    await expect(follow('lists: [{ id: l, file: none.txt }]')).rejects.toThrow('list l: the file cannot be read (ENOENT)');
  });

  it('follows a list in a file beside it, and keeps it over a bad one', async () => {
    put('hosts.txt', 'a.example\n');
    const rules = await follow('lists: [{ id: l, file: hosts.txt, format: plain }]\nblock: [l]\n');
    expect([isBlocked(rules, 'x.a.example'), isBlocked(rules, 'b.example')]).toEqual([true, false]);
    put('hosts.txt', 'b.example\n');
    await until(() => isBlocked(rules, 'b.example'));
    put('hosts.txt', 'b.example\nnot a host\nc.example\n');
    await until(() => events.some(({ result }) => result === 'failed'));
    expect(events.at(-1)).toMatchObject({ id: 'l', detail: '1 unreadable entries, the first: "not a host" is no host name' });
    expect([isBlocked(rules, 'b.example'), isBlocked(rules, 'c.example')]).toEqual([true, false]);
    // The rules file is checked with its lists.
    put('rules.yaml', `${ruleNamed('one')}lists: [{ id: l, file: hosts.txt, format: plain }]\nblock: [l]\n`);
    await until(() => reloads.length === 1);
    expect([reloads[0]?.ok, ids(rules), isBlocked(rules, 'b.example')]).toEqual([false, [], true]);
  });

  it('subscribes, and a start without the list\'s server has what others knew', async () => {
    const url = 'https://lists.example/l.csv';
    served = { [url]: '#domain,#severity\nevil.example,suspend\n' };
    const first = await follow(subscribed(url));
    await until(() => isBlocked(first, 'evil.example'));
    await until(async () => (await redis.exists(stateKeys.inboxList('l'))) === 1);
    expect(await redis.pttl(stateKeys.inboxList('l'))).toBeGreaterThan(86_400_000);
    served = {};
    fetches = [];
    expect(isBlocked(await follow(subscribed(url)), 'evil.example')).toBe(true);
    expect(isBlocked(await follow(subscribed(url), false), 'evil.example')).toBe(true);
    expect(fetches).toEqual([]);
    // Another URL under the same name knows nothing of it.
    expect(isBlocked(await follow(subscribed('https://lists.example/other.csv')), 'evil.example')).toBe(false);
  });

  it('keeps what a list holds over a reload of the rules, and forgets a list that is gone', async () => {
    const url = 'https://lists.example/l.csv';
    served = { [url]: 'evil.example' };
    const rules = await follow(subscribed(url));
    await until(() => isBlocked(rules, 'evil.example'));
    served = {};
    put('rules.yaml', ruleNamed('one') + subscribed(url));
    await until(() => ids(rules)[0] === 'one');
    expect([isBlocked(rules, 'evil.example'), fetches]).toEqual([true, [url]]);
    put('rules.yaml', ruleNamed('two'));
    await until(() => ids(rules)[0] === 'two');
    expect(isBlocked(rules, 'evil.example')).toBe(false);
  });

  it('refuses everybody for now while an allow list was never loaded', async () => {
    const url = 'https://lists.example/l.csv';
    const rules = await follow(`lists: [{ id: l, url: "${url}" }]\nallow: [l]\n`);
    expect(checkHosts(['a.example'], rules.lists)?.code).toBe('SEKISHO_INBOX_LISTS_AWAY');
    expect(checkHosts(['misskey.origin.example'], rules.lists)).toBeUndefined();
  });
});

describe('createListStore()', () => {
  const spec: ListSpec = { id: 'l', source: { kind: 'url', url: 'https://lists.example/', refreshMs: 1 }, format: 'csv', severities: new Set(['suspend']) };

  it.each(['', 'x', '{}', '{"v":2}', '[]'])('takes %j for no copy', async (text) => {
    await redis.set(stateKeys.inboxList('l'), text);
    expect(await createListStore(redis).read(spec)).toBeUndefined();
  });

  it('knows nothing without Redis, and says so at once', async () => {
    const gone = new Redis({ port: 1, lazyConnect: true, retryStrategy: () => null });
    const store = createListStore(gone);
    expect(await store.read(spec)).toBeUndefined();
    await store.write(spec, { hosts: new Set(), fetchedAtMs: 0 });
    gone.disconnect();
  });
});
