import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readWindow } from './window.ts';

const MINUTE_MS = 60_000;
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function holds(text: string, at: string | number): boolean {
  const read = readWindow(text);
  if (!read.ok) throw new Error(read.detail);
  return read.window.holds(typeof at === 'number' ? at : Date.parse(at));
}
/** Minutes of a time in which the window holds. */
const minutesWithin = (text: string, from: string, to: string): number => {
  let count = 0;
  for (let at = Date.parse(from); at < Date.parse(to); at += MINUTE_MS) count += holds(text, at) ? 1 : 0;
  return count;
};

describe('readWindow()', () => {
  // 2026-11-25 is a Wednesday.
  it.each([
    ['08:00-17:00', '2026-11-25T08:00:00Z', true], ['08:00-17:00', '2026-11-25T07:59:59.999Z', false], ['08:00-17:00', '2026-11-25T16:59:59.999Z', true], ['08:00-17:00', '2026-11-25T17:00:00Z', false],
    ['22:00-06:00', '2026-11-25T22:00:00Z', true], ['22:00-06:00', '2026-11-26T05:59:00Z', true], ['22:00-06:00', '2026-11-26T06:00:00Z', false], ['22:00-06:00', '2026-11-25T21:59:00Z', false],
    ['00:00-24:00', '2026-11-25T23:59:59.999Z', true], ['Wed 00:00-24:00', '2026-11-26T00:00:00Z', false], ['22:00-24:00', '2026-11-25T23:59:00Z', true], ['22:00-24:00', '2026-11-26T00:00:00Z', false],
    // Over midnight: the day on which it begins.
    ['Wed 22:00-06:00', '2026-11-26T03:00:00Z', true], ['Wed 22:00-06:00', '2026-11-25T03:00:00Z', false], ['Thu 22:00-06:00', '2026-11-26T03:00:00Z', false], ['Mon-Fri 22:00-06:00', '2026-11-28T03:00:00Z', true],
    ['Mon-Fri 22:00-06:00', '2026-11-28T23:00:00Z', false], ['Mon-Fri 22:00-06:00', '2026-11-30T03:00:00Z', false], ['Sun 22:00-06:00', '2026-11-30T03:00:00Z', true], ['22:00-00:00', '2026-11-25T23:59:00Z', true],
    ['22:00-00:00', '2026-11-26T00:00:00Z', false],
    ['Sat,Sun 00:00-24:00', '2026-11-28T12:00:00Z', true], ['Sat,Sun 00:00-24:00', '2026-11-27T12:00:00Z', false], ['Mon-Tue,Sat 00:00-24:00', '2026-11-28T12:00:00Z', true],
    ['Fri-Mon 00:00-24:00', '2026-11-29T12:00:00Z', true], ['Fri-Mon 00:00-24:00', '2026-11-30T12:00:00Z', true], ['Fri-Mon 00:00-24:00', '2026-11-25T12:00:00Z', false], ['Wed-Wed 00:00-24:00', '2026-11-25T12:00:00Z', true],
    // The day is that of the zone.
    ['Wed 00:00-01:00 Europe/Berlin', '2026-11-24T23:30:00Z', true], ['Tue 18:00-19:00 America/New_York', '2026-11-24T23:30:00Z', true], ['Thu 08:00-09:00 Asia/Tokyo', '2026-11-25T23:30:00Z', true],
    ['05:00-05:01 Asia/Kathmandu', '2026-11-25T23:15:00Z', true], ['12:00-13:00 UTC', '2026-11-25T12:30:00Z', true], ['12:00-13:00 europe/london', '2026-11-25T12:30:00Z', true],
  ])('%s at %s: %s', (text, at, isWithin) => {
    expect(holds(text, at)).toBe(isWithin);
  });

  it('follows both changes of the clock in Europe/Berlin', () => {
    const spring = ['2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'] as const;
    const autumn = ['2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'] as const;
    const usual = ['2026-11-24T23:00:00Z', '2026-11-25T23:00:00Z'] as const;
    // The hour from 2 is left out in spring and comes twice in autumn.
    expect([spring, autumn, usual].map(([from, to]) => minutesWithin('02:00-03:00 Europe/Berlin', from, to))).toEqual([0, 120, 60]);
    expect([spring, autumn, usual].map(([from, to]) => minutesWithin('00:00-24:00 Europe/Berlin', from, to))).toEqual([23 * 60, 25 * 60, 24 * 60]);
    expect([holds('08:00-09:00 Europe/Berlin', '2026-03-28T07:30:00Z'), holds('08:00-09:00 Europe/Berlin', '2026-03-29T06:30:00Z'), holds('08:00-09:00 Europe/Berlin', '2026-03-29T07:30:00Z')]).toEqual([true, true, false]);
    expect([holds('Sun 02:00-03:00 Europe/Berlin', '2026-10-25T00:30:00Z'), holds('Sun 02:00-03:00 Europe/Berlin', '2026-10-25T01:30:00Z'), holds('Sun 02:00-03:00 Europe/Berlin', '2026-10-25T02:00:00Z')]).toEqual([true, true, false]);
  });

  it.each([
    '', ' ', '22:00', '22:00-', '-06:00', '24:00-06:00', '25:00-26:00', '22:60-23:00', '8:00-9:00', '08:00 - 09:00', '08:00–09:00', 'Mon08:00-09:00', 'mon 08:00-09:00', 'Monday 08:00-09:00', 'Mon, Tue 08:00-09:00',
    'Mon- 08:00-09:00', 'Mon-Tue-Wed 08:00-09:00', '08:00-09:00 ', ' 08:00-09:00', '08:00-09:00 Europe/', '08:00-09:00 +02:00', '08:00-09:00 Mon', '08:00-09:00 Europe/Bonn', '08:00-09:00 UTC extra', '08:00-08:00', '00:00-24:01', '08:00-09:00\n',
    'Mon,Mon,Mon,Mon,Mon,Mon,Mon,Mon 08:00-09:00',
  ])('refuses %j', (text) => {
    expect(readWindow(text)).toEqual({ ok: false, detail: expect.stringContaining(JSON.stringify(text)) });
  });

  it('holds exactly where days, hours and minutes say so, in UTC', () => {
    const clock = fc.integer({ min: 0, max: 1_439 });
    const text = (minute: number): string => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
    fc.assert(fc.property(clock, clock, fc.subarray(DAYS, { minLength: 1 }), fc.integer({ min: 0, max: 10_080 }), (from, to, days, offset) => {
      fc.pre(from !== to);
      // From a Monday on.
      const at = Date.parse('2026-11-23T00:00:00Z') + offset * MINUTE_MS;
      const began = (day: number): boolean => days.includes(DAYS[(day + 7) % 7] ?? '');
      const [day, minute] = [Math.floor(offset / 1_440) % 7, offset % 1_440];
      const expected = from < to ? began(day) && minute >= from && minute < to : (began(day) && minute >= from) || (began(day - 1) && minute < to);
      expect(holds(`${days.join(',')} ${text(from)}-${text(to)}`, at)).toBe(expected);
    }));
  });

  it('answers any text with a window or a reason', () => {
    const piece = fc.constantFrom('Mon', 'Sun', '-', ',', ' ', '08:00', '24:00', '23:59', 'Europe/Berlin', '/', 'UTC', '0', ':');
    fc.assert(fc.property(fc.oneof(fc.string(), fc.array(piece, { maxLength: 10 }).map((parts) => parts.join(''))), (text) => {
      const read = readWindow(text);
      return read.ok ? typeof read.window.holds(0) === 'boolean' : read.detail.length > 0;
    }));
  });
});
