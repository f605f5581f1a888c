import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../core/problem.js';
import { AgentLeases, type HeldLease } from '../../fleet/agents/agent-leases.port.js';
import { AgentsReader } from '../../fleet/agents/agents.reader.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { SecretGrantsRepository } from './secret-grants.repository.js';
import { SecretValues } from './secret-values.service.js';
import type { UseSecretQuery } from './secret-grants.dto.js';
import { SecretsRepository } from './secrets.repository.js';
import type { OpenedSecret } from './secrets.view.js';

/** Gives a secret to an agent that works on something it is granted for. */
@Injectable()
export class SecretUses {
  constructor(
    private readonly context: RequestContext,
    private readonly agents: AgentsReader,
    private readonly leases: AgentLeases,
    private readonly secrets: SecretsRepository,
    private readonly grants: SecretGrantsRepository,
    private readonly values: SecretValues,
    private readonly audit: AuditPort,
  ) {}

  /**
   * Counts the use and records it, in the transaction whose commit lets the value out. While it runs nobody pauses or kills the
   * agent: who does waits for it, and refuses the next use.
   * @throws Problem `agent_paused`, `lease_required`, `secret_not_granted`, `secret_expired`, `version_retired`
   */
  @Transactional()
  async use(name: string, { version, task_id }: UseSecretQuery): Promise<OpenedSecret> {
    const { actor, tenantId } = this.context;
    await this.refuseUnlessRunning(actor.id);
    const leases = await this.heldLeases(actor.id, task_id?.toLowerCase());
    const secret = await this.secrets.findByName(tenantId, name);
    const boards = leases.flatMap(({ board_id }) => board_id ?? []);
    const grantId = secret && (await this.grants.use(tenantId, secret.id, actor.id, boards));
    // Absent and not granted: nobody learns from it which names there are.
    if (!secret || !grantId) throw new Problem('secret_not_granted');
    if (await this.secrets.isExpired(tenantId, secret.id)) throw new Problem('secret_expired');
    const wanted = version ?? secret.version;
    const value = await this.values.open(secret, wanted, true);
    await this.audit.record({
      action: 'secret.use',
      resource: { type: 'secret', id: secret.id },
      detail: { name, version: wanted, grant_id: grantId, task_ids: leases.map((lease) => lease.task_id) },
    });
    return { secret, value, version: wanted };
  }

  private async refuseUnlessRunning(agentId: string): Promise<void> {
    const state = await this.agents.holdState(agentId);
    if (state?.control_state === 'killed') throw new Problem('agent_killed');
    if (!state?.is_active) throw new Problem('agent_inactive');
    if (state.control_state === 'paused') throw new Problem('agent_paused');
  }

  private async heldLeases(agentId: string, taskId: string | undefined): Promise<HeldLease[]> {
    const leases = (await this.leases.leasesOf(agentId)).filter((lease) => taskId === undefined || lease.task_id === taskId);
    if (leases.length === 0) throw new Problem('lease_required');
    return leases;
  }
}
