import type { Metric, ThresholdConfig } from './trigger-config.js';

/** Whether a value is beyond a threshold now, since when, and whether the crossing has been told. */
export interface ThresholdState {
  armed: boolean;
  beyond_since: Date | null;
}

/** How often thresholds are looked at. */
export const LOOKED_AT_MS = 5_000;

/** Failed and completed attempts by the second in which their bucket begins. */
export type Buckets = Record<string, [failed: number, completed: number]>;

const COMPARE: Record<ThresholdConfig['operator'], (a: number, b: number) => boolean> = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
};

/**
 * A value that has been beyond for long enough fires once; then it has to come back, to `reset` where there is one, before
 * another crossing does: a value that trembles about the line is one crossing.
 */
export function judge(config: ThresholdConfig, state: ThresholdState, value: number, now: Date): { fires: boolean; state: ThresholdState } {
  const isBeyond = COMPARE[config.operator](value, config.value);
  const isBack = !isBeyond && (config.reset === undefined || !COMPARE[config.operator](value, config.reset));
  if (!isBeyond) return { fires: false, state: { armed: state.armed || isBack, beyond_since: null } };
  const since = state.beyond_since ?? now;
  const fires = state.armed && now.getTime() - since.getTime() >= config.for_seconds * 1000;
  return { fires, state: { armed: state.armed && !fires, beyond_since: since } };
}

const BUCKETS = 60;
const sizeOf = (window: number): number => Math.max(1, Math.ceil(window / BUCKETS));

/** Adds what was counted at a moment, and lets go what no window needs any more. */
export function addTo(buckets: Buckets, window: number, at: Date, failed: number, completed: number): Buckets {
  const size = sizeOf(window);
  const second = Math.floor(at.getTime() / 1000 / size) * size;
  const [before, done] = buckets[second] ?? [0, 0];
  const kept = Object.entries(buckets).filter(([begin]) => Number(begin) > second - window - size);
  return { ...Object.fromEntries(kept), [second]: [before + failed, done + completed] };
}

/** What was counted in the window before now. */
export function sumOf(buckets: Buckets, window: number, now: Date): { failed: number; completed: number } {
  const from = now.getTime() / 1000 - window - sizeOf(window);
  const sum = { failed: 0, completed: 0 };
  for (const [begin, [failed, completed]] of Object.entries(buckets)) {
    if (Number(begin) < from) continue;
    sum.failed += failed;
    sum.completed += completed;
  }
  return sum;
}

/** When a bucket that begins with this second is in no window any more, in milliseconds. */
export const endOf = (second: number, window: number): number => (second + window + sizeOf(window)) * 1000 + 1;

/** What a metric over attempts is. */
export function valueOfAttempts(metric: Metric, buckets: Buckets, window: number, now: Date): number {
  const { failed, completed } = sumOf(buckets, window, now);
  if (metric !== 'error_rate') return failed;
  return failed + completed === 0 ? 0 : failed / (failed + completed);
}
