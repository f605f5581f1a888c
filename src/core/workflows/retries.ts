import type { RetryPolicy } from './graph.js';
import type { StepError } from './rows.js';

/** Whether a failed try is followed by another. @param attempt how many have been made */
export function mayTryAgain(policy: RetryPolicy | undefined, attempt: number, error: StepError): boolean {
  return policy !== undefined && error.passing && attempt < policy.attempts && (policy.errors === undefined || policy.errors.some((pattern) => matches(pattern, error.code)));
}

/** Seconds until the next try. @param attempt how many have been made; @param random a number in [0, 1) */
export function retryDelay({ backoff, delay_seconds, max_delay_seconds, jitter }: RetryPolicy, attempt: number, random: number): number {
  const full = Math.min(max_delay_seconds, backoff === 'fixed' ? delay_seconds : delay_seconds * 2 ** Math.min(attempt - 1, 40));
  return jitter ? full / 2 + (full / 2) * random : full;
}

const matches = (pattern: string, code: string): boolean => (pattern.endsWith('*') ? code.startsWith(pattern.slice(0, -1)) : code === pattern);
