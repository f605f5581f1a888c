import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import { type BriefTask, type CountsSince, TaskCountsRepository } from './task-counts.repository.js';
import { TaskMakersRepository } from './task-makers.repository.js';

export type { BriefTask, CountsSince };
export { MOST_COUNTED } from './task-counts.repository.js';

/** What others may ask about tasks, of the context's tenant, in the caller's transaction. */
@Injectable()
export class TasksReader {
  constructor(
    private readonly context: RequestContext,
    private readonly counts: TaskCountsRepository,
    private readonly makers: TaskMakersRepository,
  ) {}

  /** How tasks stand that somebody waits for. */
  briefly(ids: readonly string[]): Promise<Map<string, BriefTask>> {
    return this.counts.briefly(this.context.tenantId, ids);
  }

  /** Tasks made since each of the times, by the status they have now; exact up to `MOST_COUNTED` of a status. */
  countSince(times: readonly Date[]): Promise<CountsSince[]> {
    return this.counts.since(this.context.tenantId, times);
  }

  /** What attempts have cost that somebody has said the cost of, and when they ended. */
  costsOf(attempts: readonly { taskId: string; fence: number }[]): Promise<{ ended_at: Date; cost_usd: number }[]> {
    return this.counts.costs(this.context.tenantId, attempts);
  }

  /** Which parts of the plane made tasks, or what those are parts of; the nearest first. Tasks that people and agents made are not there. */
  makersOf(ids: readonly string[]): Promise<Map<string, string[]>> {
    return this.makers.of(this.context.tenantId, ids);
  }
}
