import { addTo, type Buckets, judge, sumOf, type ThresholdState } from './threshold-rules.js';
import type { ThresholdConfig } from './trigger-config.js';

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1) + second * 1000);

/** At which of the seconds, one value each, it fires. */
function firings(config: Partial<ThresholdConfig>, values: readonly number[]): number[] {
  let state: ThresholdState = { armed: true, beyond_since: null };
  return values.flatMap((value, second) => {
    const judged = judge({ metric: 'queue_depth', operator: '>', value: 10, for_seconds: 0, window_seconds: 300, ...config }, state, value, at(second));
    state = judged.state;
    return judged.fires ? [second] : [];
  });
}

describe('a threshold', () => {
  it('fires once for each crossing', () => {
    expect(firings({}, [5, 11, 12, 30, 10, 11, 3])).toEqual([1, 5]);
  });

  it('fires when the value has been beyond for long enough', () => {
    expect(firings({ for_seconds: 3 }, [11, 11, 5, 11, 11, 11, 11, 11, 11])).toEqual([6]);
  });

  it('waits for the value to come back to where it is reset', () => {
    expect(firings({ reset: 4 }, [11, 9, 11, 5, 11, 4, 11, 12])).toEqual([0, 6]);
  });

  it('may look for too little as well', () => {
    expect(firings({ operator: '<', value: 2, reset: 5 }, [3, 1, 4, 1, 6, 1])).toEqual([1, 5]);
    expect(firings({ operator: '>=' }, [9, 10])).toEqual([1]);
    expect(firings({ operator: '<=' }, [11, 10])).toEqual([1]);
  });
});

describe('what is counted in a window', () => {
  it('is forgotten when the window has passed, and is never much', () => {
    let buckets: Buckets = {};
    for (let second = 0; second < 4_000; second += 1) buckets = addTo(buckets, 300, at(second), 1, 2);
    expect(Object.keys(buckets).length).toBeLessThan(64);
    expect(sumOf(buckets, 300, at(4_000)).failed).toBeGreaterThanOrEqual(299);
    expect(sumOf(buckets, 300, at(4_000)).failed).toBeLessThanOrEqual(310);
    expect(sumOf(buckets, 300, at(4_500))).toEqual({ failed: 0, completed: 0 });
  });
});
