import { EventLoopPace } from '../../core/event-loop-pace.js';
import { attemptPoints, crossings, spendPoints, type Ended } from './threshold-replay.js';
import { addTo, type Buckets, judge, LOOKED_AT_MS, type ThresholdState, valueOfAttempts } from './threshold-rules.js';
import type { ThresholdConfig } from './trigger-config.js';

const FROM = Date.UTC(2026, 0, 1, 12);
const CONFIG: ThresholdConfig = { metric: 'failed_tasks', operator: '>=', value: 3, for_seconds: 0, window_seconds: 60 };

/** Looks every five seconds, as the watch does. */
function looked(config: ThresholdConfig, ended: readonly Ended[], to: number): number[] {
  let state: ThresholdState = { armed: true, beyond_since: null };
  let buckets: Buckets = {};
  let place = 0;
  const fired: number[] = [];
  for (let now = FROM; now <= to; now += LOOKED_AT_MS) {
    for (let next = ended[place]; next && next.at <= now; next = ended[(place += 1)]) buckets = addTo(buckets, config.window_seconds, new Date(next.at), next.failed ? 1 : 0, next.failed ? 0 : 1);
    const judged = judge(config, state, valueOfAttempts(config.metric, buckets, config.window_seconds, new Date(now)), new Date(now));
    state = judged.state;
    if (judged.fires) fired.push(now);
  }
  return fired;
}

/** The same numbers each time. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

describe('what a threshold would have done', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed + 1))('is what looking again and again would have found (%i)', async (seed) => {
    const next = numbers(seed);
    const pick = <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)] as T;
    const metric = pick(['failed_tasks', 'error_rate'] as const);
    const value = metric === 'failed_tasks' ? pick([1, 2, 5]) : pick([0.2, 0.5]);
    const operator = pick(['>', '>=', '<', '<='] as const);
    const config: ThresholdConfig = { metric, operator, value, for_seconds: pick([0, 7, 60, 300]), window_seconds: pick([60, 300, 3600]), ...(next() < 0.3 ? { reset: operator.startsWith('>') ? 0 : value + 1 } : {}) };
    const to = FROM + 4 * 3_600_000;
    const ended: Ended[] = [];
    for (let at = FROM - 2_000_000 * next(); at < to; at += next() < 0.1 ? 2_000_000 * next() : 30_000 * next()) ended.push({ at: Math.floor(at), failed: next() < 0.4 });
    const points = await attemptPoints(config, ended, to, new EventLoopPace());
    expect(crossings(config, points, FROM, to).map(({ at }) => at)).toEqual(looked(config, ended, to));
  });

  it('says how high it was and since when', async () => {
    const ended = [1, 2, 3, 4].map((second) => ({ at: FROM + second * 1000, failed: true }));
    const points = await attemptPoints(CONFIG, ended, FROM + 600_000, new EventLoopPace());
    expect(crossings({ ...CONFIG, for_seconds: 10 }, points, FROM, FROM + 600_000)).toEqual([{ at: FROM + 15_000, value: 4, since: FROM + 5_000 }]);
  });

  it('begins each day of money with none', () => {
    const day = Date.UTC(2026, 0, 2);
    const points = spendPoints([{ at: FROM + 1, usd: 0.1 }, { at: FROM + 2, usd: 0.2 }, { at: day + 7, usd: 0.3 }], FROM, day + 86_400_000);
    expect(points.map(({ value }) => value)).toEqual([0, 0.1, 0.3, 0, 0.3, 0]);
    const config: ThresholdConfig = { ...CONFIG, metric: 'spend_today', operator: '>=', value: 0.3 };
    expect(crossings(config, points, FROM, day + 86_400_000).map(({ at }) => at)).toEqual([FROM + 5_000, day + 5_000]);
  });
});
