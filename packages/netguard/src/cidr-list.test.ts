import { describe, expect, it } from '@jest/globals';
import { parseCidrList } from './cidr-list.ts';

describe('parseCidrList()', () => {
  it.each([
    ['', []], ['# only a comment\n\n', []], ['10.0.0.0/8\r\n 34.118.224.0/20 # services\n2600::/12', ['10.0.0.0/8', '34.118.224.0/20', '2600::/12']], ['1.2.3.4', ['1.2.3.4']],
    ['1.2.3.4\n'.repeat(4_000), Array.from({ length: 4_000 }, () => '1.2.3.4')],
  ])('reads %j', (text, cidrs) => {
    expect(parseCidrList(text)).toEqual(cidrs);
  });

  it.each([
    ['10.0.0.0/8\n10.0.0.0/33', 'line 2 is no address prefix'], ['x', 'line 1 is no'], ['10.0.0.0/8, 10.1.0.0/16', 'line 1 is no'], ['\0', 'line 1 is no'],
    ['1.2.3.4\n'.repeat(4_001), 'more than 4000 prefixes'],
  ])('refuses the whole of %j', (text, problem) => {
    expect(() => parseCidrList(text)).toThrow(problem);
  });

  it('names the line of what the caller refuses', () => {
    const problemOf = (cidr: string): string | undefined => (cidr === '0.0.0.0/0' ? 'holds every address' : undefined);
    expect(() => parseCidrList('# all\n10.0.0.0/8\n0.0.0.0/0', problemOf)).toThrow('line 3 holds every address');
  });
});
