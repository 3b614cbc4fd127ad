import { describe, expect, it } from '@jest/globals';
import { headerList } from '@sekisho/testkit/arbitraries';
import fc from 'fast-check';
import { HEADER_LINES_MAX, type RequestFacts, readAnswerHead, readRequestHead } from './head.ts';

const forwarding = { clientAddress: '203.0.113.9', requestId: 'request-1', proto: 'https', publicHost: 'misskey.example' };
const OURS = ['X-Forwarded-For', '203.0.113.9', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'misskey.example', 'X-Request-Id', 'request-1'];
const ask = (rawHeaders: string[], over: Partial<RequestFacts> = {}): RequestFacts => ({
  method: 'GET', url: '/a', httpVersion: '1.1', rawHeaders: ['Host', 'misskey.example', ...rawHeaders], ...over,
});
const sent = (rawHeaders: string[]): string[] => {
  const head = readRequestHead(ask(rawHeaders), forwarding);
  if (!head.ok) throw new Error(head.detail);
  return head.headers.slice(2, -OURS.length);
};

describe('readRequestHead()', () => {
  it('keeps order, case and repeats, and adds who the client is', () => {
    const head = readRequestHead(ask(['cOOkie', 'a=1', 'Cookie', 'b=2', 'X-Ünusual', 'ö']), forwarding);
    expect(head).toEqual({
      ok: true,
      bodyBytes: 0,
      headers: ['Host', 'misskey.example', 'cOOkie', 'a=1', 'Cookie', 'b=2', 'X-Ünusual', 'ö', ...OURS],
    });
  });

  it.each([
    'Connection', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Trailer', 'Upgrade', 'Proxy-Authorization', 'Expect',
    'x-forwarded-for', 'X-FORWARDED-FOR', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'Forwarded', 'X-Real-IP', 'X-Request-Id',
  ])('drops %s', (name) => {
    expect(sent([name, 'x', 'X-Kept', '1'])).toEqual(['X-Kept', '1']);
  });

  it.each<[string, string[], string[]]>([
    ['named headers', ['Connection', 'X-A, keep-alive', 'X-A', '1', 'x-a', '2', 'X-B', '3'], ['X-B', '3']],
    ['over two lines', ['Connection', 'X-A', 'connection', 'X-B', 'X-A', '1', 'X-B', '2', 'X-C', '3'], ['X-C', '3']],
    ['framing stays', ['Connection', 'content-length, host, content-type', 'Content-Type', 'a/b'], ['Content-Type', 'a/b']],
    ['nothing for nothing', ['Connection', ', ,', 'X-A', '1'], ['X-A', '1']],
  ])('Connection: %s', (_name, raw, kept) => {
    expect(sent(raw)).toEqual(kept);
  });

  it.each<[string, RequestFacts, boolean]>([
    ['a plain GET', ask([]), true],
    ['a length', ask(['Content-Length', '5'], { method: 'POST' }), true],
    ['chunked', ask(['Transfer-Encoding', 'Chunked'], { method: 'POST' }), true],
    ['both', ask(['Transfer-Encoding', 'chunked', 'Content-Length', '5'], { method: 'POST' }), false],
    ['two lengths', ask(['Content-Length', '5', 'Content-Length', '5'], { method: 'POST' }), false],
    ['a list of lengths', ask(['Content-Length', '5, 5'], { method: 'POST' }), false],
    ['a signed length', ask(['Content-Length', '+5'], { method: 'POST' }), false],
    ['a hexadecimal length', ask(['Content-Length', '0x5'], { method: 'POST' }), false],
    ['an empty length', ask(['Content-Length', ''], { method: 'POST' }), false],
    ['gzip and chunked', ask(['Transfer-Encoding', 'gzip, chunked'], { method: 'POST' }), false],
    ['two encodings', ask(['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], { method: 'POST' }), false],
    ['identity', ask(['Transfer-Encoding', 'identity'], { method: 'POST' }), false],
    ['chunked in HTTP/1.0', ask(['Transfer-Encoding', 'chunked'], { method: 'POST', httpVersion: '1.0' }), false],
    ['two hosts', ask(['host', 'other.example']), false],
    ['no host', { ...ask([]), rawHeaders: [] }, false],
    ['a host with a path', { ...ask([]), rawHeaders: ['Host', 'a/b'] }, false],
    ['a host with a user', { ...ask([]), rawHeaders: ['Host', 'u@a'] }, false],
    ['a host with a port', { ...ask([]), rawHeaders: ['Host', 'a.example:8080'] }, true],
    ['an IPv6 host', { ...ask([]), rawHeaders: ['Host', '[::1]:8080'] }, true],
    ['raw path with dots and escapes', ask([], { url: '/a/../b/%2e%2e//c?x=%00&y' }), true],
    ['absolute form', ask([], { url: 'http://a.example/' }), false],
    ['authority form', ask([], { url: 'a.example:80' }), false],
    ['asterisk form', ask([], { url: '*', method: 'OPTIONS' }), false],
    ['a fragment', ask([], { url: '/a#b' }), false],
    ['an 8-bit byte', ask([], { url: '/\u00e4' }), false],
    ['as many lines as there may be', ask(Array.from({ length: (HEADER_LINES_MAX - 1) * 2 }, () => 'x')), true],
    ['one line more', ask(Array.from({ length: HEADER_LINES_MAX * 2 }, () => 'x')), false],
  ])('%s', (_name, facts, isFine) => {
    expect(readRequestHead(facts, forwarding).ok).toBe(isFine);
  });

  it.each([['TRACE', false], ['CONNECT', false], ['PROPFIND', false], ['get', false], ['DELETE', true], ['PATCH', true], ['OPTIONS', true]])('%s', (method, isFine) => {
    const head = readRequestHead(ask([], { method }), forwarding);
    expect(head.ok).toBe(isFine);
    if (!head.ok) expect(head.code).toBe('SEKISHO_REQUEST_METHOD');
  });

  it('never lets a client speak for our own headers', () => {
    const lists = headerList(
      ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Request-ID', 'Connection', 'X-Own', 'Forwarded'],
      ['1.2.3.4', 'x-forwarded-for', 'x-request-id, x-own', 'close'],
    );
    fc.assert(fc.property(lists, (list) => {
      const head = readRequestHead(ask(list), forwarding);
      if (!head.ok) throw new Error('refused');
      expect(head.headers.slice(-OURS.length)).toEqual(OURS);
      const names = head.headers.slice(0, -OURS.length).filter((_part, index) => index % 2 === 0).map((part) => part.toLowerCase());
      expect(names.filter((part) => part !== 'host' && part !== 'x-own')).toEqual([]);
    }));
  });
});

describe('readAnswerHead()', () => {
  it('keeps what belongs to the message and drops what belongs to the hop', () => {
    const raw = ['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'Connection', 'X-Hop', 'X-Hop', '1', 'Transfer-Encoding', 'chunked', 'X-Request-Id', 'other', 'Content-Length', '7'];
    expect(readAnswerHead(raw.map((part) => Buffer.from(part)), 200, 'request-1')).toEqual({
      headers: ['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'Content-Length', '7', 'X-Request-Id', 'request-1'],
      bodyBytes: 7,
    });
  });

  it('keeps 8-bit bytes, and no length of 204', () => {
    expect(readAnswerHead([Buffer.from('x'), Buffer.from([0xe4]), 'Content-Length', '0'], 204, 'r').headers).toEqual(['x', '\u00e4', 'X-Request-Id', 'r']);
  });
});
