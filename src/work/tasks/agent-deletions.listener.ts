import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { AgentDeleted } from '../../fleet/agents/agents.events.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { EventConsumers } from '../../platform/events/event-consumers.js';
import { Events } from '../../platform/events/events.js';
import type { TaskStatus } from './task.machine.js';
import { TaskLanesRepository } from './task-lanes.repository.js';
import { TaskUpdated } from './tasks.events.js';
import { TasksRepository } from './tasks.repository.js';
import { factOf } from './tasks.service.js';

const WAITING: ReadonlySet<TaskStatus> = new Set(['inbox', 'queued', 'blocked']);

/**
 * Puts the tasks that were meant for a deleted agent back into the inbox, meant for nobody: they would wait for ever, and
 * who takes them now is for a person to decide. What another agent holds, or has finished for a review, stays where it
 * is: it goes to the inbox no more when it fails, but to whoever may take it.
 */
@Injectable()
export class AgentDeletionsListener implements OnModuleInit {
  constructor(
    private readonly consumers: EventConsumers,
    private readonly context: RequestContext,
    private readonly repository: TasksRepository,
    private readonly lanes: TaskLanesRepository,
    private readonly events: Events,
  ) {}

  onModuleInit(): void {
    this.consumers.on('task-assignments', AgentDeleted, ({ data }) => this.deleted(data.agent_id));
  }

  @Transactional()
  async deleted(agentId: string): Promise<void> {
    const { tenantId } = this.context;
    const facts: ReturnType<typeof factOf>[] = [];
    for (const task of await this.repository.lockMeantFor(tenantId, agentId)) {
      const lane = await this.lanes.idOf(tenantId, { ...task, agent_id: null });
      facts.push(factOf(await this.repository.update(tenantId, task.id, { agent_id: null, lane_id: lane, ...(WAITING.has(task.status) ? { status: 'inbox', ready: false } : {}) })));
    }
    await this.events.publishMany(TaskUpdated, facts);
  }
}
