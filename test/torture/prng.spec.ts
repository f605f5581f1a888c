import { Prng } from './prng.ts';

describe('Prng', () => {
  it('repeats itself for one seed, and differs for another seed or stream', () => {
    const take = (prng: Prng): number[] => Array.from({ length: 5 }, () => prng.next());
    expect(take(new Prng(7))).toEqual(take(new Prng(7)));
    expect(take(new Prng(7))).not.toEqual(take(new Prng(8)));
    expect(take(new Prng(7))).not.toEqual(take(new Prng(7, 1)));
  });

  it('spreads over its range, and follows weights', () => {
    const prng = new Prng(42);
    const numbers = Array.from({ length: 10_000 }, () => prng.next());
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    expect(numbers.reduce((sum, n) => sum + n) / numbers.length).toBeCloseTo(0.5, 1);
    const picks = Array.from({ length: 10_000 }, () => prng.weighted({ often: 9, seldom: 1 }));
    expect(picks.filter((name) => name === 'seldom').length / 10_000).toBeCloseTo(0.1, 1);
  });
});
