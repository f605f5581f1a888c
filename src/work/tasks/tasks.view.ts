import type { TaskComment } from './task-comment.entity.js';
import type { Task } from './task.entity.js';
import type { TaskPriority, TaskStatus } from './task.machine.js';

/** A task as it is read. */
export class TaskView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example "Summarise the quarterly report" */
  title!: string;
  /** @example "The board wants two pages." */
  description!: string | null;
  /** @example "Read the attached report and write a summary." */
  instructions!: string | null;
  /**
   * Any JSON that the agent needs.
   * @example { "report": "q4.pdf" }
   */
  payload!: unknown;
  /**
   * inbox, queued, in_progress, review, completed, failed, dead_letter, blocked or cancelled.
   * @example queued
   */
  status!: TaskStatus;
  /** @example high */
  priority!: TaskPriority;
  /** The agent that it is for; null for any. */
  agent_id!: string | null;
  /** The board that it is on. */
  board_id!: string | null;
  /** @example ["web_search"] */
  required_tools!: string[];
  /** The task that it is a part of. */
  parent_task_id!: string | null;
  /** @example 2027-01-31T18:00:00.000Z */
  deadline!: string | null;
  /** @example false */
  deadline_exceeded!: boolean;
  /** @example 3 */
  max_retries!: number;
  /**
   * How often it was tried again.
   * @example 0
   */
  retry_count!: number;
  /**
   * Attempts that count: claimed, and not released.
   * @example 0
   */
  attempts!: number;
  /**
   * Grows by one with every claim.
   * @example 0
   */
  fence!: number;
  /**
   * When it may be handed out: later than now while a retry waits.
   * @example 2026-01-31T09:30:00.000Z
   */
  available_at!: string;
  /**
   * How many tasks it still waits for.
   * @example 0
   */
  waiting_for!: number;
  /** The agent that holds it now. */
  claimed_by!: string | null;
  /** @example null */
  lease_expires_at!: string | null;
  /** @example null */
  progress_percent!: number | null;
  /** @example null */
  progress_note!: string | null;
  /**
   * What the agent answered.
   * @example null
   */
  result!: unknown;
  /** @example [] */
  output_files!: string[];
  /**
   * What went wrong last.
   * @example null
   */
  error!: string | null;
  /** The dead letter that it was started again from. */
  retried_from!: string | null;
  /** @example null */
  cancel_reason!: string | null;
  /**
   * Who made it: user, api_key, agent, bootstrap or system, and its id.
   * @example user:0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  created_by!: string;
  /** @example null */
  started_at!: string | null;
  /** @example null */
  completed_at!: string | null;
  /**
   * Grows with each change; the ETag is made from it.
   * @example 1
   */
  revision!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  updated_at!: string;
}

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

export function toTaskView(task: Task): TaskView {
  return {
    id: task.id,
    title: task.title,
    description: task.description,
    instructions: task.instructions,
    payload: task.payload ?? null,
    status: task.status,
    priority: task.priority,
    agent_id: task.agent_id,
    board_id: task.board_id,
    required_tools: task.required_tools,
    parent_task_id: task.parent_task_id,
    deadline: iso(task.deadline),
    deadline_exceeded: task.deadline_exceeded,
    max_retries: task.max_retries,
    retry_count: task.retry_count,
    attempts: task.attempts,
    fence: Number(task.fence),
    available_at: task.available_at.toISOString(),
    waiting_for: task.waiting_for,
    claimed_by: task.claimed_by,
    lease_expires_at: iso(task.lease_expires_at),
    progress_percent: task.progress_percent,
    progress_note: task.progress_note,
    result: task.result ?? null,
    output_files: task.output_files ?? [],
    error: task.error,
    retried_from: task.retried_from,
    cancel_reason: task.cancel_reason,
    created_by: `${task.created_by_kind}:${task.created_by_id}`,
    started_at: iso(task.started_at),
    completed_at: iso(task.completed_at),
    revision: task.revision,
    created_at: task.created_at.toISOString(),
    updated_at: task.updated_at.toISOString(),
  };
}

/** What an attempt has cost, as its agent said. */
export class AttemptUsageView {
  /** @example 0.042 */
  cost_usd!: number;
  /** @example 12000 */
  input_tokens!: number;
  /** @example 800 */
  output_tokens!: number;
  /** @example claude-sonnet-4-6 */
  model!: string | null;
}

/** One attempt that has ended. */
export class TaskAttemptView {
  /** @example 1 */
  fence!: number;
  /** @example 1 */
  attempt!: number;
  /** The agent that held it. */
  agent_id!: string | null;
  /**
   * completed, failed, expired, released, cancelled or killed.
   * @example failed
   */
  outcome!: string;
  /** @example "The report is encrypted." */
  error!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  started_at!: string;
  /** @example 2026-01-31T09:31:00.000Z */
  ended_at!: string;
  /**
   * null: the agent said nothing about it.
   * @example { "cost_usd": 0.042, "input_tokens": 12000, "output_tokens": 800, "model": "claude-sonnet-4-6" }
   */
  usage!: AttemptUsageView | null;
}

export interface AttemptRow {
  fence: string;
  attempt: number;
  agent_id: string | null;
  outcome: string;
  error: string | null;
  started_at: Date;
  ended_at: Date;
  usage: AttemptUsageView | null;
}

export function toAttemptView(row: AttemptRow): TaskAttemptView {
  return { ...row, fence: Number(row.fence), started_at: row.started_at.toISOString(), ended_at: row.ended_at.toISOString() };
}

/** A task that another one waits for. */
export class BlockingTaskView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example dead_letter */
  status!: TaskStatus;
}

/** A task with what belongs to it. */
export class TaskDetailView extends TaskView {
  /** Tasks that it depends on. */
  depends_on!: string[];
  /** Those of them that are not completed. One that is dead_letter or cancelled keeps this task waiting until it is retried or depends_on is changed. */
  blocked_by!: BlockingTaskView[];
  /** Attempts that have ended, first to last. */
  attempt_history!: TaskAttemptView[];
  /** Its parts. */
  subtask_ids!: string[];
  /** @example 0 */
  comment_count!: number;
}

export interface TaskDetails {
  task: Task;
  depends_on: string[];
  blocked_by: BlockingTaskView[];
  subtask_ids: string[];
  comment_count: number;
  attempts: AttemptRow[];
}

export function toTaskDetailView({ task, attempts, ...details }: TaskDetails): TaskDetailView {
  return { ...toTaskView(task), ...details, attempt_history: attempts.map(toAttemptView) };
}

/** A comment on a task. */
export class TaskCommentView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  task_id!: string;
  /** @example "The numbers of page 3 need a source." */
  body!: string;
  /** @example agent */
  author_kind!: string;
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  author_id!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
}

export function toCommentView(comment: TaskComment): TaskCommentView {
  const { id, task_id, body, author_kind, author_id, created_at } = comment;
  return { id, task_id, body, author_kind, author_id, created_at: created_at.toISOString() };
}

/** How many tasks there are. */
export class TaskStatsView {
  /** @example 2 */
  total!: number;
  /**
   * By status; a status without tasks is 0.
   * @example { "queued": 1, "completed": 1 }
   */
  by_status!: Record<string, number>;
  /**
   * By priority.
   * @example { "critical": 0, "high": 1, "medium": 1, "low": 0 }
   */
  by_priority!: Record<string, number>;
  /**
   * Age of the oldest task that could be handed out now, in seconds; 0 when there is none.
   * @example 12
   */
  oldest_ready_seconds!: number;
}
