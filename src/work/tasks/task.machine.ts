import { Problem } from '../../core/problem.js';
import { StateMachine } from '../../core/state-machine.js';

export const TASK_STATUSES = ['inbox', 'queued', 'in_progress', 'review', 'completed', 'failed', 'dead_letter', 'blocked', 'cancelled'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export const TASK_PRIORITIES = ['critical', 'high', 'medium', 'low'] as const;
export type TaskPriority = (typeof TASK_PRIORITIES)[number];

/** 0 is handed out first. */
export const priorityRank = (priority: TaskPriority): number => TASK_PRIORITIES.indexOf(priority);

/** Second names in filters, as two of the documents use them; `failed` includes what has given up. */
const FILTER_NAMES: Readonly<Record<string, readonly TaskStatus[]>> = {
  pending: ['queued'],
  running: ['in_progress'],
  failed: ['failed', 'dead_letter'],
  active: ['inbox', 'queued', 'in_progress', 'review', 'blocked'],
};
export const TASK_STATUS_FILTERS = [...new Set<string>([...TASK_STATUSES, ...Object.keys(FILTER_NAMES), 'all'])];

/** The statuses that a filter's word stands for; undefined for all of them. */
export function statusesOfFilter(filter: string | undefined): readonly TaskStatus[] | undefined {
  if (filter === undefined || filter === 'all') return undefined;
  return FILTER_NAMES[filter] ?? [filter as TaskStatus];
}

/**
 * Every status change there is, whoever makes it. `failed` is passed through within one transaction and never stays: an
 * attempt that fails leaves its task `queued` again or a dead letter.
 */
export const taskMachine = new StateMachine<TaskStatus>({
  inbox: ['queued', 'blocked', 'cancelled', 'dead_letter'],
  queued: ['in_progress', 'inbox', 'blocked', 'cancelled', 'dead_letter'],
  in_progress: ['review', 'completed', 'failed', 'queued', 'dead_letter', 'cancelled'],
  review: ['completed', 'queued', 'cancelled', 'dead_letter'],
  blocked: ['queued', 'inbox', 'cancelled', 'dead_letter'],
  failed: ['queued', 'dead_letter', 'cancelled'],
  dead_letter: ['queued'],
  completed: [],
  cancelled: [],
});

/** What a person may set by hand; all else is done by claiming, completing, cancelling and retrying. */
const BY_HAND: Partial<Record<TaskStatus, readonly TaskStatus[]>> = {
  inbox: ['queued'],
  queued: ['inbox'],
  blocked: ['inbox'],
  review: ['completed', 'queued'],
};

/** Ended for good: neither agents nor people change it any more (a dead letter can be retried). */
export const isEnded = (status: TaskStatus): boolean => status === 'completed' || status === 'cancelled' || status === 'dead_letter';

/** @throws Problem `task_final` or `invalid_transition` */
export function checkByHand(from: TaskStatus, to: TaskStatus): void {
  if (isEnded(from)) throw new Problem('task_final', { detail: `The task is ${from}.`, current: from });
  if (!taskMachine.can(from, to) || !BY_HAND[from]?.includes(to)) {
    throw new Problem('invalid_transition', { detail: `A task that is ${from} cannot be set to ${to}.`, current: from, limit: (BY_HAND[from] ?? []).join(', ') });
  }
}
