import fc from 'fast-check';
import { isOpen, isTimeZone, type TimeWindow } from './time-window.js';

const open = (window: Partial<TimeWindow>, at: string): boolean => isOpen({ from: '09:00', to: '17:00', time_zone: 'UTC', ...window }, new Date(at));
const two = (value: number): string => String(value).padStart(2, '0');
const times = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 })).map(([hours, minutes]) => `${two(hours)}:${two(minutes)}`);

describe('a window', () => {
  it('is open from its beginning until before its end, by the clock of its place', () => {
    expect([open({}, '2026-01-05T09:00:00Z'), open({}, '2026-01-05T08:59:59Z'), open({}, '2026-01-05T16:59:59Z'), open({}, '2026-01-05T17:00:00Z')]).toEqual([true, false, true, false]);
    const berlin = { time_zone: 'Europe/Berlin' };
    // An hour ahead in winter, two in summer.
    expect([open(berlin, '2026-01-05T08:00:00Z'), open(berlin, '2026-07-06T07:00:00Z'), open(berlin, '2026-07-06T15:00:00Z'), open(berlin, '2026-01-05T15:59:00Z')]).toEqual([true, true, false, true]);
    expect([open({ from: '00:00', to: '24:00' }, '2026-01-05T23:59:59Z'), open({ from: '00:00', to: '24:00' }, '2026-01-05T00:00:00Z')]).toEqual([true, true]);
  });

  it('goes past midnight with the day on which it began', () => {
    const friday = { from: '22:00', to: '02:00', days: [5] };
    expect([open(friday, '2026-01-09T22:00:00Z'), open(friday, '2026-01-10T01:59:00Z'), open(friday, '2026-01-10T02:00:00Z'), open(friday, '2026-01-09T01:00:00Z'), open(friday, '2026-01-10T22:30:00Z')]).toEqual([true, true, false, false, false]);
    expect(open({ from: '22:00', to: '02:00', days: [7] }, '2026-01-05T01:00:00Z')).toBe(true);
  });

  it('is open for exactly as many minutes of a week as it is long', () => {
    fc.assert(
      fc.property(times, times, fc.subarray([1, 2, 3, 4, 5, 6, 7], { minLength: 1 }), (from, to, days) => {
        const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
        const length = (minutes(to) - minutes(from) + 1440) % 1440 || 1440;
        const monday = Date.UTC(2026, 0, 5);
        let count = 0;
        for (let minute = 0; minute < 7 * 1440; minute += 1) if (isOpen({ from, to, days, time_zone: 'UTC' }, new Date(monday + minute * 60_000))) count += 1;
        // Two that overlap past midnight do so by nothing: each is a day at most.
        expect(count).toBe(length * days.length);
      }),
      { numRuns: 15 },
    );
  });

  it('knows the time zones that there are', () => {
    expect([isTimeZone('Europe/Berlin'), isTimeZone('UTC'), isTimeZone('Mars/Olympus'), isTimeZone(''), isTimeZone('x'.repeat(500))]).toEqual([true, true, false, false, false]);
  });
});
