import { describe, expect, it } from '@jest/globals';
import { growthOf } from '@sekisho/testkit/cpu-time';
import fc from 'fast-check';
import { decodeEntities } from './entities.ts';
import { isMention, readHtml } from './html.ts';
import { linksOf } from './links.ts';

const links = (html: string, known: readonly string[] = [], tags: readonly string[] = []): { count: number; hosts: readonly string[] } => {
  const { count, hosts } = linksOf(readHtml(html), { isHashtag: (name) => tags.includes(name.toLowerCase()), known: new Set(known) });
  return { count, hosts: [...hosts] };
};

describe('readHtml()', () => {
  it.each([
    ['plain', 'plain'], ['<p>a</p><p>b</p>', 'a\n\nb'], ['a<br>b<br/>c', 'a\nb\nc'], ['a &lt;b&gt; &amp;amp; c', 'a <b> &amp; c'],
    ['1 < 2 and 3 > 2', '1 < 2 and 3 > 2'], ['<b>bo</b>ld', 'bold'], ['a<!-- <p>no</p> -->b', 'ab'], ['a<!-- never ends', 'a'], ['a<p title="never ends', 'a'],
    ['a<p title=">">b', 'a\nb'], ['a<p title=\'>\'>b', 'a\nb'], ['a<i b"c>d', 'ad'], ['a<i b= ">" >d', 'ad'], ['&#x62;&#99;&#0;&#xd800;&nope;&', 'bc&#0;&#xd800;&nope;&'],
    ['<span class="h-card"><a href="https://a.peer.example/@b" class="u-url mention">@<span>b</span></a></span> hello', 'hello'],
    ['<a href="https://a.example">@b@a.example</a> x', 'x'], ['<a href="https://a.example">@b@c@d</a>', '@b@c@d'], ['<a href="https://a.example">read</a>', 'read'],
    ['<A HREF=https://a.example>x</A>', 'x'], ['<a href="https://a.example">not closed', 'not closed'], ['<', '<'], ['</', ''], ['<!', ''], ['', ''],
  ])('reads %j', (html, text) => {
    expect(readHtml(html).text).toBe(text);
  });

  it.each([
    ['@a', true], ['@a@b.example', true], ['@', false], ['a@b', false], ['@a@', false], ['@@a', false], ['@a@b@c', false],
  ])('isMention(%j) is %s', (text, is) => {
    expect(isMention(text)).toBe(is);
  });

  it.each([
    ['no link', '<p>hello</p>', 0, []],
    ['an anchor', '<a href="https://x.example/1">x</a>', 1, ['x.example']],
    ['an unquoted one', '<a rel=nofollow href=https://x.example/1 >x</a>', 1, ['x.example']],
    ['one with entities', '<a href="https&colon;&#47;/x.example/?a&amp;b">x</a>', 1, ['x.example']],
    ['one with capitals and blanks', '<a HREF = " HTTPS://X.Example/ ">x</a>', 1, ['x.example']],
    ['another attribute that ends like it', '<a data-href="https://x.example/">x</a>', 0, []],
    ['the same twice', '<a href="https://x.example/1">x</a> https://x.example/1', 1, ['x.example']],
    ['a shortened text', '<a href="https://x.example/long"><span class="invisible">https://</span>x.exa…</a>', 1, ['x.example']],
    ['plain text', 'see https://x.example/1, http://y.example and (https://z.example)', 3, ['x.example', 'y.example', 'z.example']],
    ['markdown of Misskey', '[x](https://x.example/a)', 1, ['x.example']],
    ['no scheme', 'see x.example or ://y', 0, []],
    ['a script', '<a href="javascript:alert(1)">x</a>', 0, []],
    ['a mention', '<a href="https://x.example/@a" class="mention">@a</a>', 0, []],
    ['a class that lies', '<a href="https://x.example/" class="mention hashtag">win</a>', 1, ['x.example']],
    ['a hashtag', '<a href="https://x.example/tags/tea">#Tea</a>', 0, []],
    ['a hashtag that the post does not have', '<a href="https://x.example/">#win</a>', 1, ['x.example']],
    ['the quoted post', 'RE: <a href="https://q.example/1">q</a>', 0, []],
    ['an IDN', 'https://bücher.example/', 1, ['xn--bcher-kva.example']],
    ['anchors in each other', '<a href="https://x.example">a<a href="https://y.example">b</a></a>', 2, ['x.example', 'y.example']],
  ])('counts links: %s', (_name, html, count, hosts) => {
    expect(links(html, ['https://q.example/1'], ['tea'])).toEqual({ count, hosts });
  });

  it('answers any text, and never with more than it got', () => {
    const part = fc.oneof(fc.constantFrom('<a href="', '<', '>', '"', '\'', '=', '<!--', '-->', '</a>', '&#x61;', '&', ';', '@a', 'https://', '\uFDFA'), fc.string());
    fc.assert(fc.property(fc.array(part).map((parts) => parts.join('')), (html) => {
      const { text, outside, anchors } = readHtml(html);
      return text.length <= html.length && outside.length <= html.length + anchors.length + 64 && links(html).count >= 0;
    }));
    fc.assert(fc.property(fc.string(), (text) => decodeEntities(text).length <= text.length));
  });

  it('takes time that grows with the text', () => {
    const baits = ['<a href="', '<a ', '<!--', '&', '&#', '<a href="https://a.example/">a', '"', '= "', '<a href=\'', '@a', '<', '://', 'https://a ', '<p title="x" '];
    // The largest body and eight times as much: a quadratic reader takes 64 times as long for it.
    for (const bait of baits) {
      const growth = growthOf((chars) => void links(bait.repeat(chars / bait.length)), { small: 65_536, times: 8, enough: 24 });
      expect([bait, growth < 24]).toEqual([bait, true]);
    }
  });
});
