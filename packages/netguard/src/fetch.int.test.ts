import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHostMatcher } from './host-list.ts';
import { type Rig, startRig } from './testing/rig.ts';
import { type BareServer, response, startBare } from './testing/servers.ts';

let server: BareServer;
let rig: Rig;
const at = (path: string, host = 'a.origin.example'): string => `http://${host}:${server.port}${path}`;

/** The path says what to answer: `/to/302/<location>`, `/hop/<redirects left>`, `/raw/<bytes>`, `/long`, `/status/<status>`. */
const answers: Readonly<Record<string, (rest: string) => string>> = {
  to: (rest) => response(Number(rest.slice(0, 3)), { location: decodeURIComponent(rest.slice(4)) }),
  hop: (rest) => response(302, { location: Number(rest) > 0 ? `/hop/${Number(rest) - 1}` : '/ok' }),
  raw: (rest) => decodeURIComponent(rest),
  long: () => response(302, { location: `/${'x'.repeat(8_192)}` }),
  status: (rest) => response(Number(rest), {}, 'body'),
  ok: () => response(200, { 'content-type': 'image/png', 'x-a': '1', 'X-A': '2', etag: '"e"' }, 'hello'),
};

beforeAll(async () => {
  server = await startBare((socket, head) => {
    const [, kind = '', rest = ''] = /^\S+ \/([a-z]+)\/?(\S*)/.exec(head) ?? [];
    socket.end(answers[kind]!(rest), 'latin1');
  });
  rig = await startRig({
    allow: [`127.0.0.1:${server.port}`],
    dnsMs: 400,
    zone: { 'silent.origin.example': { silent: true }, 'fail.origin.example': { rcode: 'SERVFAIL' }, 'none.origin.example': {}, 'gone.origin.example': { rcode: 'NXDOMAIN' } },
  });
});
afterAll(async () => {
  await rig.stop();
  await server.stop();
});

const to = (status: number, location: string): string => at(`/to/${status}/${encodeURIComponent(location)}`);
const raw = (text: string): string => at(`/raw/${encodeURIComponent(text)}`);

describe('guardedFetch()', () => {
  it('returns status, headers and body, and leaves no connection behind', async () => {
    const answer = await rig.fetch(at('/ok?x#y'));
    expect(answer).toMatchObject({ kind: 'response', status: 200, redirects: 0, finalHost: 'a.origin.example', finalOrigin: `http://a.origin.example:${server.port}`, finalUrl: at('/ok?x') });
    if (answer.kind !== 'response') return;
    expect(answer.headers).toMatchObject({ 'content-type': 'image/png', etag: '"e"', 'x-a': '1, 2' });
    expect(await answer.body.toArray().then((chunks) => Buffer.concat(chunks as Buffer[]).toString())).toBe('hello');
    expect(await server.idle(2_000)).toBe(true);
    answer.close();
  });

  it('sends its name, the loop headers and what was asked, and nothing else', async () => {
    await rig.read(at('/ok', 'A.origin.example.'), {
      headers: { accept: 'image/*', range: 'bytes=0-9', ifRange: '"e"' },
      loop: { via: ['1.1 other'], cdnLoop: ['cloudflare'] },
    });
    const lines = server.requests.at(-1)!.split('\r\n');
    expect(lines[0]).toBe('GET /ok HTTP/1.1');
    expect(lines.slice(1).map((line) => line.toLowerCase()).sort()).toEqual(
      [
        'accept-encoding: identity', 'accept: image/*', 'cdn-loop: cloudflare, misskey.origin.example', 'connection: close',
        `host: a.origin.example:${server.port}`, 'if-range: "e"', 'range: bytes=0-9',
        'user-agent: sekisho/test (misskey/; +https://misskey.origin.example)', `via: 1.1 other, 1.1 ${rig.deps.identity.pseudonym}`,
      ].sort(),
    );
  });

  it('sends what is signed to the first hop only', async () => {
    const signed = { date: 'Wed, 25 Nov 2026 04:31:07 GMT', signature: 'keyId="k"' };
    const before = server.requests.length;
    await rig.read(to(302, '/ok'), { headers: { signed } });
    const [first = '', second = ''] = server.requests.slice(before);
    expect(first).toContain(`date: ${signed.date}\r\n`);
    expect(first).toContain('signature: keyId="k"');
    expect(second).toMatch(/^GET \/ok /);
    expect(second).not.toMatch(/^(?:date|signature):/im);
  });

  it.each([204, 206, 300, 304, 400, 404, 416, 429, 500, 503])('returns status %i as it is', async (status) => {
    const answer = await rig.fetch(at(`/status/${status}`));
    expect(answer).toMatchObject({ kind: 'response', status });
    if (answer.kind === 'response') answer.close();
    expect(await server.idle(2_000)).toBe(true);
  });

  it.each([301, 302, 303, 307, 308])('follows a %i, relative and to another host', async (status) => {
    expect(await rig.read(to(status, '/ok'))).toBe('200 hello');
    expect(await rig.read(to(status, `//b.origin.example:${server.port}/ok`))).toBe('200 hello');
    const answer = await rig.fetch(to(status, at('/ok', 'b.origin.example')));
    expect(answer).toMatchObject({ finalHost: 'b.origin.example', redirects: 1 });
    if (answer.kind === 'response') answer.close();
  });

  it('follows three redirects and not four', async () => {
    expect(await rig.read(at('/hop/2'))).toBe('200 hello');
    expect(await rig.read(at('/hop/3'))).toBe('SEKISHO_UPSTREAM_REDIRECTS');
    expect(await rig.read(at('/hop/0'), { redirectsMax: 0 })).toBe('SEKISHO_UPSTREAM_REDIRECTS');
  });

  it.each<[string, string]>([
    ['https://misskey.origin.example/proxy/x?url=y', 'SEKISHO_LOOP'],
    ['http://MISSKEY.origin.example.:9/', 'SEKISHO_LOOP'],
    ['https://b.origin.example:22/', 'SEKISHO_TARGET_URL'],
    ['ftp://b.origin.example/', 'SEKISHO_TARGET_URL'],
    ['https://u:p@b.origin.example/', 'SEKISHO_TARGET_URL'],
    ['https://redis/', 'SEKISHO_TARGET_NAME'],
    ['http://10.0.0.1/', 'SEKISHO_TARGET_ADDRESS'],
    ['http://[', 'SEKISHO_UPSTREAM_REDIRECTS'],
    ['http://a b/', 'SEKISHO_UPSTREAM_REDIRECTS'],
    ['', 'SEKISHO_UPSTREAM_REDIRECTS'],
  ])('answers a redirect to %s with %s', async (location, code) => {
    expect(await rig.read(to(302, location))).toBe(code);
    expect(await server.idle(2_000)).toBe(true);
  });

  it('refuses a redirect to a blocked host, and without or with a doubtful Location', async () => {
    const rules = { ...rig.deps.rules, blockedHosts: createHostMatcher(['b.origin.example']) };
    const blocking = await startRig({ allow: [`127.0.0.1:${server.port}`], deps: { rules } });
    expect(await blocking.read(to(302, at('/ok', 'x.b.origin.example')))).toBe('SEKISHO_TARGET_BLOCKED');
    expect(await blocking.read(to(302, at('/ok', 'c.origin.example')))).toBe('200 hello');
    await blocking.stop();
    expect(await rig.read(at('/long'))).toBe('SEKISHO_UPSTREAM_REDIRECTS');
    expect(await rig.read(raw('HTTP/1.1 302 X\r\ncontent-length: 0\r\n\r\n'))).toBe('SEKISHO_UPSTREAM_REDIRECTS');
    expect(await rig.read(raw('HTTP/1.1 302 X\r\nlocation: /ok\u0001\r\ncontent-length: 0\r\n\r\n'))).toMatch(/^SEKISHO_UPSTREAM_(REDIRECTS|FAULT)$/);
  });

  it.each<[string, string]>([
    ['silent.origin.example', 'SEKISHO_UPSTREAM_DNS'],
    ['fail.origin.example', 'SEKISHO_UPSTREAM_DNS'],
    ['none.origin.example', 'SEKISHO_TARGET_UNRESOLVED'],
    ['gone.origin.example', 'SEKISHO_TARGET_UNRESOLVED'],
  ])('answers %s with %s', async (host, code) => {
    expect(await rig.read(at('/ok', host))).toBe(code);
  });

  it.each<[string, string]>([
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n'],
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200 X\r\nconte'],
    ['two lengths', 'HTTP/1.1 200 X\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['length and chunks', 'HTTP/1.1 200 X\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['an upgrade', 'HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'],
    ['17 KiB of headers', `HTTP/1.1 200 X\r\nx: ${'y'.repeat(17 * 1_024)}\r\n\r\n`],
  ])('calls %s a fault of the upstream', async (_name, text) => {
    const own = await startBare((socket) => socket.end(text));
    const ownRig = await startRig({ allow: [`127.0.0.1:${own.port}`] });
    expect(await ownRig.read(`http://a.origin.example:${own.port}/`)).toBe('SEKISHO_UPSTREAM_FAULT');
    expect(await own.idle(2_000)).toBe(true);
    await ownRig.stop();
    await own.stop();
  });

  it('calls a refused connection so, and tries the next vetted address', async () => {
    const closed = await startBare();
    const { port } = closed;
    await closed.stop();
    const ownRig = await startRig({
      allow: [`127.0.0.1:${port}`, `127.0.0.7:${server.port}`, `127.0.0.1:${server.port}`],
      zone: { 'two.origin.example': { a: ['127.0.0.7', '127.0.0.1'] } },
    });
    expect(await ownRig.read(`http://a.origin.example:${port}/`)).toBe('SEKISHO_UPSTREAM_CONNECT');
    expect(await ownRig.read(at('/ok', 'two.origin.example'))).toBe('200 hello');
    await ownRig.stop();
  });

  it('takes a slot of the host for each hop and gives it back', async () => {
    const log: string[] = [];
    const acquire = async (host: string): Promise<{ ok: true; release: () => void }> => {
      log.push(`+${host}`);
      return { ok: true, release: () => log.push(`-${host}`) };
    };
    const ownRig = await startRig({ allow: [`127.0.0.1:${server.port}`], deps: { acquire } });
    expect(await ownRig.read(to(302, at('/ok', 'b.origin.example')))).toBe('200 hello');
    await server.idle(2_000);
    expect([...log].sort()).toEqual(['+a.origin.example', '+b.origin.example', '-a.origin.example', '-b.origin.example']);
    expect(await ownRig.read('http://10.0.0.1/')).toBe('SEKISHO_TARGET_ADDRESS');
    expect(log.length).toBe(4);
    await ownRig.stop();
    const full = await startRig({ allow: [`127.0.0.1:${server.port}`], deps: { acquire: async () => ({ ok: false, code: 'SEKISHO_UPSTREAM_PAUSED', retryAfterS: 7 }) } });
    expect(await full.fetch(at('/ok'))).toMatchObject({ kind: 'fault', code: 'SEKISHO_UPSTREAM_PAUSED', retryAfterS: 7 });
    await full.stop();
  });
});
