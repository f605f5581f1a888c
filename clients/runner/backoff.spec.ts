import { retryAfterMs, retryDelay } from './backoff.ts';

describe('retryDelay', () => {
  it('grows up to 15 s, with full jitter', () => {
    expect([1, 2, 3, 50].map((failures) => retryDelay(failures, 0, 0.999999))).toEqual([400, 800, 1600, 15_000]);
    expect(retryDelay(5, 0, 0)).toBe(0);
  });

  it('is never shorter than the plane asked for', () => {
    expect(retryDelay(1, 7_000, 0)).toBe(7_000);
  });
});

describe('retryAfterMs', () => {
  it('reads seconds and dates, and takes nonsense for none', () => {
    const now = Date.parse('2027-01-01T00:00:00Z');
    expect(retryAfterMs('3')).toBe(3_000);
    expect(retryAfterMs('Fri, 01 Jan 2027 00:00:05 GMT', now)).toBe(5_000);
    expect([null, '', 'soon', '-4'].map((header) => retryAfterMs(header))).toEqual([0, 0, 0, 0]);
    expect(retryAfterMs('99999999')).toBe(600_000);
  });
});
