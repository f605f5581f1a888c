import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import type { Agent } from './agent.entity.js';
import { AgentLeases } from './agent-leases.port.js';
import { type ReportedStatus, statusOf } from './agent-status.js';
import { AgentStatusChanged } from './agents.events.js';
import { AgentsRepository } from './agents.repository.js';

/** Writes and publishes changes of status. */
@Injectable()
export class AgentStatusService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: AgentsRepository,
    private readonly leases: AgentLeases,
    private readonly events: Events,
  ) {}

  /**
   * Gives an agent that is alive the status that follows from what it reports and what an operator decided.
   * @returns the agent as it is then; undefined when it is gone
   */
  @Transactional()
  async report(id: string, reported: ReportedStatus): Promise<Agent | undefined> {
    const { tenantId } = this.context;
    const agent = await this.repository.lock(tenantId, id);
    if (!agent) return undefined;
    const held = reported === 'online' ? ((await this.leases.countHeld([id])).get(id) ?? 0) : 0;
    const status = statusOf(agent, reported, held);
    if (status === agent.status) return agent;
    const changed = await this.repository.update(tenantId, id, { status });
    await this.publish(agent, changed);
    return changed;
  }

  /** Tells of a change, in the transaction that made it; what is no change of status or control is not told. */
  async publish(before: Agent, after: Agent): Promise<void> {
    if (before.status === after.status && before.is_active === after.is_active && before.control_state === after.control_state) return;
    await this.events.publish(AgentStatusChanged, {
      agent_id: after.id,
      name: after.name,
      status: after.status,
      previous_status: before.status,
      is_active: after.is_active,
      control_state: after.control_state,
      previous_control_state: before.control_state,
    });
  }
}
