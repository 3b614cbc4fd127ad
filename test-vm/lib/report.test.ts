import { describe, expect, it } from '@jest/globals';
import { answer, parseReport } from './report.ts';

const said = (scenario: string, check: string, value: unknown): string => `@vm ${JSON.stringify({ scenario, check, value })}\n`;

describe('parseReport()', () => {
  it('finds the answers among everything else that a serial line carries', () => {
    expect(parseReport(`kernel: noise\r\n[   1.0] ${said('a', 'exit', 0)}@v\n${said('a', 'label', 'x "y"')}`)).toEqual([
      { scenario: 'a', check: 'exit', value: 0 }, { scenario: 'a', check: 'label', value: 'x "y"' },
    ]);
  });

  it('does not pass over an answer that is cut', () => {
    expect(() => parseReport('@vm {"scenario":"a","che')).toThrow(SyntaxError);
  });

  it.each(['@vm {}', '@vm null', '@vm {"scenario":1,"check":"a","value":1}'])('refuses %s, which is none', (text) => {
    expect(() => parseReport(text)).toThrow('not an answer');
  });
});

describe('answer()', () => {
  const lines = parseReport(said('a', 'once', null) + said('a', 'twice', 1) + said('a', 'twice', 1));

  it('gives what was said once', () => {
    expect(answer(lines, 'a', 'once')).toBeNull();
  });

  it.each(['never', 'twice'])('takes neither silence nor repetition for an answer: %s', (check) => {
    expect(() => answer(lines, 'a', check)).toThrow(check);
  });
});
