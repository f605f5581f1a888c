import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { StoredEvent } from '../../core/event.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { EventConsumers } from '../../platform/events/event-consumers.js';
import { Events } from '../../platform/events/events.js';
import { TaskSignal } from './task-signal.js';
import { TaskCompleted, TaskUpdated } from './tasks.events.js';
import { TasksRepository } from './tasks.repository.js';
import { factOf } from './tasks.service.js';

/**
 * Lets tasks go whose dependencies are completed. What a task waits for is counted anew each time, so that an event that
 * is delivered twice, or late, changes nothing.
 */
@Injectable()
export class TaskDependenciesListener implements OnModuleInit {
  constructor(
    private readonly consumers: EventConsumers,
    private readonly context: RequestContext,
    private readonly repository: TasksRepository,
    private readonly events: Events,
    private readonly signal: TaskSignal,
  ) {}

  onModuleInit(): void {
    this.consumers.onMany('task-dependencies', TaskCompleted, (facts) => this.completed(facts));
  }

  @Transactional()
  async completed(facts: readonly StoredEvent<{ task_id: string }>[]): Promise<void> {
    const released = await this.repository.release(this.context.tenantId, facts.map(({ data }) => data.task_id));
    await this.events.publishMany(TaskUpdated, released.map(factOf));
    afterCommit(() => released.forEach((task) => this.signal.ready(task.tenant_id, task.lane_id)));
  }
}
