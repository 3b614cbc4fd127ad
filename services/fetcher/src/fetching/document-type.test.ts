import { describe, expect, it } from '@jest/globals';
import { cpuMsOf } from '@sekisho/testkit/cpu-time';
import { documentTypeOf } from './document-type.ts';

const ACTIVITY = 'application/activity+json';
const LD = 'application/ld+json';
const PROFILE = 'https://www.w3.org/ns/activitystreams';

describe('documentTypeOf()', () => {
  it.each([
    [ACTIVITY, ACTIVITY], ['Application/Activity+JSON; charset=utf-8', ACTIVITY], [`${ACTIVITY};charset="UTF-8"`, ACTIVITY], [`${ACTIVITY};`, ACTIVITY],
    [`${LD}; profile="${PROFILE}"`, LD], [`${LD};charset=utf-8 ; Profile="https://other.example ${PROFILE}"`, LD],
    [`${LD}; profile="https\\://www.w3.org/ns/activitystreams"`, LD],
    [undefined, undefined], ['', undefined], [LD, undefined], [`${LD}; profile=""`, undefined], [`${LD}; profile="${PROFILE}x"`, undefined],
    [`${LD}; profile="${PROFILE}"; profile="other"`, undefined], [`${ACTIVITY}; charset=utf-16`, undefined], [`${ACTIVITY}, text/html`, undefined],
    ['text/html', undefined], ['application/json', undefined], ['image/png', undefined], [`text/html; x="${ACTIVITY}"`, undefined], [`${ACTIVITY}; x`, undefined],
    [`${ACTIVITY}; x="${'a'.repeat(600)}"`, undefined], ['application/octet-stream', undefined], ['text/csv', undefined],
  ])('takes %j as activity: %j', (text, expected) => {
    expect(documentTypeOf('activity', text)).toBe(expected);
  });

  it.each([
    ['text/csv; header=present', 'text/csv'], ['text/plain', 'text/plain'], ['application/json', 'application/json'], ['text/plain; charset=iso-8859-1', undefined],
    [ACTIVITY, undefined], ['text/html', undefined], ['application/octet-stream', undefined],
  ])('takes %j as list: %j', (text, expected) => {
    expect(documentTypeOf('list', text)).toBe(expected);
  });

  it('takes long nonsense in linear time', () => {
    expect(cpuMsOf(() => {
      for (let round = 0; round < 200; round += 1) documentTypeOf('activity', `${ACTIVITY}${'; a="\\"'.repeat(60)}`.slice(0, 512));
    })).toBeLessThan(500);
  });
});
