import { defineEvent } from '../../core/event.js';
import type { RunStatus, StepStatus } from '../../core/workflows/rows.js';

/** A run began, was paused, goes on, or ended. */
export const WorkflowRunChanged = defineEvent<{ run_id: string; workflow_id: string; status: RunStatus; error: string | null }>('workflow.run');
/** A step of a run is in another state. */
export const WorkflowStepChanged = defineEvent<{ run_id: string; workflow_id: string; path: string; type: string; status: StepStatus; attempt: number; error: string | null }>('workflow.step');

/** A workflow was made. */
export const WorkflowCreated = defineEvent<{ workflow_id: string; name: string; version: number }>('workflow.created');
/** A workflow changed; `version` is its newest. */
export const WorkflowUpdated = defineEvent<{ workflow_id: string; name: string; version: number }>('workflow.updated');
/** A workflow was deleted, and its runs with it. */
export const WorkflowDeleted = defineEvent<{ workflow_id: string; name: string }>('workflow.deleted');
