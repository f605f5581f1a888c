import { defineEvent } from '../../core/event.js';

export interface TaskFact {
  task_id: string;
  status: string;
  /** The agent that it is meant for, as on the task; null for any. */
  agent_id: string | null;
  /** The agent that holds it, or held it until this happened. */
  holder_id: string | null;
  board_id: string | null;
}

/** A task was made. */
export const TaskCreated = defineEvent<TaskFact & { title: string; priority: string }>('task.created');
/** A task changed: its fields, or its status to one without a fact of its own. */
export const TaskUpdated = defineEvent<TaskFact & { fence?: number }>('task.updated');
/** A task was completed. */
export const TaskCompleted = defineEvent<TaskFact & { fence: number | null }>('task.completed');
/** An attempt at a task failed; `status` says whether it is tried again (`queued`) or not (`dead_letter`). */
export const TaskFailed = defineEvent<TaskFact & { fence: number | null; error: string; outcome: 'failed' | 'expired' }>('task.failed');
