import { median, middleOf, percentile, summarise } from './stats.ts';

describe('percentile', () => {
  it('is the nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([50, 99, 100]);
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe('median', () => {
  it('is the middle, or between the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});

describe('summaries', () => {
  it('count things per second, not requests, when a request does several', () => {
    expect(summarise([3, 1, 2], 2, 0, 50)).toEqual({ perSecond: 75, p50: 2, p99: 3, errors: 0 });
    const runs = [1, 5, 3].map((n) => ({ perSecond: n, p50: n, p99: n, errors: 1 }));
    expect(middleOf(runs)).toEqual({ perSecond: 3, p50: 3, p99: 3, errors: 3 });
  });
});
