import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Problem } from '../../../core/problem.js';
import { CronTicks } from '../../../platform/jobs/cron-ticks.js';
import { Notifier } from '../../../platform/notifications/notifier.port.js';
import { WORKFLOW_TICKS } from '../workflow-schedule.js';
import { RunStarts } from './run-starts.service.js';

/** Once an hour is enough to say that it cannot. */
const HOUR = 13;

/** Starts runs by the schedules of their workflows: one for each tick, in the transaction of the tick. */
@Injectable()
export class ScheduledRuns implements OnModuleInit {
  constructor(
    private readonly ticks: CronTicks,
    private readonly starts: RunStarts,
    private readonly notifier: Notifier,
  ) {}

  onModuleInit(): void {
    this.ticks.define(WORKFLOW_TICKS, (workflowId, at) => this.tick(workflowId, at));
  }

  private async tick(workflowId: string, at: Date): Promise<void> {
    const tick = at.toISOString();
    try {
      await this.starts.start({ workflowId, input: {}, key: `tick:${tick}`, startedBy: { kind: 'schedule', id: workflowId } });
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500) throw error;
      // Trying again would say the same: people have to change the workflow.
      await this.notifier.notify({ type: 'workflow_failure', severity: 'high', title: 'A scheduled run could not start.', body: error.message, link: `/workflows/${workflowId}`, metadata: { workflow_id: workflowId, tick, code: error.code }, to: { roles: ['admin'] }, key: `workflow-tick:${workflowId}:${tick.slice(0, HOUR)}` });
    }
  }
}
