import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { idOfNew } from '../../platform/database/transaction-scope.js';
import { PlanLimits } from '../../platform/limits/plan-limits.port.js';
import type { Agent } from './agent.entity.js';
import { AgentsRepository } from './agents.repository.js';
import { toAgentView } from './agents.view.js';

/** Agents that come into being by calling: a shared credential names one that is not there yet. */
@Injectable()
export class AgentEnrolment {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: AgentsRepository,
    private readonly audit: AuditPort,
    private readonly plans: PlanLimits,
  ) {}

  /** The agent with this slug, made when there is none; of many callers at once one makes it. @throws Problem `plan_limit_reached` */
  @Transactional()
  async ensure(slug: string, name: string): Promise<Agent | null> {
    const { tenantId } = this.context;
    const present = await this.repository.findBySlug(tenantId, slug);
    if (present) return present;
    await this.plans.admit('agents');
    const made = await this.repository.insert({ id: idOfNew(), tenant_id: tenantId, slug, name });
    if (made) await this.audit.record({ action: 'agent.create', resource: { type: 'agent', id: made.id }, after: toAgentView(made), detail: { by: 'first call' } });
    return made ?? this.repository.findBySlug(tenantId, slug);
  }
}
