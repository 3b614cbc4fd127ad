import { describe, expect, it } from '@jest/globals';
import { parseCommand } from './purge-command.ts';

describe('parseCommand()', () => {
  it.each([
    ['a file', 'https://a.origin.example/x.png#y', ['https://a.origin.example/x.png']],
    ['plain http, in both spellings', 'http://a.origin.example/x', ['https://a.origin.example/x', 'http://a.origin.example/x']],
    [
      'what the page shows', 'https://site.example/proxy/emoji.webp?url=https%3A%2F%2Fa.origin.example%2Fx&emoji=1',
      ['https://a.origin.example/x', 'https://site.example/proxy/emoji.webp?url=https%3A%2F%2Fa.origin.example%2Fx&emoji=1'],
    ],
  ])('takes %s', (_name, url, urls) => {
    expect(parseCommand(['purge', url])).toEqual({ ok: true, order: { urls, hosts: [] } });
  });

  it.each([['A.Origin.example.', 'a.origin.example'], ['bücher.example', 'xn--bcher-kva.example'], ['192.0.2.1', '192.0.2.1']])('takes the host %s', (text, host) => {
    expect(parseCommand(['purge', '--host', text])).toEqual({ ok: true, order: { urls: [], hosts: [host] } });
  });

  it.each([
    [[]], [['drop']], [['purge']], [['purge', '--host']], [['purge', '--host', 'a/b']], [['purge', 'a.example']], [['purge', '--all']],
    [['purge', 'https://a.example', 'https://b.example']], [['purge', 'ftp://a.example/']], [['purge', '--host', 'a.example', 'b.example']],
  ])('explains %j', (args) => {
    expect(parseCommand(args)).toMatchObject({ ok: false, problem: expect.stringMatching(/.{10}/) });
  });
});
