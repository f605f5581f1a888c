import type { RunOrder } from './runs/run-starts.service.js';

/** Starts runs for other domains: triggers, schedules, webhooks. A port, so that they need not know the engine. */
export abstract class WorkflowRuns {
  /**
   * In the caller's transaction: the run begins with its commit. The same key again answers the run that there is.
   * @throws Problem `not_found`, `workflow_disabled`, `workflow_input_invalid`
   */
  abstract start(order: Pick<RunOrder, 'workflowId' | 'input' | 'key' | 'startedBy' | 'requester'>): Promise<{ runId: string; isNew: boolean }>;
}
