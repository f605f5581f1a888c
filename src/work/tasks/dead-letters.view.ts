import type { DeadLetter } from './dead-letter.entity.js';
import { TaskAttemptView } from './tasks.view.js';

/** A task that was given up. */
export class DeadLetterView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  task_id!: string;
  /** @example "Summarise the quarterly report" */
  title!: string;
  /** @example "The report is encrypted." */
  reason!: string;
  /** The attempts as they were: errors, agents and times. */
  attempts!: TaskAttemptView[];
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
}

export function toDeadLetterView(letter: DeadLetter): DeadLetterView {
  const attempts = letter.attempts.map((attempt) => ({ ...attempt, usage: attempt.usage ?? null }));
  return { id: letter.id, task_id: letter.task_id, title: letter.title, reason: letter.reason, attempts, created_at: letter.created_at.toISOString() };
}

/** How many dead letters there are. */
export class DeadLetterStatsView {
  /** @example 2 */
  total!: number;
  /** @example 1 */
  last_24h!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  oldest_at!: string | null;
  /**
   * The most frequent reasons.
   * @example [{ "reason": "The report is encrypted.", "count": 2 }]
   */
  top_reasons!: ReasonCountView[];
}

export class ReasonCountView {
  /** @example "The report is encrypted." */
  reason!: string;
  /** @example 2 */
  count!: number;
}

export class RetryAllView {
  /**
   * How many will be started again, paced.
   * @example 120
   */
  accepted!: number;
}
