// The corpus of targets against CONNECT: every authority as it is, every host of a URL and every address in all places where
// it can stand, raw and through Misskey's client stack. Counted at listeners on the forbidden addresses.

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type DnsZone, corpusFolder, readSsrfCases } from '@sekisho/testkit';
import { type Listeners, startListeners } from './egress/listeners.ts';
import { type MisskeyClient, connectRaw, createMisskeyClient } from './egress/misskey-client.ts';
import { INSIDE } from './egress/zone.ts';
import { type Fixture, START_MS, eventually, startFixture } from './fixture.ts';

jest.setTimeout(60_000);
const AT_ONCE = 16;

const cases = readSsrfCases();
const blocked = cases.filter(({ expected }) => expected === 'blocked');
const urls = blocked.filter(({ kind }) => kind === 'url').map(({ input }) => input);
const addresses = blocked.filter(({ kind }) => kind === 'ip').map(({ input }) => input);
const authorities = blocked.filter(({ kind }) => kind === 'authority').map(({ input }) => input);
const allowedNames = cases.filter(({ kind, expected }) => kind === 'authority' && expected === 'allowed').map(({ input }) => input);

/** As a careless client would cut it out of a URL, and as the URL parser reads it. */
const hostsOf = (url: string): readonly string[] => {
  const cut = /^[a-z]+:\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(url)?.[1];
  return [cut, URL.parse(url)?.hostname].flatMap((host) => (host === undefined || host === '' ? [] : [host]));
};
const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** What may not stand in a request line at all. */
const isSendable = (text: string): boolean => !/[\s\0]/.test(text);

const namesInside = (): DnsZone => {
  const names = [...urls.flatMap(hostsOf), ...authorities.map((text) => text.split(':')[0] ?? '')].map((host) => host.toLowerCase().replace(/\.$/, ''));
  return Object.fromEntries(names.map((name) => [name, { a: [INSIDE] }]));
};

async function inParts<T>(items: readonly T[], ask: (item: T) => Promise<string | undefined>): Promise<readonly string[]> {
  const odd: string[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) odd.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(ask))).filter((each) => each !== undefined));
  return odd;
}

const withCorpus = corpusFolder() === undefined ? describe.skip : describe;

withCorpus('the corpus of targets against CONNECT (beside the repository; skipped without it)', () => {
  let stack: Fixture;
  let client: MisskeyClient;
  let listeners: Listeners;
  let ports: readonly number[] = [];

  beforeAll(async () => {
    stack = await startFixture({
      egressProxy: true,
      zone: { ...namesInside(), ...Object.fromEntries(allowedNames.map((text) => [text.split(':')[0] ?? '', { a: ['127.0.0.1'] }])) },
    });
    listeners = await startListeners(stack.tls.port);
    client = createMisskeyClient({ proxy: `http://127.0.0.1:${stack.egress.port}`, ca: stack.tls.ca ?? '' });
    ports = [443, stack.tls.port];
  }, START_MS);
  afterAll(async () => {
    client?.close();
    await listeners?.stop();
    await stack?.stop();
  });

  const isRefused = async (authority: string): Promise<string | undefined> => {
    const { status } = await connectRaw(stack.egress.port, authority);
    return [400, 403].includes(status) ? undefined : `${JSON.stringify(authority)}: ${status}`;
  };

  it('holds cases', () => {
    expect([urls.length, addresses.length, authorities.length].map((count) => count >= 30)).toEqual([true, true, true]);
    expect(listeners.addresses).toContain(`${INSIDE}:${stack.tls.port}`);
  });

  it('refuses every authority that is to be refused, each as it is written', async () => {
    const before = listeners.connections;
    expect(await inParts(authorities.filter(isSendable), isRefused)).toEqual([]);
    expect(listeners.connections).toBe(before);
  });

  it('refuses every host of a URL that is to be refused, on a port that would pass', async () => {
    const before = listeners.connections;
    // Some URLs are bad in their scheme or port and their host is not.
    const good = new Set(allowedNames.map((text) => text.split(':')[0]));
    const hosts = [...new Set(urls.flatMap(hostsOf))].filter((host) => isSendable(host) && !good.has(host.toLowerCase()));
    expect(hosts.length).toBeGreaterThan(150);
    expect(await inParts(hosts.flatMap((host) => ports.map((port) => `${host}:${port}`)), isRefused)).toEqual([]);
    expect(listeners.connections).toBe(before);
  });

  it('refuses every address, bare and in brackets, and the names that lead to it', async () => {
    const before = listeners.connections;
    const literals = addresses.flatMap((address) => [address, bracketed(address)]).filter(isSendable);
    expect(await inParts(literals.flatMap((host) => ports.map((port) => `${host}:${port}`)), isRefused)).toEqual([]);
    const named = addresses.filter((address) => /^[\d.]+$|^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(address) && !/^0\d|\.0\d/.test(address));
    for (const [at, address] of named.entries()) stack.dns.set(`address${at}.peer.example`, address.includes(':') ? { aaaa: [address] } : { a: [address] });
    expect(named.length).toBeGreaterThan(100);
    const answers = await inParts(named.map((address, at) => [address, `address${at}.peer.example:443`] as const), async ([address, authority]) => {
      const { status } = await connectRaw(stack.egress.port, authority);
      return status === 403 ? undefined : `${address}: ${status}`;
    });
    expect(answers).toEqual([]);
    expect(listeners.connections).toBe(before);
  });

  it('gives Misskey\'s client stack no answer for any URL that is to be refused', async () => {
    const before = listeners.connections;
    const web = urls.filter((url) => /^https?:/i.test(url));
    expect(web.length).toBeGreaterThan(200);
    const answered = await inParts(web, async (url) => await client.fetch(url).then(({ status }) => `${url}: ${status}`, () => undefined));
    expect(answered).toEqual([]);
    const onPort = web.flatMap((url) => {
      const parsed = URL.parse(url);
      if (parsed === null) return [];
      parsed.protocol = 'https:';
      parsed.port = String(stack.tls.port);
      return [parsed.href];
    });
    expect(await inParts(onPort, async (url) => await client.fetch(url).then(({ status }) => `${url}: ${status}`, () => undefined))).toEqual([]);
    expect(listeners.connections).toBe(before);
  });

  it('opens a tunnel for every name that is to be allowed (positive control)', async () => {
    const statuses = await Promise.all(allowedNames.map(async (text) => (await connectRaw(stack.egress.port, text.replace(/:443$/, `:${stack.tls.port}`))).status));
    expect(statuses).toEqual(allowedNames.map(() => 200));
    expect(await eventually(() => stack.tls.connections >= allowedNames.length, 2_000)).toBe(true);
  });
});
