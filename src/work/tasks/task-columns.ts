import type { Task } from './task.entity.js';

const COLUMNS = {
  id: true, tenant_id: true, title: true, description: true, instructions: true, payload: true, status: true, priority: true, priority_rank: true, agent_id: true,
  board_id: true, lane_id: true, required_tools: true, parent_task_id: true, deadline: true, deadline_exceeded: true, max_retries: true, retry_count: true, attempts: true,
  fence: true, ready: true, available_at: true, waiting_for: true, claimed_by: true, claimed_at: true, lease_seconds: true, lease_expires_at: true, progress_percent: true,
  progress_note: true, result: true, output_files: true, error: true, created_by_kind: true, created_by_id: true, retried_from: true, cancel_reason: true,
  started_at: true, completed_at: true, revision: true, created_at: true, updated_at: true,
} as const satisfies Record<keyof Task, true>;

/** The columns of a task as SQL, by name: what a prepared statement returns may not change while it is known. */
export const taskColumns = (alias: string): string =>
  Object.keys(COLUMNS)
    .map((column) => `${alias}.${column}`)
    .join(', ');
