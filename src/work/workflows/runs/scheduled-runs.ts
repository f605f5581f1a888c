import { Injectable, type OnModuleInit } from '@nestjs/common';
import { newId } from '../../../core/ids.js';
import { Problem } from '../../../core/problem.js';
import { RequestContext } from '../../../platform/context/request-context.js';
import { Events } from '../../../platform/events/events.js';
import { CronTicks, type TickFailure } from '../../../platform/jobs/cron-ticks.js';
import { Notifier } from '../../../platform/notifications/notifier.port.js';
import { WorkflowRunChanged } from '../workflows.events.js';
import { WORKFLOW_TICKS } from '../workflow-schedule.js';
import { RunStarts, type StartedBy } from './run-starts.service.js';
import { RunStartsRepository } from './run-starts.repository.js';

/** Once an hour is enough to say that it cannot. */
const HOUR = 13;

const keyOf = (at: Date): string => `tick:${at.toISOString()}`;
const startedBy = (workflowId: string): StartedBy => ({ kind: 'schedule', id: workflowId });

/** Starts runs by the schedules of their workflows: one for each tick, in the transaction of the tick. */
@Injectable()
export class ScheduledRuns implements OnModuleInit {
  constructor(
    private readonly context: RequestContext,
    private readonly ticks: CronTicks,
    private readonly starts: RunStarts,
    private readonly repository: RunStartsRepository,
    private readonly events: Events,
    private readonly notifier: Notifier,
  ) {}

  onModuleInit(): void {
    this.ticks.define(WORKFLOW_TICKS, (workflowId, at) => this.tick(workflowId, at), (workflowId, ticks, failure) => this.givenUp(workflowId, ticks, failure));
  }

  private async tick(workflowId: string, at: Date): Promise<void> {
    try {
      await this.starts.start({ workflowId, input: {}, key: keyOf(at), startedBy: startedBy(workflowId) });
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500) throw error;
      // Trying again would say the same: people have to change the workflow.
      await this.givenUp(workflowId, [at], { code: error.code, message: error.message });
    }
  }

  /** A run that failed before it began stands for each tick: whoever looks for what ran at that time finds why nothing did. */
  private async givenUp(workflowId: string, ticks: readonly Date[], error: TickFailure): Promise<void> {
    for (const at of ticks) {
      const runId = await this.repository.insertFailed(this.context.tenantId, { id: newId(), workflowId, startedBy: startedBy(workflowId), key: keyOf(at), error });
      if (runId === undefined) continue;
      await this.events.publish(WorkflowRunChanged, { run_id: runId, workflow_id: workflowId, status: 'failed', error: error.code });
      await this.notifier.notify({
        type: 'workflow_failure',
        severity: 'high',
        title: 'A scheduled run could not start.',
        body: error.message,
        link: `/workflow-runs/${runId}`,
        metadata: { workflow_id: workflowId, run_id: runId, tick: at.toISOString(), code: error.code },
        to: { roles: ['admin'] },
        key: `workflow-tick:${workflowId}:${at.toISOString().slice(0, HOUR)}`,
      });
    }
  }
}
