import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeOutcome, FETCH_PATH, type FetchOutcome, OUTCOME_HEADER, parseOutcome } from '@sekisho/contracts';
import type { FetchService } from '../fetching/fetch-service.ts';
import { noFacts } from '../fetching/fetch-service.ts';
import { request as fetchRequest, TOKEN } from '../testing/rig.ts';
import { type FetchServer, type Finished, startFetchServer } from './server.ts';

let server: FetchServer;
let calls = 0;
const finished: Finished[] = [];
const outcome: FetchOutcome = { kind: 'deny', code: 'SEKISHO_TARGET_NAME' };
const service: FetchService = {
  running: 0,
  fetch: () => {
    calls += 1;
    return Promise.resolve({ outcome, facts: noFacts() });
  },
};

beforeAll(async () => {
  server = await startFetchServer({
    host: '127.0.0.1', port: 0, token: Buffer.from(TOKEN), hosts: undefined, service, onFinished: (one) => finished.push(one), onUnauthorized: () => undefined,
  });
});
afterAll(async () => {
  await server.close();
});

const body = JSON.stringify(fetchRequest('https://a.origin.example/'));

/** Raw, because an HTTP library would correct or refuse what an attacker sends. */
async function send(lines: readonly string[], content = body): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  const all = [...lines, `content-length: ${Buffer.byteLength(content)}`, 'connection: close'].map((line) => line.replace('{port}', String(server.port)));
  socket.write(`${all.join('\r\n')}\r\n\r\n${content}`);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return text;
}

const POST = `POST ${FETCH_PATH} HTTP/1.1`;
const HOST = 'host: 127.0.0.1:{port}';
const AUTH = `authorization: Bearer ${TOKEN}`;

describe('the internal port', () => {
  it('answers the right request with 200 and the outcome', async () => {
    for (const host of [HOST, 'host: localhost:{port}']) {
      const text = await send([POST, host, AUTH]);
      expect(text).toMatch(/^HTTP\/1\.1 200 /);
      const header = new RegExp(`${OUTCOME_HEADER}: (\\S+)`, 'i').exec(text)?.[1];
      expect(header).toBe(encodeOutcome(outcome));
      expect(parseOutcome(header)).toEqual({ ok: true, outcome });
    }
    expect(finished.at(-1)).toMatchObject({ requestId: 'request-1', outcome, bytes: 0 });
  });

  it.each([
    ['no token', [POST, HOST]],
    ['an empty token', [POST, HOST, 'authorization: Bearer ']],
    ['a token too long', [POST, HOST, `${AUTH}0`]],
    ['a token too short', [POST, HOST, AUTH.slice(0, -1)]],
    ['another token', [POST, HOST, `authorization: Bearer ${'0'.repeat(64)}`]],
    ['another scheme', [POST, HOST, `authorization: Basic ${TOKEN}`]],
    ['two tokens', [POST, HOST, 'authorization: Bearer x', AUTH]],
    ['another host (DNS rebinding)', [POST, 'host: evil.example:{port}', AUTH]],
    ['the host without its port', [POST, 'host: 127.0.0.1', AUTH]],
    ['the host with a suffix', [POST, `${HOST}.evil.example`, AUTH]],
    ['two hosts', [POST, 'host: evil.example', HOST, AUTH]],
    ['an origin (a browser)', [POST, HOST, AUTH, 'origin: https://evil.example']],
    ['an empty origin', [POST, HOST, AUTH, 'origin:']],
    ['a wrong path without token', ['POST / HTTP/1.1', HOST]],
    ['a body that does not parse without token', [POST, HOST]],
  ])('refuses %s with 403 and does nothing', async (name, lines) => {
    const before = calls;
    const text = await send(lines, name.includes('parse') ? '{' : body);
    // Node itself refuses two Host headers with 400.
    expect(text).toMatch(name === 'two hosts' ? /^HTTP\/1\.1 40[03] / : /^HTTP\/1\.1 403 /);
    expect(text).not.toContain(OUTCOME_HEADER);
    expect(calls).toBe(before);
  });

  it.each([
    ['POST / HTTP/1.1', 404], [`POST ${FETCH_PATH}/ HTTP/1.1`, 404], [`POST ${FETCH_PATH}?a=1 HTTP/1.1`, 404], [`GET ${FETCH_PATH} HTTP/1.1`, 405], [`PUT ${FETCH_PATH} HTTP/1.1`, 405],
  ])('answers %s with %i', async (line, status) => {
    expect(await send([line, HOST, AUTH])).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it.each([
    ['no JSON', '{', 'SEKISHO_CONTRACT_INVALID'],
    ['another version', JSON.stringify({ ...fetchRequest('https://a.origin.example/'), v: 2 }), 'SEKISHO_CONTRACT_VERSION'],
    ['an unknown key', JSON.stringify({ ...fetchRequest('https://a.origin.example/'), x: 2 }), 'SEKISHO_CONTRACT_INVALID'],
    ['two ranges', JSON.stringify({ ...fetchRequest('https://a.origin.example/'), range: 'bytes=0-1,3-4' }), 'SEKISHO_CONTRACT_INVALID'],
  ])('answers %s with its code', async (_name, content, code) => {
    const header = /sekisho-outcome: (\S+)/i.exec(await send([POST, HOST, AUTH], content))?.[1];
    expect(parseOutcome(header)).toEqual({ ok: true, outcome: { kind: 'fault', code } });
  });

  it('takes 16 KiB of body and not more', async () => {
    const pad = (length: number): string => body + ' '.repeat(length - body.length);
    expect(await send([POST, HOST, AUTH], pad(16 * 1_024))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await send([POST, HOST, AUTH], pad(16 * 1_024 + 1))).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('refuses headers above 8 KiB', async () => {
    expect(await send([POST, HOST, AUTH, `x-pad: ${'a'.repeat(9_000)}`])).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('does not wait for a body that never comes', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write(`${POST}\r\n${HOST.replace('{port}', String(server.port))}\r\n${AUTH}\r\ncontent-length: 100\r\n\r\n`);
    const startedMs = performance.now();
    await once(socket, 'close');
    expect(performance.now() - startedMs).toBeLessThan(9_000);
  }, 15_000);
});

describe('leave()', () => {
  it('answers, and ends each connection with its answer', async () => {
    const leaving = await startFetchServer({
      host: '127.0.0.1', port: 0, token: Buffer.from(TOKEN), hosts: undefined, service, onFinished: () => undefined, onUnauthorized: () => undefined,
    });
    const socket = connect(leaving.port, '127.0.0.1');
    const head = [POST, HOST.replace('{port}', String(leaving.port)), AUTH, `content-length: ${Buffer.byteLength(body)}`].join('\r\n');
    const exchange = async (): Promise<string> => {
      socket.write(`${head}\r\n\r\n${body}`);
      return String(await once(socket, 'data'));
    };
    expect(await exchange()).toMatch(/connection: keep-alive/i);
    leaving.leave();
    const closed = once(socket, 'close');
    expect(await exchange()).toMatch(/^HTTP\/1\.1 200 [^]*connection: close/i);
    await closed;
    await leaving.close();
  });
});
