import { describe, expect, it } from '@jest/globals';
import { cpuMsOf } from '@sekisho/testkit/cpu-time';
import fc from 'fast-check';
import { RULES_LIMITS } from '../limits.ts';
import { SPAM, create } from '../testing/posts.ts';
import { checkActivityHosts, checkHosts, nestedHosts } from './check.ts';
import { parseCsv } from './csv.ts';
import { holdsHost, readHost } from './host.ts';
import { type HostListUse, createHostLists, NO_HOST_LISTS } from './host-lists.ts';
import { LIST_FORMATS, type SourceRules, parseHostSource } from './source.ts';

describe('readHost()', () => {
  it.each([
    ['a.example', 'a.example'], ['A.Example', 'a.example'], ['*.a.example', 'a.example'], ['.a.example', 'a.example'], ['a.example.', 'a.example'], ['bücher.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'], ['ａ.example', 'a.example'], [' a.example ', 'a.example'], ['a_b.example', 'a_b.example'], ['a.co.uk', 'a.co.uk'], ['a.xn--p1ai', 'a.xn--p1ai'],
  ])('%j is %s', (entry, host) => {
    expect(readHost(entry)).toEqual({ ok: true, host });
  });

  it.each([
    ['', 'no host name'], ['com', 'whole top level'], ['co.jp', 'registry'], ['a b.example', 'no host name'], ['a.example/x', 'no host name'], ['a.example:443', 'no host name'], ['u@a.example', 'no host name'],
    ['1.2.3.4', 'no host name'], ['0x7f.1', 'no host name'], ['[::1]', 'no host name'], ['b*d.example', 'hidden'], ['a..example', 'no host name'], ['<html>', 'no host name'], [`${'a.'.repeat(300)}example`, 'no host name'],
  ])('refuses %j', (entry, detail) => {
    expect(readHost(entry)).toEqual({ ok: false, detail: expect.stringContaining(detail) });
  });

  it('answers any text, and the same for its own answers', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.domain(), fc.ipV4()), (entry) => {
      const read = readHost(entry);
      if (!read.ok) return read.detail.length < 200;
      const again = readHost(read.host);
      return again.ok && again.host === read.host && URL.parse(`https://${read.host}/`)?.hostname === read.host;
    }));
  });
});

describe('holdsHost()', () => {
  it('holds for the host and below it, on borders of labels', () => {
    const hosts = new Set(['evil.example']);
    expect(['evil.example', 'a.b.evil.example', 'notevil.example', 'example', 'evil.example.org', ''].map((host) => holdsHost(hosts, host))).toEqual([true, true, false, false, false, false]);
  });
});

const parse = (format: (typeof LIST_FORMATS)[number], text: string, rules?: SourceRules): unknown => {
  const read = parseHostSource(format, Buffer.from(text), rules);
  return read.ok ? [[...read.hosts], read.skipped] : read.detail;
};

describe('parseHostSource()', () => {
  const mastodon = '#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n'
    + 'a.example,suspend,TRUE,TRUE,"spam, ""lots""\nof it",FALSE\nb.example,silence,FALSE,FALSE,,FALSE\nc*d.example,suspend,FALSE,FALSE,,TRUE\ne.example,noop,FALSE,FALSE,,FALSE\n';
  it.each<[string, 'csv' | 'json' | 'plain', string, unknown, SourceRules?]>([
    ['a block list of Mastodon', 'csv', mastodon, [['a.example'], 1]],
    ['the same with silenced hosts', 'csv', mastodon, [['a.example', 'b.example'], 1], { severities: new Set(['suspend', 'silence']) }],
    ['another order of columns', 'csv', 'severity,domain\r\nsuspend,a.example\r\n', [['a.example'], 0]],
    ['one column without heading', 'csv', 'a.example\nb.example\n', [['a.example', 'b.example'], 0]],
    ['one column with heading', 'csv', '#domain\na.example', [['a.example'], 0]],
    ['a comment', 'csv', '# by nobody\na.example', [['a.example'], 0]],
    ['a byte order mark', 'csv', '\uFEFFdomain\na.example', [['a.example'], 0]],
    ['a quote that never ends', 'csv', '"a.example', 'not readable as CSV'],
    ['names in JSON', 'json', '["A.example", "b.example"]', [['a.example', 'b.example'], 0]],
    ['objects in JSON', 'json', '[{"domain":"a.example","severity":"suspend"},{"domain":"b.example","severity":"silence"},{"domain":"c.example"}]', [['a.example', 'c.example'], 0]],
    ['other things in JSON', 'json', '["a.example", "b.example", 7, {"host":"x.example"}]', [['a.example', 'b.example'], 2]],
    ['an object', 'json', '{"domains":[]}', 'not an array'],
    ['no JSON', 'json', 'a.example', 'not JSON'],
    ['plain lines', 'plain', '# list\na.example # why\n\n  *.b.example\r\nA.EXAMPLE\n', [['a.example', 'b.example'], 0]],
    ['a page that says 404', 'plain', '<!doctype html>\n<title>404</title>\n<p>Not found, see\na.example\n', expect.stringContaining('most of it is no host list: "<!doctype html>"')],
    ['nothing', 'plain', '', 'holds no host'],
    ['only comments', 'csv', '# nothing\n', 'holds no host'],
    ['nothing in a file of one\'s own', 'plain', '', [[], 0], { mayBeEmpty: true }],
    ['a top level among hosts', 'plain', 'a.example\ncom\n', [['a.example'], 1]],
  ])('reads %s', (_name, format, text, read, rules = {}) => {
    expect(parse(format, text, rules)).toEqual(read);
  });

  it('refuses what is too large, too long or not UTF-8', () => {
    expect(parseHostSource('plain', new Uint8Array(RULES_LIMITS.listBytesMax + 1))).toMatchObject({ ok: false, detail: 'larger than 4194304 bytes' });
    expect(parseHostSource('plain', Buffer.from([0x61, 0xff]))).toEqual({ ok: false, detail: 'not UTF-8' });
    const hosts = (count: number): string => Array.from({ length: count }, (_, at) => `h${at}.example`).join('\n');
    expect(parse('plain', hosts(100_001))).toBe('more than 100000 hosts');
    expect(cpuMsOf(() => expect(parseHostSource('plain', Buffer.from(hosts(100_000)))).toMatchObject({ ok: true, skipped: 0 }))).toBeLessThan(2_000);
  });

  it('answers any bytes', () => {
    fc.assert(fc.property(fc.constantFrom(...LIST_FORMATS), fc.oneof(fc.uint8Array(), fc.string().map((text) => Buffer.from(text)), fc.json().map((text) => Buffer.from(text))), (format, bytes) => {
      const read = parseHostSource(format, bytes);
      return read.ok ? read.hosts.size > 0 : read.detail !== '';
    }));
    fc.assert(fc.property(fc.array(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), { maxLength: 5 }), (rows) => {
      const text = rows.map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join('\n');
      expect(parseCsv(text)).toEqual(rows);
    }));
  });
});

describe('checkHosts()', () => {
  const use = (over: Partial<HostListUse>): ReturnType<typeof createHostLists> => createHostLists({
    block: [], allow: [], ownHosts: new Set(['misskey.origin.example']),
    inline: new Map([['bad', new Set(['evil.example', 'origin.example'])], ['good', new Set(['peer.example'])], ['more', new Set(['friend.example'])]]), ...over,
  });

  it.each([
    ['no lists', {}, ['evil.example'], undefined],
    ['a blocked host', { block: ['bad'] }, ['peer.example', 'a.evil.example'], 'SEKISHO_INBOX_HOST_BLOCKED'],
    ['another host', { block: ['bad'] }, ['notevil.example'], undefined],
    ['our own host in somebody\'s list', { block: ['bad'] }, ['misskey.origin.example'], undefined],
    ['a block list that was never loaded', { block: ['away'] }, ['evil.example'], undefined],
    ['an allowed host', { allow: ['more', 'good'] }, ['social.peer.example'], undefined],
    ['one that is not', { allow: ['more', 'good'] }, ['social.peer.example', 'other.example'], 'SEKISHO_INBOX_HOST_BLOCKED'],
    ['one that is allowed and blocked', { allow: ['good'], block: ['good'] }, ['peer.example'], 'SEKISHO_INBOX_HOST_BLOCKED'],
    ['an allow list that was never loaded', { allow: ['away', 'good'] }, ['other.example'], 'SEKISHO_INBOX_LISTS_AWAY'],
    ['the same for a host of another list', { allow: ['away', 'good'] }, ['peer.example'], undefined],
  ])('%s', (_name, over, hosts, code) => {
    expect(checkHosts(hosts, use(over))?.code).toBe(code);
  });

  it('asks allow lists for who sends only', () => {
    expect(checkHosts(['other.example'], use({ allow: ['good'] }), 'nested')).toBeUndefined();
    expect(checkHosts(['evil.example'], use({ block: ['bad'] }), 'nested')?.code).toBe('SEKISHO_INBOX_HOST_BLOCKED');
  });

  it('looks at key, actor, id and everything wrapped in an activity, in any shape', () => {
    const lists = use({ block: ['bad'] });
    const evil = 'https://evil.example/1';
    const code = (value: Parameters<typeof checkActivityHosts>[0], keyHost = 'peer.example'): string | undefined => checkActivityHosts(value, keyHost, lists)?.code;
    expect(code(create())).toBeUndefined();
    expect(code(create(), 'evil.example')).toBe('SEKISHO_INBOX_HOST_BLOCKED');
    for (const value of [
      { actor: evil }, { actor: { id: evil } }, { actor: [evil] }, { id: evil }, { object: evil }, { object: { id: evil } }, { object: { attributedTo: [{ id: evil }] } },
      { object: [{ id: 'https://peer.example/1' }, evil] }, { object: { type: 'Announce', object: { type: 'Create', object: evil } } }, { orderedItems: [{ object: evil }] },
    ]) expect([value, code(value)]).toEqual([value, 'SEKISHO_INBOX_HOST_BLOCKED']);
    // Who is spoken to takes no part.
    expect(code({ ...SPAM['link']!, cc: [evil] })).toBeUndefined();
    expect(checkActivityHosts({ actor: evil }, 'evil.example', NO_HOST_LISTS)).toBeUndefined();
  });

  it('looks at the target of Add, Remove and Move, in every shape that Misskey reads', () => {
    const lists = use({ block: ['bad'] });
    const code = (value: Parameters<typeof checkActivityHosts>[0], asked = lists): string | undefined => checkActivityHosts(value, 'peer.example', asked)?.code;
    const from = { actor: 'https://peer.example/u', id: 'https://peer.example/1', object: 'https://peer.example/u' };
    const shapesOf = (url: string): readonly Parameters<typeof checkActivityHosts>[0][string][] =>
      [url, [url], { id: url }, { id: 'https://peer.example/c', attributedTo: url }, { type: 'Link', href: url }, [{ type: 'Link', url }]];
    for (const type of ['Add', 'Remove', 'Move']) {
      for (const target of shapesOf('https://a.evil.example/2')) expect([type, target, code({ ...from, type, target })]).toEqual([type, target, 'SEKISHO_INBOX_HOST_BLOCKED']);
      for (const target of shapesOf('https://notevil.example/2')) expect([type, target, code({ ...from, type, target })]).toEqual([type, target, undefined]);
      // As everything that is only named, it is no matter of allow lists.
      expect(code({ ...from, type, target: 'https://other.example/2' }, use({ allow: ['good'] }))).toBeUndefined();
    }
    expect(code({ type: 'Collection', items: [{ ...from, type: 'Move', target: 'https://evil.example/2' }] })).toBe('SEKISHO_INBOX_HOST_BLOCKED');
    // Of others nobody reads it.
    expect(code({ ...from, type: 'Create', target: 'https://evil.example/2', object: { id: 'https://peer.example/2', type: 'Note', target: 'https://evil.example/2' } })).toBeUndefined();
  });

  it('finds objects, their actors and the first of their authors at all depths that activities have', () => {
    const hosts = (value: unknown): readonly string[] => [...nestedHosts(value as Parameters<typeof nestedHosts>[0])].sort();
    expect(hosts({
      id: 'https://a.example/1', actor: { id: 'https://B.example/u' }, to: ['https://not.example/'],
      object: { id: 'https://C.example/1', actor: 'https://d.example./u', object: { id: 'http://e.example/', attributedTo: [{ id: 'https://f.example/' }, 'https://second.example/'] } },
      items: ['https://i.example/', { id: 'https://j.example/' }],
    })).toEqual(['c.example', 'd.example', 'e.example', 'f.example', 'i.example', 'j.example']);
    expect(hosts({ id: 7, actor: [null, [], {}], object: [[['x']], { id: 'x', actor: 7 }], items: { a: 1 } })).toEqual([]);
  });

  it('answers any body in bounded time', () => {
    fc.assert(fc.property(fc.dictionary(fc.constantFrom('object', 'items', 'actor', 'id'), fc.jsonValue()), (value) => nestedHosts(value as Parameters<typeof nestedHosts>[0]).size >= 0));
    const wide = (depth: number): Parameters<typeof nestedHosts>[0] => ({ object: depth === 0 ? 'https://a.example/' : Array.from({ length: 8 }, () => wide(depth - 1)) });
    expect(cpuMsOf(() => void nestedHosts(wide(5)))).toBeLessThan(200);
  });
});
