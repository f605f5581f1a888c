import type { CallCounts } from './circuit-breaker.machine.js';

const BUCKETS = 10;

/** Counts the calls of the last so many seconds, in ten steps, in memory that does not grow with their number. */
export class CallWindow {
  private readonly buckets: (CallCounts & { step: number })[] = [];

  /** @param now milliseconds that only grow */
  constructor(
    private readonly seconds: number,
    private readonly now: () => number,
  ) {}

  add(call: { failed: boolean; slow: boolean }): CallCounts {
    const step = this.step();
    const last = this.buckets.at(-1);
    const bucket = last?.step === step ? last : { step, calls: 0, failures: 0, slow: 0 };
    if (bucket !== last) this.buckets.push(bucket);
    bucket.calls += 1;
    if (call.failed) bucket.failures += 1;
    if (call.slow) bucket.slow += 1;
    return this.counts();
  }

  counts(): CallCounts {
    const oldest = this.step() - BUCKETS;
    while ((this.buckets[0]?.step ?? Number.POSITIVE_INFINITY) <= oldest) this.buckets.shift();
    const sum = { calls: 0, failures: 0, slow: 0 };
    for (const { calls, failures, slow } of this.buckets) {
      sum.calls += calls;
      sum.failures += failures;
      sum.slow += slow;
    }
    return sum;
  }

  private step(): number {
    return Math.floor(this.now() / ((this.seconds * 1000) / BUCKETS));
  }
}
