import type { Pace } from '../../core/workflows/pace.js';
import { addTo, type Buckets, endOf, judge, LOOKED_AT_MS, type ThresholdState, valueOfAttempts } from './threshold-rules.js';
import type { ThresholdConfig } from './trigger-config.js';

const DAY_MS = 86_400_000;
const MICRO = 1_000_000;

/** What a metric is from a moment on. */
export interface Point {
  at: number;
  value: number;
}

/** An attempt that has ended. */
export interface Ended {
  at: number;
  failed: boolean;
}

/** Something that cost money. */
export interface Cost {
  at: number;
  usd: number;
}

/** A value that has been beyond its threshold for long enough. */
export interface Crossing extends Point {
  since: number;
}

/** When a threshold would have fired, had it been looked at as often as it is, from a moment to another. What it was before that is nothing to it. */
export function crossings(config: ThresholdConfig, points: readonly Point[], from: number, to: number): Crossing[] {
  const found: Crossing[] = [];
  const nextLook = (at: number): number => from + Math.ceil(Math.max(0, at - from) / LOOKED_AT_MS) * LOOKED_AT_MS;
  let state: ThresholdState = { armed: true, beyond_since: null };
  const look = (at: number, value: number): void => {
    const judged = judge(config, state, value, new Date(at));
    state = judged.state;
    if (judged.fires) found.push({ at, value, since: (state.beyond_since ?? new Date(at)).getTime() });
  };
  for (const [index, { at, value }] of points.entries()) {
    const first = nextLook(at);
    const end = Math.min(nextLook(points[index + 1]?.at ?? Infinity), to + 1);
    if (first >= end) continue;
    look(first, value);
    // As long as the value stays, one look more can change something: when it has been beyond for long enough.
    const ripe = state.armed && state.beyond_since ? nextLook(state.beyond_since.getTime() + config.for_seconds * 1000) : Infinity;
    if (ripe > first && ripe < end) look(ripe, value);
  }
  return found;
}

/** What a metric over attempts was, by the same counting as when they end. @param ended in the order of their times */
export async function attemptPoints({ metric, window_seconds: window }: Pick<ThresholdConfig, 'metric' | 'window_seconds'>, ended: readonly Ended[], to: number, pace: Pace): Promise<Point[]> {
  const points: Point[] = [{ at: -Infinity, value: valueOfAttempts(metric, {}, window, new Date(0)) }];
  let buckets: Buckets = {};
  let before = -Infinity;
  const pass = (until: number): void => {
    for (const at of Object.keys(buckets).map((second) => endOf(Number(second), window))) {
      if (at > before && at <= until) points.push({ at, value: valueOfAttempts(metric, buckets, window, new Date(at)) });
    }
    before = until;
  };
  for (const { at, failed } of ended) {
    pass(at);
    buckets = addTo(buckets, window, new Date(at), failed ? 1 : 0, failed ? 0 : 1);
    points.push({ at, value: valueOfAttempts(metric, buckets, window, new Date(at)) });
    if (pace.isDue()) await pace.rest();
  }
  pass(to);
  return points;
}

/** What was spent of each day of UTC, as it grew. @param costs in the order of their times */
export function spendPoints(costs: readonly Cost[], from: number, to: number): Point[] {
  const points: Point[] = [];
  let place = 0;
  for (let day = Math.floor(from / DAY_MS) * DAY_MS; day <= to; day += DAY_MS) {
    let micro = 0;
    points.push({ at: day, value: 0 });
    for (let cost = costs[place]; cost && cost.at < day + DAY_MS; cost = costs[(place += 1)]) {
      micro += Math.round(cost.usd * MICRO);
      points.push({ at: cost.at, value: micro / MICRO });
    }
  }
  return points;
}
