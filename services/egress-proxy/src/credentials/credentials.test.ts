import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mayPass, parseCredentials } from './credentials.ts';

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
const credentials = parseCredentials('# rotation\nmisskey:secret:with:colons\n\nother:wörd\r\n');

describe('mayPass()', () => {
  it.each([basic('misskey:secret:with:colons'), basic('other:wörd'), `basic  ${Buffer.from('other:wörd').toString('base64')}`])('lets %s pass', (header) => {
    expect(mayPass(header, credentials)).toBe(true);
  });

  it.each([undefined, '', 'Basic', 'Basic ', basic(''), basic('misskey'), basic('misskey:'), basic('misskey:secret'), basic('misskey:secret:with:colons '), basic(' misskey:secret:with:colons'),
    basic('MISSKEY:secret:with:colons'), `Bearer ${basic('other:wörd').slice(6)}`, `${basic('other:wörd')}, x`, `Basic ${'A'.repeat(2_000)}`, basic('# rotation')])('refuses %s', (header) => {
    expect(mayPass(header, credentials)).toBe(false);
  });

  it('never throws and lets nothing else pass', () => {
    fc.assert(fc.property(fc.string(), (text) => !mayPass(text, credentials) && !mayPass(basic(text), credentials)));
  });

  it('lets nobody pass without a pair', () => {
    expect(mayPass(basic(''), [])).toBe(false);
  });
});

describe('parseCredentials()', () => {
  it.each([['', 'no credentials'], ['# only\n', 'no credentials'], ['a:b\nc', 'line 2 is no'], ['a b:c', 'line 1 is no'], [':b', 'line 1 is no'], ['a:', 'line 1 is no'],
    [`a:${'b'.repeat(600)}`, 'line 1 is no'], [Array.from({ length: 65 }, (_, at) => `a${at}:b`).join('\n'), 'more than 64']])('refuses %j', (text, message) => {
    expect(() => parseCredentials(text)).toThrow(message);
  });

  it('echoes nothing', () => {
    expect(() => parseCredentials('hunter2')).toThrow(/^(?!.*hunter2)/);
  });
});
