import { describe, expect, it } from '@jest/globals';
import { hostLabel } from '@sekisho/testkit/arbitraries';
import fc from 'fast-check';
import { createHostMatcher, HOST_LIST_ENTRIES_MAX, parseHostList } from './host-list.ts';

describe('createHostMatcher()', () => {
  const matches = createHostMatcher(['evil.example', '*.Bücher.example', '.dots.example.', 'bad', '10.0.0.1', '[2606:4700::1]']);

  it.each(['evil.example', 'EVIL.example.', 'a.b.evil.example', 'bücher.example', 'x.xn--bcher-kva.example', 'dots.example', 'a.bad', '10.0.0.1', '2606:4700::1'])(
    'matches %s',
    (host) => {
      expect(matches(host.includes('::') ? `[${host}]` : host)).toBe(true);
    },
  );

  it.each(['notevil.example', 'evil.example.org', 'example', '', '.', 'a b', '10.0.0.10', 'evil.example/x', 'evil.example:80'])(
    'does not match %j',
    (host) => {
      expect(matches(host)).toBe(false);
    },
  );

  it('matches on label borders only', () => {
    fc.assert(
      fc.property(hostLabel(), hostLabel(), (name, front) => {
        const one = createHostMatcher([`${name}.example`]);
        expect(one(`${front}.${name}.example`)).toBe(true);
        expect(one(`${front}${name}.example`)).toBe(false);
      }),
    );
  });
});

describe('parseHostList()', () => {
  it('reads hosts, comments, blank lines and CRLF', () => {
    const text = '# list\r\n\r\nEvil.example  # why\r\n*.a.example\n  bücher.example.\nevil.example';
    expect(parseHostList(text)).toEqual({ ok: true, suffixes: ['evil.example', 'a.example', 'xn--bcher-kva.example'] });
    expect(parseHostList('')).toEqual({ ok: true, suffixes: [] });
  });

  it('names the lines that are no hosts', () => {
    const parsed = parseHostList('a.example\nhttps://b.example/\nc d\n\ne.example:80');
    expect(parsed).toMatchObject({ ok: false, errors: [{ line: 2 }, { line: 3 }, { line: 5 }] });
  });

  it('takes 100,000 hosts and not one more', () => {
    const list = Array.from({ length: HOST_LIST_ENTRIES_MAX }, (_, at) => `h${at}.example`).join('\n');
    expect(parseHostList(list).ok).toBe(true);
    expect(parseHostList(`${list}\none.more.example`)).toMatchObject({ ok: false, errors: [{ line: HOST_LIST_ENTRIES_MAX + 1 }] });
  });

  it('reports at most 20 errors', () => {
    const parsed = parseHostList('a b\n'.repeat(1_000));
    expect(parsed.ok ? 0 : parsed.errors.length).toBe(20);
  });
});
