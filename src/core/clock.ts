/**
 * Time as this process sees it. Only durations inside one process and times shown to people come from here; whatever
 * processes must agree on (leases, expiry, order) is decided by the database's clock.
 */
export abstract class Clock {
  abstract now(): Date;
  /** Milliseconds that only ever grow, unaffected by the wall clock being set. */
  abstract monotonicMs(): number;
}

export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }
  monotonicMs(): number {
    return performance.now();
  }
}
