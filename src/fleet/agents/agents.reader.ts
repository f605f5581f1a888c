import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { mapPage, type Page, type PageRequest } from '../../core/page.js';
import { RequestContext } from '../../platform/context/request-context.js';
import type { AutonomyLevel, ControlState } from './agent-status.js';
import { type AgentCommand, AgentCommandsRepository } from './agent-commands.repository.js';
import { AgentPresenceRepository } from './agent-presence.repository.js';
import { AgentsRepository } from './agents.repository.js';
import { type AgentView, toAgentView } from './agents.view.js';

export { AUTONOMY_LEVELS } from './agent-status.js';
export type { AgentCommand, AutonomyLevel };

/** What others may know of an agent. */
export interface AgentSummary {
  id: string;
  slug: string;
  name: string;
  role: string;
  status: string;
  is_active: boolean;
  control_state: ControlState;
  autonomy_level: AutonomyLevel;
  enabled_tools: string[];
  max_concurrent_tasks: number;
  daily_budget_usd: string | null;
}

/** The questions that other domains may ask about agents, of the context's tenant, in the caller's transaction. */
@Injectable()
export class AgentsReader {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: AgentsRepository,
    private readonly commands: AgentCommandsRepository,
    private readonly presences: AgentPresenceRepository,
  ) {}

  /** Whether there is such an agent; it is not deleted until the transaction ends. */
  exists(id: string): Promise<boolean> {
    return this.repository.refer(this.context.tenantId, id);
  }

  /** What an operator lets the agent do: whoever pauses, stops or kills it waits until the transaction ends. */
  holdState(id: string): Promise<{ is_active: boolean; control_state: ControlState } | undefined> {
    return this.repository.holdState(this.context.tenantId, id);
  }

  /** The agents among `ids` that there are. */
  async findMany(ids: readonly string[]): Promise<AgentSummary[]> {
    return this.repository.findMany(this.context.tenantId, ids);
  }

  /** The agents among `ids`, as the API shows them. */
  async page(ids: readonly string[], request: PageRequest): Promise<Page<AgentView>> {
    return mapPage(await this.repository.pageOfIds(this.context.tenantId, ids, request), toAgentView);
  }

  /** All agents, newest first, and when each gave its last sign of life. */
  async pageOfAll(request: PageRequest): Promise<Page<AgentSummary & { last_seen_at: Date | null }>> {
    const page = await this.repository.page(this.context.tenantId, request);
    const seen = await this.presences.lastSeen(this.context.tenantId, page.items.map(({ id }) => id));
    return mapPage(page, (agent) => ({ ...agent, last_seen_at: seen.get(agent.id) ?? null }));
  }

  /** How many agents have each status; a status that none has is left out. */
  countByStatus(): Promise<Record<string, number>> {
    return this.repository.countByStatus(this.context.tenantId);
  }

  /** The ids of the agents that there are, by their slugs. */
  idsOfSlugs(slugs: readonly string[]): Promise<Map<string, string>> {
    return this.repository.idsOfSlugs(this.context.tenantId, slugs);
  }

  /** The names of agents, deleted or not. */
  namesOf(ids: readonly string[]): Promise<Map<string, string>> {
    return this.repository.namesOf(this.context.tenantId, ids);
  }

  /** The tools of an agent; none when there is no such agent. */
  async toolsOf(id: string): Promise<string[]> {
    return (await this.repository.find(this.context.tenantId, id))?.enabled_tools ?? [];
  }

  /**
   * What waits for the agents, oldest first; a heartbeat delivers it, this only shows it. On the connection of the
   * caller's transaction, for the hot paths.
   */
  waitingCommands(client: PoolClient, tenantId: string, agentIds: readonly string[]): Promise<AgentCommand[]> {
    return this.commands.waiting(client, tenantId, agentIds);
  }
}
