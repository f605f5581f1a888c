/** What a load generator measured in one run. Latencies are in ms. */
export interface Measurement {
  /** Things done per second: requests, or tasks. */
  perSecond: number;
  p50: number;
  p99: number;
  errors: number;
}

/** The value below which `share` of the sorted values lie (nearest rank). */
export function percentile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return NaN;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? (sorted[Math.floor(middle)] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Summarises latencies of things that took `seconds` together. */
export function summarise(latencies: number[], seconds: number, errors: number, each = 1): Measurement {
  const sorted = latencies.sort((a, b) => a - b);
  return { perSecond: (sorted.length * each) / seconds, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), errors };
}

/** The middle of several runs, member by member. */
export function middleOf(runs: readonly Measurement[]): Measurement {
  const of = (pick: (run: Measurement) => number): number => median(runs.map(pick));
  return {
    perSecond: of((run) => run.perSecond),
    p50: of((run) => run.p50),
    p99: of((run) => run.p99),
    errors: runs.reduce((sum, run) => sum + run.errors, 0),
  };
}
