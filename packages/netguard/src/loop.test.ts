import { describe, expect, it } from '@jest/globals';
import { cpuMsOf } from '@sekisho/testkit/cpu-time';
import fc from 'fast-check';
import { splitList } from './list-header.ts';
import { checkLoop, loopIdentity, outgoingLoopHeaders, pseudonymOf } from './loop.ts';

const identity = loopIdentity('misskey.origin.example', ['media.origin.example', 'B\u00fccher.Origin.Example', '[2001:db8::7]']);
const SELF = identity.pseudonym;
const check = (via: string[], cdnLoop: string[] = []): ReturnType<typeof checkLoop> => checkLoop({ via, cdnLoop }, identity);

describe('pseudonymOf()', () => {
  it('is the same for every spelling of the host and different for others', () => {
    expect(pseudonymOf('Misskey.Origin.Example.')).toBe(SELF);
    expect(SELF).toMatch(/^sekisho-[0-9a-f]{16}$/);
    expect(pseudonymOf('misskey.peer.example')).not.toBe(SELF);
  });
});

describe('checkLoop()', () => {
  it.each<[string, string[], string[]]>([
    ['our pseudonym', [`1.1 ${SELF}`], []],
    ['in upper case', [`1.1 ${SELF.toUpperCase()}`], []],
    ['with a comment', [`1.1 a, 1.1 ${SELF} (x)`], []],
    ['on a second line', ['1.1 a', `1.1 ${SELF}`], []],
    ['after a comment with a comma', [`1.1 a (x, y), 1.1 ${SELF}`], []],
    ['after a nested comment', [`1.1 a (b (c, d) e), 1.1 ${SELF}`], []],
    ['with a protocol name and tabs', [`HTTP/1.1\t${SELF}`], []],
    ['our host', ['1.1 misskey.origin.example'], []],
    ['our host with port, dot and case', ['1.1 MISSKEY.origin.example.:443'], []],
    ['a further own host', ['2 media.origin.example'], []],
    ['hidden behind an open comment', [`1.1 a (, 1.1 ${SELF}`], []],
    ['our host hidden behind an open comment', ['1.1 a (, 1.1 misskey.origin.example'], []],
    ['our host hidden behind an open quote', ['1.1 a"b, 1.1 misskey.origin.example'], []],
    ['our host with two dots', ['1.1 misskey.origin.example..'], []],
    ['our host with a port too long', ['1.1 misskey.origin.example:4430000'], []],
    ['our host with an empty port', ['1.1 misskey.origin.example:'], []],
    ['our host with a port and two dots', [], ['misskey.origin.example..:443']],
    ['an own host given in Unicode', ['1.1 xn--bcher-kva.origin.example'], []],
    ['an own host given in Unicode, in capitals with a port', [], ['XN--BCHER-KVA.origin.example.:443']],
    ['an own host written in UTF-8', ['1.1 b\u00c3\u00bccher.origin.example'], []],
    ['an own IPv6 literal', ['1.1 [2001:DB8:0::7]:443'], []],
    ['an own IPv6 literal in CDN-Loop', [], ['[2001:db8::7]']],
    ['CDN-Loop only', [], ['misskey.origin.example']],
    ['CDN-Loop with parameters', [], ['cloudflare; loops=1, MISSKEY.origin.example; a="b,c"']],
    ['CDN-Loop with port', [], ['misskey.origin.example:8443']],
    ['CDN-Loop, two lines', [], ['fastly', 'misskey.origin.example']],
    ['CDN-Loop with our pseudonym', [], [SELF]],
    ['CDN-Loop behind an open quote', [], ['a; b="c, misskey.origin.example']],
    ['six Via entries', ['1.1 a, 1.1 b, 1.1 c', '1.1 d, 1.1 e, 1.1 f'], []],
    ['six broken Via entries', ['a, b, c, d, e, f'], []],
    ['six CDN-Loop entries', [], ['a, b, c, d, e, f']],
    ['more than 1 KiB', [`1.1 a (${'x'.repeat(1_024)})`], []],
  ])('calls %s a loop', (_name, via, cdnLoop) => {
    expect(check(via, cdnLoop)).toMatchObject({ ok: false, code: 'SEKISHO_LOOP' });
  });

  it.each<[string, [string[], string[]], string[], string[]]>([
    ['nothing', [[], []], [], []],
    ['others', [['1.1 a, 2 b.peer.example:80 (c)'], ['cloudflare']], ['1.1 a', '2 b.peer.example:80 (c)'], ['cloudflare']],
    ['five entries', [['1.1 a,1.1 b,1.1 c', '1.1 d,1.1 e'], []], ['1.1 a', '1.1 b', '1.1 c', '1.1 d', '1.1 e'], []],
    ['empty list elements', [[', ,1.1 a,, '], [',,']], ['1.1 a'], []],
    ['a comment with a comma', [['1.1 a (x, y \\) (z), w)'], []], ['1.1 a (x, y \\) (z), w)'], []],
    ['entries that do not parse', [['1.1 misskey/media-proxy-worker, 1.1 a, b'], ['a b, c']], ['1.1 a'], ['c']],
    ['a host that only begins or ends like ours', [['1.1 notmisskey.origin.example'], ['misskey.origin.example.peer.example']], ['1.1 notmisskey.origin.example'], ['misskey.origin.example.peer.example']],
    ['our host in a comment', [['1.1 a (for misskey.origin.example)'], []], ['1.1 a (for misskey.origin.example)'], []],
    ['quoted parameters', [[], ['a; b="c, d"; e=f']], [], ['a; b="c, d"; e=f']],
    ['IPv6 received-by', [['1.1 [2001:db8::1]:80'], []], ['1.1 [2001:db8::1]:80'], []],
  ])('passes %s', (_name, [viaLines, cdnLoopLines], via, cdnLoop) => {
    expect(check(viaLines, cdnLoopLines)).toEqual({ ok: true, via, cdnLoop });
  });

  const token = fc.stringMatching(/^[a-z0-9._-]{1,12}$/);
  const comment = fc.stringMatching(/^[a-z ,"]{0,12}$/).map((text) => ` (${text})`);
  const entry = fc.tuple(token, fc.option(comment, { nil: '' })).map(([who, note]) => `1.1 ${who}${note}`);

  it('keeps honest entries however they are spread over lines, and finds us among them', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), fc.nat(4), (entries, splits, at) => {
        const lines = (list: string[]): string[] =>
          list.reduce<string[]>((out, next, index) => {
            if (splits[index % 4] === true || out.length === 0) return [...out, next];
            return [...out.slice(0, -1), `${out.at(-1)}, ${next}`];
          }, []);
        expect(check(lines(entries))).toEqual({ ok: true, via: entries, cdnLoop: [] });
        const withUs = [...entries.slice(0, at), `1.1 ${SELF}`, ...entries.slice(at)];
        expect(check(lines(withUs)).ok).toBe(false);
      }),
    );
  });

  it('never throws, keeps at most five entries and one KiB, and what it keeps passes again', () => {
    const noise = fc.array(fc.string({ unit: fc.constantFrom('1', '.', ' ', 'a', '(', ')', '"', '\\', ',', ';', '=', '/', '\t'), maxLength: 40 }), { maxLength: 3 });
    fc.assert(
      fc.property(noise, noise, (via, cdnLoop) => {
        const verdict = check(via, cdnLoop);
        if (!verdict.ok) return;
        for (const kept of [verdict.via, verdict.cdnLoop]) {
          expect(kept.length).toBeLessThanOrEqual(5);
          expect(kept.join(', ').length).toBeLessThanOrEqual(1_024);
        }
        expect(check([verdict.via.join(', ')], [verdict.cdnLoop.join(', ')])).toEqual(verdict);
      }),
      { numRuns: 1_000 },
    );
  });

  it('finds an own host in every case, with dots and a port, wherever it stands', () => {
    const host = fc.mixedCase(fc.constantFrom(...identity.hosts).filter((name) => !name.includes(':')));
    const dressed = fc.tuple(host, fc.constantFrom('', '.', '..'), fc.constantFrom('', ':443', ':65535', ':')).map((parts) => parts.join(''));
    fc.assert(
      fc.property(dressed, fc.array(entry, { maxLength: 3 }), fc.nat(3), (us, entries, at) => {
        expect(check([...entries.slice(0, at), `1.1 ${us}`, ...entries.slice(at)]).ok).toBe(false);
        expect(check([], [us]).ok).toBe(false);
        expect(check([], [`${us}; a="b"`]).ok).toBe(false);
      }),
    );
  });

  it('finds us when our own outgoing headers come back', () => {
    const headers = outgoingLoopHeaders({ via: ['1.1 a'], cdnLoop: ['b'] }, identity);
    expect(headers).toEqual({ via: `1.1 a, 1.1 ${SELF}`, 'cdn-loop': 'b, misskey.origin.example' });
    expect(check([headers.via]).ok).toBe(false);
    expect(check([], [headers['cdn-loop']]).ok).toBe(false);
  });

  it('reads 16 KiB of the worst input quickly', () => {
    expect(cpuMsOf(() => {
      for (const char of ['(', '"', '\\', ',', '1.1 a ', 'a;b=']) check([char.repeat(16_384 / char.length)], [char.repeat(16_384 / char.length)]);
    })).toBeLessThan(2_000);
  });
});

describe('splitList()', () => {
  it('says when something was left open, nested too deep or cut', () => {
    expect(splitList(['a (b'], { comments: true }).broken).toBe(true);
    expect(splitList(['a "b'], { comments: false }).broken).toBe(true);
    expect(splitList(['('.repeat(9)], { comments: true }).broken).toBe(true);
    expect(splitList(['a'.repeat(16_385)], { comments: true }).broken).toBe(true);
    expect(splitList(['a (b "c), "d"'], { comments: true })).toEqual({ elements: ['a (b "c)', '"d"'], broken: false });
  });
});
