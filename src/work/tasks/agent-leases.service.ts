import { Injectable } from '@nestjs/common';
import { AgentLeases, type HeldLease } from '../../fleet/agents/agent-leases.port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { Events } from '../../platform/events/events.js';
import { AgentLeasesRepository } from './agent-leases.repository.js';
import { TaskSignal } from './task-signal.js';
import { TaskUpdated } from './tasks.events.js';

/** Takes an agent's leases back when it is killed, stopped or deleted; runs in the caller's transaction. */
@Injectable()
export class AgentLeasesService extends AgentLeases {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: AgentLeasesRepository,
    private readonly events: Events,
    private readonly signal: TaskSignal,
  ) {
    super();
  }

  async takeBackAll(agentId: string, reason: string): Promise<number> {
    const { tenantId } = this.context;
    const tasks = await this.repository.takeBackAll(tenantId, agentId, reason);
    await this.events.publishMany(TaskUpdated, tasks.map((task) => ({ task_id: task.id, status: 'queued', agent_id: task.agent_id, holder_id: agentId, board_id: task.board_id })));
    afterCommit(() => tasks.forEach(({ lane_id }) => this.signal.ready(tenantId, lane_id)));
    return tasks.length;
  }

  countHeld(agentIds: readonly string[]): Promise<Map<string, number>> {
    return this.repository.countHeld(this.context.tenantId, agentIds);
  }

  heldNow(agentId: string): Promise<number> {
    return this.repository.heldNow(this.context.tenantId, agentId);
  }

  leasesOf(agentId: string): Promise<HeldLease[]> {
    return this.repository.leasesOf(this.context.tenantId, agentId);
  }

  agentChanged(): void {
    this.signal.changed(this.context.tenantId);
  }
}
