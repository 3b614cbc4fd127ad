import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDate } from './date.ts';
import { parseContentDigest, parseDigest } from './digest.ts';
import { isActivityType } from './media-type.ts';

const BASE64 = Buffer.alloc(32, 7).toString('base64');
const LONG = Buffer.alloc(64, 7).toString('base64');

describe('isActivityType()', () => {
  it.each([
    'application/activity+json', 'APPLICATION/Activity+JSON', 'application/ld+json', 'application/activity+json; charset=utf-8', 'application/activity+json;charset=UTF-8', 'application/activity+json ; charset="utf-8"',
    'application/ld+json; profile="https://www.w3.org/ns/activitystreams"', 'application/ld+json;profile="https://www.w3.org/ns/activitystreams";charset=utf-8', 'application/ld+json; profile="a\\"b"', 'application/activity+json;', 'application/activity+json; ; charset=utf-8',
    'application/activity+json; version=1', `application/ld+json; profile="${'a'.repeat(400)}"`,
  ])('takes %s', (value) => expect(isActivityType(value)).toBe(true));

  it.each([
    '', 'application/json', 'text/plain', 'application/activity+jsonx', 'xapplication/activity+json', ' application/activity+json', 'application/activity+json, text/plain', 'application/activity+json text/plain',
    'text/plain; application/activity+json', 'application/activity+json; charset=latin1', 'application/activity+json; charset=utf-16', 'application/activity+json; charset=utf8', 'application/activity+json; charset=', 'application/activity+json; charset=""',
    'application/activity+json; charset=utf-8; charset=utf-8', 'application/ld+json; profile="a"; Profile="b"', 'application/ld+json; profile=a b', 'application/ld+json; profile="a', 'application/ld+json; ="a"', 'application/ld+json; profile', 'application/*', '*/*',
    'application/ld+json\u00a0', 'application/ld+json; a="\u0000"', `application/ld+json; profile="${'a'.repeat(600)}"`, 'application/activity+json\n', `application/activity+json${';a'.repeat(9)}`, `application/activity+json${';'.repeat(9)}`,
  ])('refuses %j', (value) => expect(isActivityType(value)).toBe(false));

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void isActivityType(`application/ld+json;${text}`)));
  });
});

describe('parseDate()', () => {
  const ms = Date.UTC(2026, 2, 5, 8, 9, 7);
  it.each(['Thu, 05 Mar 2026 08:09:07 GMT', 'Thu, 5 Mar 2026 08:09:07 GMT', 'Thu, 05 Mar 2026 08:09:07 UTC', 'Thu, 05 Mar 2026 08:09:07 +0000'])('reads %s', (value) => {
    expect(parseDate(value)).toBe(ms);
    expect(new Date(value).getTime()).toBe(ms);
  });

  it.each([
    '', 'now', '2026-03-05T08:09:07Z', String(ms), 'Thu, 05 Mar 2026 08:09:07', 'Thu, 05 Mar 2026 08:09:07 EST', 'Thu, 05 Mar 2026 08:09:07 +0100', 'Thu, 05 Mar 2026 08:09:07 -0000', 'Fri, 05 Mar 2026 08:09:07 GMT', '05 Mar 2026 08:09:07 GMT',
    'Thursday, 05-Mar-26 08:09:07 GMT', 'Thu Mar  5 08:09:07 2026', 'thu, 05 mar 2026 08:09:07 gmt', 'Thu, 05 Mar 26 08:09:07 GMT', 'Thu, 005 Mar 2026 08:09:07 GMT', 'Thu, 05 Mar 2026 8:09:07 GMT', 'Thu, 05 Mar 2026 24:00:00 GMT', 'Wed, 04 Mar 2026 23:59:60 GMT',
    'Sun, 30 Feb 2026 08:09:07 GMT', 'Mon, 30 Feb 2026 08:09:07 GMT', 'Thu, 05 Mra 2026 08:09:07 GMT', 'Thu, 05 arM 2026 08:09:07 GMT', 'Thu, 00 Mar 2026 08:09:07 GMT', 'Thu, 05 Mar 2026 08:09:07 GMT ', ' Thu, 05 Mar 2026 08:09:07 GMT', 'Thu, 05 Mar 2026 08:09:07 GMT\n', 'Thu, 05 Mar 0026 08:09:07 GMT',
  ])('refuses %j', (value) => expect(parseDate(value)).toBeUndefined());

  it('reads every date that Date writes', () => {
    fc.assert(fc.property(fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      expect(parseDate(date.toUTCString())).toBe(Math.floor(date.getTime() / 1_000) * 1_000);
    }));
  });
});

describe('parseDigest()', () => {
  it.each([`SHA-256=${BASE64}`, `sha-256=${BASE64}`])('reads %s', (value) => expect(parseDigest(value)).toEqual(Buffer.alloc(32, 7)));
  it.each(['', BASE64, `SHA256=${BASE64}`, `SHA-512=${LONG}`, `SHA-256=${BASE64.slice(0, -1)}`, `SHA-256=${BASE64},SHA-512=${LONG}`, `SHA-256=${BASE64} `, ` SHA-256=${BASE64}`, `SHA-256= ${BASE64}`, `SHA-256="${BASE64}"`, `SHA-256=:${BASE64}:`, `ID-SHA-256=${BASE64}`,
    `SHA-256=${BASE64.slice(0, -2)}d=`, `SHA-256=${BASE64.replaceAll('+', '-')}=`, `SHA-256=${Buffer.alloc(32).toString('hex')}`, `SHA-256=${BASE64}\n`])('refuses %j', (value) => expect(parseDigest(value)).toBeUndefined());
});

describe('parseContentDigest()', () => {
  it.each([`sha-256=:${BASE64}:`, `sha-256=:${BASE64}:, sha-512=:${LONG}:`, `sha-512=:${LONG}:, sha-256=:${BASE64}:`])('reads %s', (value) => expect(parseContentDigest(value)).toEqual(Buffer.alloc(32, 7)));
  it.each(['', `SHA-256=${BASE64}`, `SHA-256=:${BASE64}:`, `sha-512=:${LONG}:`, `sha-256=:${BASE64}:, sha-256=:${BASE64}:`, `sha-256=:${BASE64}:,md5=:aaaa:`, `sha-256=:${BASE64}:;a=1`, `sha-256=:${BASE64}`])('refuses %j', (value) => expect(parseContentDigest(value)).toBeUndefined());
});
