import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApprovalDecisions } from './approval-decisions.service.js';
import { hashOf, personOf, subjectOf, summaryOf } from './approval-facts.js';
import { ApprovalGate, type GateAnswer, type GateRequest } from './approval-gate.port.js';
import { ApprovalGrants } from './approval-grants.service.js';
import type { Approval, ApprovalSource } from './approval.entity.js';
import { ApprovalsRepository } from './approvals.repository.js';
import { RuledRequests } from './ruled-requests.service.js';

/** The gate that other domains ask. */
@Injectable()
export class GatedApprovals extends ApprovalGate {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly ruled: RuledRequests,
    private readonly decisions: ApprovalDecisions,
    private readonly grants: ApprovalGrants,
    private readonly audit: AuditPort,
  ) {
    super();
  }

  @Transactional()
  async ask(request: GateRequest): Promise<GateAnswer> {
    if (request.grantId !== undefined) return this.used(request.grantId, () => this.grants.useAs(request.grantId ?? '', request.action, this.holderOf(request)));
    const judgement = await this.ruled.judge(request);
    if (judgement === 'allowed') return { state: 'allowed', approvalId: null };
    const known = await this.known(request);
    if (known) return known;
    const made = await this.ruled.makeFor(request, judgement);
    if (made) return made.status === 'pending' ? { state: 'pending', approvalId: made.id } : this.letThrough(made);
    // Another made it at the same moment, and has committed.
    const found = await this.known(request);
    if (!found) throw new Problem('conflict', { detail: 'The approval was decided at this moment; ask again.' });
    return found;
  }

  @Transactional()
  async withdraw(approvalIds: readonly string[], reason: string): Promise<void> {
    const { tenantId } = this.context;
    for (const id of approvalIds.toSorted()) {
      const before = await this.repository.lock(tenantId, id);
      if (before?.status !== 'pending') continue;
      const after = await this.decisions.end(before, { status: 'withdrawn', by: null, note: reason, decisions: before.decisions }, true);
      await this.audit.record({ action: 'approval.withdraw', resource: { type: 'approval', id }, before: summaryOf(before), after: summaryOf(after), ...subjectOf(after) });
    }
    await this.repository.dropGrants(tenantId, approvalIds);
  }

  private holderOf({ agentId, requester }: GateRequest): string {
    return agentId === undefined ? (requester ?? personOf(this.context.actor)) : `agent:${agentId}`;
  }

  /** What the source was answered before, as far as it still holds. */
  private async known({ source, action, requester }: GateRequest): Promise<GateAnswer | undefined> {
    if (!source) return undefined;
    if (source.kind === 'workflow_step') return this.ofStep(source, action);
    const open = await this.repository.lockOpen(this.context.tenantId, source, requester ?? personOf(this.context.actor), hashOf(action));
    if (!open) return undefined;
    return open.status === 'pending' ? { state: 'pending', approvalId: open.id } : this.used(open.id, () => this.grants.use(open, open.action_hash));
  }

  /** A step has asked once and for all: its approval is for it, however often it asks. */
  private async ofStep(source: ApprovalSource, action: GateRequest['action']): Promise<GateAnswer | undefined> {
    const row = await this.repository.ofStep(this.context.tenantId, source);
    if (!row) return undefined;
    if (row.action_hash !== hashOf(action)) return { state: 'refused', approvalId: row.id, reason: 'This step asked for something else before.' };
    if (row.status === 'pending') return { state: 'pending', approvalId: row.id };
    if (row.status !== 'approved') return { state: 'refused', approvalId: row.id, reason: row.reviewer_note ?? `The approval is ${row.status}.` };
    return (await this.grants.isIntact(row)) ? { state: 'approved', approvalId: row.id } : { state: 'refused', approvalId: row.id, reason: 'The approval is not what was decided.' };
  }

  /** A rule let it through: there is an approval all the same, which says which one and is used up at once. */
  private async letThrough(made: Approval): Promise<GateAnswer> {
    await this.grants.use(made, made.action_hash);
    return { state: 'allowed', approvalId: made.id };
  }

  private async used(approvalId: string, use: () => Promise<Approval>): Promise<GateAnswer> {
    try {
      await use();
      return { state: 'approved', approvalId };
    } catch (error) {
      if (error instanceof Problem && REFUSALS.has(error.code)) return { state: 'refused', approvalId, reason: error.message };
      throw error;
    }
  }
}

const REFUSALS: ReadonlySet<string> = new Set(['not_found', 'approval_not_given', 'grant_mismatch', 'grant_used', 'grant_expired', 'approval_broken']);
