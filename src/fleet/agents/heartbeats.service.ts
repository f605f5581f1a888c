import { Injectable } from '@nestjs/common';
import { notFound, Problem } from '../../core/problem.js';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import type { Agent } from './agent.entity.js';
import { AgentLeases } from './agent-leases.port.js';
import { AgentMemberships } from './agent-memberships.port.js';
import { type ReportedStatus, statusOf } from './agent-status.js';
import { AgentStatusService } from './agent-status.service.js';
import type { HeartbeatDto } from './heartbeats.dto.js';
import { type DeliveredCommand, HeartbeatsRepository } from './heartbeats.repository.js';

export interface Heartbeat {
  agent: Agent;
  commands: DeliveredCommand[];
  nextSeconds: number;
}

/** Takes heartbeats. While nothing changes one costs two round trips and locks nothing. */
@Injectable()
export class HeartbeatsService {
  constructor(
    private readonly config: Config,
    private readonly context: RequestContext,
    private readonly repository: HeartbeatsRepository,
    private readonly memberships: AgentMemberships,
    private readonly leases: AgentLeases,
    private readonly statuses: AgentStatusService,
  ) {}

  /** @throws Problem `not_found` for a board that the agent is not on */
  async beat({ status, name, board_id }: HeartbeatDto): Promise<Heartbeat> {
    const { tenantId, actor } = this.context;
    if (board_id && !(await this.memberships.isOnBoard(tenantId, board_id, actor.id))) throw notFound('board');
    const held = status === 'online' ? await this.leases.heldNow(actor.id) : 0;
    const beat = await this.repository.beat({ tenantId, agentId: actor.id, status, name: name ?? null, boardId: board_id ?? null });
    // Its token was good a moment ago.
    if (!beat) throw new Problem('agent_inactive');
    const agent = statusOf(beat.agent, status, held) === beat.agent.status ? beat.agent : await this.changeStatus(beat.agent, status);
    return { agent, commands: beat.commands, nextSeconds: this.config.get('HEARTBEAT_SECONDS') };
  }

  /** Rare, so it may cost a transaction that holds the row: an operator may be changing it at the same moment. */
  private async changeStatus(agent: Agent, reported: ReportedStatus): Promise<Agent> {
    return (await this.statuses.report(agent.id, reported)) ?? agent;
  }
}
