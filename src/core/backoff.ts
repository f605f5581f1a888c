export interface BackoffOptions {
  /** Delay before the first retry, in milliseconds. */
  baseMs: number;
  /** No delay is longer. */
  maxMs: number;
}

export const RETRY_BACKOFF: BackoffOptions = { baseMs: 1_000, maxMs: 15 * 60_000 };

/**
 * Delay before retry number `retry` (1 is the first), in whole milliseconds: exponential with equal jitter, so at
 * least half of the exponential delay and never more than all of it.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 ("equal jitter").
 * @param random a number in [0, 1)
 */
export function backoffDelay(retry: number, options: BackoffOptions = RETRY_BACKOFF, random: number = Math.random()): number {
  const full = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(Math.max(retry, 1) - 1, 40));
  return Math.round(full / 2 + (full / 2) * random);
}
