import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { newId } from '../../core/ids.js';
import { notFound } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { AGENT_TOKEN_PREFIX } from '../../platform/auth/credentials.js';
import { Revocations } from '../../platform/cache/revocations.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { newToken } from '../../platform/crypto/tokens.js';
import { AgentCommandsRepository } from './agent-commands.repository.js';
import { AgentTokensRepository } from './agent-tokens.repository.js';
import { AgentsRepository } from './agents.repository.js';

export interface RotatedToken {
  token: string;
  previousValidUntil: Date;
}

/** Makes and replaces the tokens of agents. A token leaves here once and is kept as a hash. */
@Injectable()
export class AgentTokensService {
  constructor(
    private readonly context: RequestContext,
    private readonly agents: AgentsRepository,
    private readonly tokens: AgentTokensRepository,
    private readonly commands: AgentCommandsRepository,
    private readonly revocations: Revocations,
    private readonly audit: AuditPort,
  ) {}

  /** A new token for an agent, in the caller's transaction. */
  async issue(agentId: string): Promise<string> {
    const { token, hash, shown } = newToken(AGENT_TOKEN_PREFIX);
    await this.tokens.insert({ id: newId(), tenant_id: this.context.tenantId, agent_id: agentId, prefix: shown, token_hash: hash });
    return token;
  }

  /** Ends every token of an agent at once, in the caller's transaction. */
  async revokeAll(agentId: string): Promise<void> {
    await this.tokens.endAll(this.context.tenantId, agentId, 0);
    this.revocations.afterCommit(`agent:${agentId}`);
  }

  /** Replaces the token; with an overlap the agent is told to fetch the new one while the old one still works. */
  @Transactional()
  async rotate(id: string, overlapSeconds: number): Promise<RotatedToken> {
    const { tenantId } = this.context;
    if (!(await this.agents.lock(tenantId, id))) throw notFound('agent');
    const previousValidUntil = await this.tokens.endAll(tenantId, id, overlapSeconds);
    const token = await this.issue(id);
    await this.commands.dropWaiting(tenantId, id, ['rotate_token']);
    if (overlapSeconds > 0) await this.commands.add(tenantId, id, 'rotate_token', null);
    await this.audit.record({ action: 'agent.rotate_token', resource: { type: 'agent', id }, detail: { overlap_seconds: overlapSeconds } });
    this.revocations.afterCommit(`agent:${id}`);
    return { token, previousValidUntil };
  }
}
