import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { changesBetween } from '../../core/changes.js';
import type { Page } from '../../core/page.js';
import { notFound, Problem } from '../../core/problem.js';
import { slugify } from '../../core/slug.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { brokenConstraint } from '../../platform/database/database-problem.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { Events } from '../../platform/events/events.js';
import { idOfNew } from '../../platform/database/transaction-scope.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import type { Agent } from './agent.entity.js';
import { AgentLeases } from './agent-leases.port.js';
import { AgentMemberships } from './agent-memberships.port.js';
import { AgentPresenceRepository, type PresenceRow } from './agent-presence.repository.js';
import { statusWhenStarted } from './agent-status.js';
import { AgentStatusService } from './agent-status.service.js';
import { AgentTokensService } from './agent-tokens.service.js';
import type { AgentFields, CreateAgentDto, ListAgentsQuery, UpdateAgentDto } from './agents.dto.js';
import { AgentDeleted } from './agents.events.js';
import { type AgentPatch, AgentsRepository, COUNTED_AGENTS, type NewAgent } from './agents.repository.js';
import { toAgentView } from './agents.view.js';
import { splitModel } from './llm-model.js';

const MOST_SLUG_TRIES = 100;
/** Leaves room for a number in the 60 characters of a slug. */
const LONGEST_BASE = 52;

/** Making, reading, changing and deleting agents. */
@Injectable()
export class AgentsService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: AgentsRepository,
    private readonly presences: AgentPresenceRepository,
    private readonly tokens: AgentTokensService,
    private readonly statuses: AgentStatusService,
    private readonly leases: AgentLeases,
    private readonly memberships: AgentMemberships,
    private readonly revocations: Revocations,
    private readonly events: Events,
    private readonly audit: AuditPort,
    private readonly plans: PlanLimits,
  ) {
    plans.countBy('agents', COUNTED_AGENTS);
  }

  @Transactional()
  list(query: ListAgentsQuery): Promise<Page<Agent>> {
    return this.repository.page(this.context.tenantId, query);
  }

  /** @throws Problem `not_found` */
  @Transactional()
  async get(id: string): Promise<Agent> {
    const agent = await this.repository.find(this.context.tenantId, id);
    if (!agent) throw notFound('agent');
    return agent;
  }

  @Transactional()
  async presence(id: string): Promise<PresenceRow | undefined> {
    const agent = await this.get(id);
    return this.presences.find(agent.tenant_id, agent.id);
  }

  /** @throws Problem `slug_taken` for a slug that was asked for (one that is made from the name gets a number instead), `plan_limit_reached` */
  @Transactional()
  async create(dto: CreateAgentDto): Promise<{ agent: Agent; token: string }> {
    await this.plans.admit('agents');
    const row = { ...columnsOf(dto), id: idOfNew(), tenant_id: this.context.tenantId, name: dto.name.trim() };
    const agent = dto.slug === undefined ? await this.insertWithFreeSlug(row) : await this.repository.insert({ ...row, slug: dto.slug });
    if (!agent) throw new Problem('slug_taken', { current: dto.slug });
    const token = await this.tokens.issue(agent.id);
    await this.audit.record({ action: 'agent.create', resource: { type: 'agent', id: agent.id }, after: toAgentView(agent) });
    return { agent, token };
  }

  /** @throws Problem `slug_taken`, `precondition_failed` */
  @Transactional()
  async update(id: string, dto: UpdateAgentDto): Promise<Agent> {
    const agent = this.checked(await this.repository.lock(this.context.tenantId, id));
    const patch: AgentPatch = {
      ...columnsOf(dto),
      ...(dto.name === undefined ? {} : { name: dto.name.trim() }),
      ...(dto.slug === undefined ? {} : { slug: dto.slug }),
      ...activation(agent, dto.is_active),
    };
    if (Object.keys(patch).length === 0) return agent;
    if (agent.is_active && dto.is_active === false) await this.leases.takeBackAll(id, 'The agent was deactivated.');
    const changed = await this.write(agent, patch);
    await this.audit.record({ action: 'agent.update', resource: { type: 'agent', id }, ...changesBetween(toAgentView(agent), toAgentView(changed)) });
    await this.statuses.publish(agent, changed);
    if (agent.is_active !== changed.is_active || agent.slug !== changed.slug) this.revocations.afterCommit(`agent:${id}`);
    afterCommit(() => this.leases.agentChanged(id));
    return changed;
  }

  /** Soft: what the agent did stays readable, its slug is free again. */
  @Transactional()
  async delete(id: string): Promise<void> {
    const agent = this.checked(await this.repository.lockToDelete(this.context.tenantId, id));
    if ((await this.repository.conductorId(agent.tenant_id)) === id) {
      throw new Problem('conflict', { detail: 'This agent is the active conductor.', remedy: 'Name another agent in the setting conductor.agent_id first.' });
    }
    await this.leases.takeBackAll(id, 'The agent was deleted.');
    await this.tokens.revokeAll(id);
    await this.memberships.leaveAll(id);
    const deleted = await this.repository.update(agent.tenant_id, id, { is_active: false, status: 'offline', deleted_at: new Date() });
    await this.audit.record({ action: 'agent.delete', resource: { type: 'agent', id }, before: toAgentView(agent) });
    await this.statuses.publish(agent, deleted);
    await this.events.publish(AgentDeleted, { agent_id: id });
  }

  private checked(agent: Agent | null): Agent {
    if (!agent) throw notFound('agent');
    checkIfMatch(this.context.get('ifMatch'), agent);
    return agent;
  }

  private async write(agent: Agent, patch: AgentPatch): Promise<Agent> {
    try {
      return await this.repository.update(agent.tenant_id, agent.id, patch);
    } catch (error) {
      if (brokenConstraint(error) === 'agents_slug') throw new Problem('slug_taken', { current: patch.slug });
      throw error;
    }
  }

  /** `name`, `name-2`, `name-3`...: whoever comes second under the same name looks again. */
  private async insertWithFreeSlug(row: Omit<NewAgent, 'slug'>): Promise<Agent | undefined> {
    const base = slugify(row.name, 'agent').slice(0, LONGEST_BASE).replace(/-$/, '');
    for (let tries = 0; tries < MOST_SLUG_TRIES; tries += 1) {
      const number = (await this.repository.highestSuffix(row.tenant_id, base)) + 1;
      const suffix = number === 1 ? '' : `-${number}`;
      const agent = await this.repository.insert({ ...row, slug: `${base}${suffix}` });
      if (agent) return agent;
    }
    return undefined;
  }
}

/** The fields of a request as columns; what is left out is not among them. */
function columnsOf(dto: AgentFields): AgentPatch {
  const { description, role, system_prompt, enabled_tools, temperature, max_tokens, worker_id, metadata, is_active, autonomy_level, max_concurrent_tasks, daily_budget_usd } = dto;
  const { llm_provider, llm_model } = splitModel({ llm_provider: dto.llm_provider, llm_model: dto.llm_model });
  const all: AgentPatch = {
    description,
    role,
    llm_provider,
    llm_model,
    system_prompt,
    enabled_tools,
    temperature,
    max_tokens,
    worker_id,
    metadata,
    is_active,
    autonomy_level,
    max_concurrent_tasks,
    daily_budget_usd: typeof daily_budget_usd === 'number' ? daily_budget_usd.toFixed(6) : daily_budget_usd,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function activation(agent: Agent, isActive: boolean | undefined): AgentPatch {
  if (isActive === undefined || isActive === agent.is_active) return {};
  return { is_active: isActive, status: isActive ? statusWhenStarted(agent) : 'offline' };
}
