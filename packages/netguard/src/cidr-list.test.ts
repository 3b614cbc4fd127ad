import { describe, expect, it } from '@jest/globals';
import { parseCidrList } from './cidr-list.ts';

describe('parseCidrList()', () => {
  it.each([
    ['', []], ['# only a comment\n\n', []], ['10.0.0.0/8\r\n 34.118.224.0/20 # services\n2600::/12', ['10.0.0.0/8', '34.118.224.0/20', '2600::/12']], ['1.2.3.4', ['1.2.3.4']],
    ['1.2.3.4\n'.repeat(4_000), Array.from({ length: 4_000 }, () => '1.2.3.4')],
  ])('reads %j', (text, cidrs) => {
    expect(parseCidrList(text)).toEqual({ ok: true, cidrs });
  });

  it.each([['10.0.0.0/8\n10.0.0.0/33'], ['x'], ['10.0.0.0/8, 10.1.0.0/16'], ['\0'], ['1.2.3.4\n'.repeat(4_001)]])('refuses the whole of %j', (text) => {
    expect(parseCidrList(text)).toMatchObject({ ok: false });
  });

  it('names the line of what the caller refuses', () => {
    const problemOf = (cidr: string): string | undefined => (cidr === '0.0.0.0/0' ? 'holds every address' : undefined);
    expect(parseCidrList('# all\n10.0.0.0/8\n0.0.0.0/0', problemOf)).toEqual({ ok: false, detail: 'line 3 holds every address' });
  });
});
