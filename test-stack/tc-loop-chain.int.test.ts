// Two deployments that are asked for each other's proxy URLs, behind proxies that lose or rewrite what would show a loop.

import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer, request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { loopIdentity } from '@sekisho/netguard';
import { randomPorts } from '../scripts/local-stack/stack.ts';
import { type Answer, ask } from './client.ts';
import { type Fixture, START_MS, startFixture } from './fixture.ts';

jest.setTimeout(60_000);
const HOSTS = { one: 'one.peer.example', two: 'two.peer.example' } as const;
type Name = keyof typeof HOSTS;
type Edit = (headers: NodeJS.Dict<string | string[]>) => void;

interface Front {
  readonly server: Server;
  readonly port: number;
}

const KEEP: Edit = () => undefined;
/** Requests that a front saw, with the status they got. */
let seen: { readonly name: Name; readonly status: number }[] = [];
let edit: Edit = KEEP;
let fronts: Readonly<Record<Name, Front>>;
let one: Fixture;
let two: Fixture;
/** Paths of the origin that redirect to a proxy, so that no URL shows what it leads to. */
let hidden = 0;

beforeAll(async () => {
  const ports = { one: await randomPorts(1), two: await randomPorts(1) };
  fronts = { one: await startFront('one', ports.one.gateways[0] ?? 0), two: await startFront('two', ports.two.gateways[0] ?? 0) };
  const allowTargets = Object.values(fronts).map(({ port }) => `127.0.0.1:${port}`);
  one = await startFixture({ ports: ports.one, publicUrl: `https://${HOSTS.one}`, allowTargets });
  two = await startFixture({ ports: ports.two, publicUrl: `https://${HOSTS.two}`, allowTargets: [...allowTargets, one.origin.address] });
}, START_MS * 2);
afterAll(async () => {
  await two?.stop();
  await one?.stop();
  for (const { server } of Object.values(fronts ?? {})) server.closeAllConnections();
  for (const { server } of Object.values(fronts ?? {})) server.close();
});
beforeEach(() => {
  seen = [];
  edit = KEEP;
});

/** A reverse proxy in front of a gateway that edits the headers of what passes. */
async function startFront(name: Name, gatewayPort: number): Promise<Front> {
  const server = createServer((req: IncomingMessage, res: ServerResponse) => {
    const headers: NodeJS.Dict<string | string[]> = { ...req.headers };
    edit(headers);
    const upstream = request({ host: '127.0.0.1', port: gatewayPort, method: req.method, path: req.url, headers }, (answer) => {
      seen.push({ name, status: answer.statusCode ?? 0 });
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    upstream.on('error', () => res.destroy());
    upstream.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { server, port: address === null || typeof address === 'string' ? 0 : address.port };
}

const proxyUrl = (name: Name, inner: string): string => `http://${HOSTS[name]}:${fronts[name].port}/proxy/x.webp?url=${encodeURIComponent(inner)}&emoji=1`;
const askOne = async (inner: string): Promise<Answer> =>
  await ask(proxyUrl('one', inner).replace(HOSTS.one, '127.0.0.1'), { headers: { host: `${HOSTS.one}:${fronts.one.port}` } });

/** Each proxy URL names the next one openly. */
function nested(depth: number): string {
  const picture = one.origin.url('/picture');
  return Array.from({ length: depth }, (_, at): Name => (at % 2 === 0 ? 'one' : 'two')).reduce((inner, name) => proxyUrl(name, inner), picture);
}

/** The other proxy is asked for a URL that redirects back. */
function redirected(): string {
  hidden += 1;
  const path = `/back/${hidden}`;
  one.origin.serve(path, { status: 302, headers: { location: proxyUrl('one', one.origin.url(`/loop/${hidden}`)) } });
  return proxyUrl('two', one.origin.url(path));
}

const lines = (value: string | readonly string[] | undefined): string => (typeof value === 'string' ? value : (value ?? []).join(', '));
const withoutAgent: Edit = (headers) => delete headers['user-agent'];
const ownName = loopIdentity(HOSTS.one).pseudonym;

describe('a chain of two deployments', () => {
  const edits: readonly [string, Edit][] = [
    ['as it is', withoutAgent],
    ['Via over two lines', (headers) => { withoutAgent(headers); delete headers['cdn-loop']; headers['via'] = lines(headers['via']).split(', ').flatMap((hop) => ['1.0 cache', hop]); }],
    ['a comment with a comma', (headers) => { withoutAgent(headers); delete headers['cdn-loop']; headers['via'] = lines(headers['via']).replace(ownName, `$& (a, b)`); }],
    ['Via in capitals', (headers) => { withoutAgent(headers); delete headers['cdn-loop']; headers['via'] = lines(headers['via']).toUpperCase(); }],
    ['CDN-Loop only', (headers) => { withoutAgent(headers); delete headers['via']; }],
  ];
  it.each(edits)('that hides behind a redirect, %s: ends when it comes back', async (_name, change) => {
    edit = change;
    const answer = await askOne(redirected());
    expect(answer.status).toBe(502);
    expect(seen).toEqual([{ name: 'one', status: 508 }, { name: 'two', status: 502 }, { name: 'one', status: 502 }]);
    expect(one.origin.hits(`/loop/${hidden}`)).toBe(0);
  });

  it('ends at the next one already, as it knows the User-Agent of proxies', async () => {
    expect((await askOne(redirected())).status).toBe(403);
    expect(seen).toEqual([{ name: 'two', status: 403 }, { name: 'one', status: 403 }]);
  });

  it.each([2, 4, 6])('that names itself in %i levels ends before the first connection, even where all headers are lost', async (depth) => {
    edit = (headers) => {
      for (const name of ['via', 'cdn-loop', 'user-agent']) delete headers[name];
    };
    const answer = await askOne(nested(depth));
    expect(answer.status).toBe(508);
    expect(answer.headers['proxy-status']).toContain('proxy_loop_detected');
    expect(seen).toEqual([{ name: 'one', status: 508 }]);
  });

  it('passes a picture through one foreign proxy when nothing shows it: the control', async () => {
    edit = (headers) => {
      for (const name of ['via', 'cdn-loop', 'user-agent']) delete headers[name];
    };
    const answer = await askOne(proxyUrl('two', await one.publishPicture('png-avatar')));
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'image/webp']);
    expect(seen.map(({ name }) => name)).toEqual(['two', 'one']);
  });
});
