import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { changesBetween } from '../../core/changes.js';
import { notFound, Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import type { Agent } from './agent.entity.js';
import { AgentCommandsRepository } from './agent-commands.repository.js';
import { AgentLeases } from './agent-leases.port.js';
import { statusWhenResumed, statusWhenStarted } from './agent-status.js';
import { AgentStatusService } from './agent-status.service.js';
import { type AgentPatch, AgentsRepository } from './agents.repository.js';
import { toAgentView } from './agents.view.js';

/** What operators do to agents while they work. Each act holds when its request is answered, in every process. */
@Injectable()
export class AgentControlService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: AgentsRepository,
    private readonly commands: AgentCommandsRepository,
    private readonly statuses: AgentStatusService,
    private readonly leases: AgentLeases,
    private readonly revocations: Revocations,
    private readonly audit: AuditPort,
  ) {}

  @Transactional()
  async start(id: string): Promise<Agent> {
    const agent = await this.lock(id);
    return this.change('agent.start', agent, { is_active: true, status: statusWhenStarted(agent) });
  }

  /** Takes the agent's tasks back and refuses its token. */
  @Transactional()
  async stop(id: string): Promise<Agent> {
    const agent = await this.lock(id);
    await this.leases.takeBackAll(id, 'The agent was stopped.');
    return this.change('agent.stop', agent, { is_active: false, status: 'offline' });
  }

  /** From here on it gets no new task; what it holds it may finish. */
  @Transactional()
  async pause(id: string, reason: string | null): Promise<Agent> {
    const agent = await this.lock(id);
    if (agent.control_state === 'killed') throw new Problem('conflict', { detail: 'This agent is killed.', remedy: 'Resume it first.' });
    await this.commands.add(agent.tenant_id, id, 'pause', reason);
    return this.change('agent.pause', agent, { control_state: 'paused', control_reason: reason, status: agent.is_active ? 'paused' : 'offline' }, reason);
  }

  @Transactional()
  async resume(id: string, reason: string | null): Promise<Agent> {
    const agent = await this.lock(id);
    const held = (await this.leases.countHeld([id])).get(id) ?? 0;
    if (agent.control_state !== 'running') await this.commands.add(agent.tenant_id, id, 'resume', reason);
    return this.change('agent.resume', agent, { control_state: 'running', control_reason: null, status: statusWhenResumed(agent, held) }, reason);
  }

  /** Cuts the agent off: its tasks are taken back and its token is refused until it is resumed. */
  @Transactional()
  async kill(id: string, reason: string | null): Promise<Agent> {
    const agent = await this.lock(id);
    await this.leases.takeBackAll(id, reason ?? 'The agent was killed.');
    await this.commands.add(agent.tenant_id, id, 'kill', reason);
    return this.change('agent.kill', agent, { control_state: 'killed', control_reason: reason, status: 'offline' }, reason);
  }

  private async lock(id: string): Promise<Agent> {
    const agent = await this.repository.lock(this.context.tenantId, id);
    if (!agent) throw notFound('agent');
    return agent;
  }

  private async change(action: string, agent: Agent, patch: AgentPatch, reason?: string | null): Promise<Agent> {
    const changed = await this.repository.update(agent.tenant_id, agent.id, patch);
    await this.audit.record({
      action,
      resource: { type: 'agent', id: agent.id },
      ...changesBetween(toAgentView(agent), toAgentView(changed)),
      ...(reason ? { detail: { reason } } : {}),
    });
    await this.statuses.publish(agent, changed);
    this.tellEveryone(agent.id);
    return changed;
  }

  /** Cached credentials are looked up again everywhere, and claims that wait for this agent are looked at again. */
  private tellEveryone(id: string): void {
    this.revocations.afterCommit(`agent:${id}`);
    afterCommit(() => this.leases.agentChanged(id));
  }
}
