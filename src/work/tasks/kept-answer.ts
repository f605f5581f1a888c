import type { Task } from './task.entity.js';

/**
 * What a task looked like in the answer that ended an attempt, without what the attempt did not change. Times are ISO
 * 8601. It is kept beside the attempt, so that the same call under the same fence gets the same answer even when the task
 * has been claimed again since.
 */
export interface KeptAnswer {
  status: Task['status'];
  error: string | null;
  retry_count: number;
  attempts: number;
  fence: string;
  available_at: string;
  progress_percent: number | null;
  progress_note: string | null;
  completed_at: string | null;
  revision: number;
  updated_at: string;
}

/** SQL that makes a `KeptAnswer` from the task row `c`. */
export const KEPT_ANSWER = `jsonb_build_object('status', c.status, 'error', c.error, 'retry_count', c.retry_count, 'attempts', c.attempts,
  'fence', c.fence::text, 'available_at', c.available_at, 'progress_percent', c.progress_percent, 'progress_note', c.progress_note,
  'completed_at', c.completed_at, 'revision', c.revision, 'updated_at', c.updated_at)`;

/** The task as it was answered then: held by nobody. */
export function asAnswered(task: Task, kept: KeptAnswer): Task {
  return {
    ...task,
    ...kept,
    available_at: new Date(kept.available_at),
    completed_at: kept.completed_at === null ? null : new Date(kept.completed_at),
    updated_at: new Date(kept.updated_at),
    claimed_by: null,
    claimed_at: null,
    lease_expires_at: null,
    lease_seconds: null,
  };
}
