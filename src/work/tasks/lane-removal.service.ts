import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { LaneRemovalRepository, REMOVAL_BATCH } from './lane-removal.repository.js';
import { LaneTimes } from './lane-times.js';
import { type LaneKey, TaskLanesRepository } from './task-lanes.repository.js';
import { TaskSignal } from './task-signal.js';

const REMOVE_LANES = 'task-lanes';
const EVERY_FIVE_MINUTES = '*/5 * * * *';

/**
 * Removes lanes that no task waits in any more: every claim looks at the lanes of its agent, so that tools, boards and
 * agents that come and go would make claims slower for ever. What happens when a task comes in meanwhile: `LaneTimes`.
 */
@Injectable()
export class LaneRemovalService implements OnModuleInit {
  private readonly logger = new Logger(LaneRemovalService.name);

  constructor(
    private readonly jobs: Jobs,
    private readonly context: RequestContext,
    private readonly repository: LaneRemovalRepository,
    private readonly lanes: TaskLanesRepository,
    private readonly times: LaneTimes,
    private readonly signal: TaskSignal,
  ) {}

  onModuleInit(): void {
    this.jobs.define(REMOVE_LANES, (_data, { signal }) => this.round(signal), { retries: 2 });
    this.jobs.schedule(REMOVE_LANES, EVERY_FIVE_MINUTES);
  }

  /** Removes what was marked long ago, and marks what is idle now. */
  async round(stop: AbortSignal): Promise<void> {
    for (const tenantId of await this.repository.tenants()) {
      stop.throwIfAborted();
      await this.removeAll(tenantId, stop);
      await this.repository.mark(tenantId);
      await this.mend(tenantId);
    }
  }

  private async removeAll(tenantId: string, stop: AbortSignal): Promise<void> {
    for (;;) {
      const { seen, removed } = await this.repository.removeIdle(tenantId, this.times.removeAfterMs);
      if (removed > 0) this.logger.log(`Removed ${removed} lanes that no task waited in.`);
      if (seen < REMOVAL_BATCH) return;
      stop.throwIfAborted();
    }
  }

  /** A process that slept for minutes with a lane's id in its hands may wake up after the removal: its tasks get a lane again. */
  private async mend(tenantId: string): Promise<void> {
    for (const { lane_id, ...lane } of await this.repository.missing(tenantId)) {
      this.logger.warn('Tasks were found in a lane that is not there; they get a new one.');
      await this.context.runAsSystem(tenantId, REMOVE_LANES, () => this.moveTasks(tenantId, lane_id, lane));
    }
  }

  @Transactional()
  async moveTasks(tenantId: string, from: string, lane: LaneKey): Promise<void> {
    const to = await this.lanes.idOf(tenantId, lane);
    await this.repository.move(tenantId, from, to);
    afterCommit(() => this.signal.ready(tenantId, to));
  }
}
