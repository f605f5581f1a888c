import { backoffDelay } from '../../core/backoff.js';
import type { Task } from './task.entity.js';
import type { AttemptEnd } from './attempts.repository.js';

/** The longest error text that is kept of an attempt, in characters. */
export const LONGEST_ERROR = 10_000;

/**
 * What becomes of a task whose attempt failed or whose lease ended: tried again after a growing, jittered delay while
 * it has retries left, else a dead letter.
 * @param random a number in [0, 1)
 */
export function endOfFailedAttempt(task: Task, outcome: 'failed' | 'expired', error: string, retryable: boolean, random = Math.random()): AttemptEnd {
  const again = retryable && task.retry_count < task.max_retries;
  return {
    task,
    outcome,
    error: error.slice(0, LONGEST_ERROR),
    next: again ? 'queued' : 'dead_letter',
    delayMs: again ? backoffDelay(task.retry_count + 1, undefined, random) : 0,
    countsAsRetry: true,
  };
}
