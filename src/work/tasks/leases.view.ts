import { Problem } from '../../core/problem.js';
import { ProblemView } from '../../platform/http/page.view.js';
import type { Renewed } from './leases.service.js';
import type { Task } from './task.entity.js';
import { TaskView, toTaskView } from './tasks.view.js';

/** The right to work on a task, until it ends. */
export class LeaseView {
  /**
   * Send it with every write about the task.
   * @example 1
   */
  fence!: number;
  /** @example 2026-01-31T09:31:00.000Z */
  expires_at!: string;
}

/** A task that was handed out. */
export class ClaimedTaskView {
  task!: TaskView;
  lease!: LeaseView;
}

/** What was claimed; empty when there was nothing. */
export class ClaimView {
  items!: ClaimedTaskView[];
}

/** Something the agent is told to do. */
export class LeaseCommandView {
  /**
   * pause, resume, kill or rotate_token.
   * @example pause
   */
  command!: string;
  /** @example "Maintenance window" */
  reason!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
}

export class RenewedLeaseView {
  lease!: LeaseView;
  /** What waits for the agent; it is shown here until a heartbeat delivers it. */
  commands!: LeaseCommandView[];
}

/** How one completion of several went. */
export class CompletedItemView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example true */
  ok!: boolean;
  /** Why not. */
  problem?: ProblemView;
}

export class CompletedItemsView {
  items!: CompletedItemView[];
}

export function toClaimView(tasks: readonly Task[]): ClaimView {
  return { items: tasks.map((task) => ({ task: toTaskView(task), lease: toLeaseView(task) })) };
}

export function toLeaseView(task: Pick<Task, 'fence' | 'lease_expires_at'>): LeaseView {
  return { fence: Number(task.fence), expires_at: (task.lease_expires_at ?? new Date(0)).toISOString() };
}

/**
 * @param outcome why not, or anything else
 * @param requestId as in `X-Request-Id`, for the problem of an item that was refused
 */
export function toCompletedItem(id: string, outcome: object, requestId: string | string[] | undefined): CompletedItemView {
  if (!(outcome instanceof Problem)) return { id, ok: true };
  return { id, ok: false, problem: outcome.toDocument(typeof requestId === 'string' ? requestId : null) };
}

export function toRenewedView({ task, commands }: Renewed): RenewedLeaseView {
  return { lease: toLeaseView(task), commands: commands.map(({ command, reason, created_at }) => ({ command, reason, created_at: created_at.toISOString() })) };
}
