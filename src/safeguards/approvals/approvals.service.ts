import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Page, PageRequest } from '../../core/page.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import { ApprovalDecisions } from './approval-decisions.service.js';
import { absent, factOf, votesOf } from './approval-facts.js';
import { ApprovalRequests } from './approval-requests.service.js';
import type { Approval } from './approval.entity.js';
import type { RequestApprovalDto } from './approvals.dto.js';
import { ApprovalDecided } from './approvals.events.js';
import { type ApprovalFilter, ApprovalsRepository } from './approvals.repository.js';

/** Requests for approval, and what people and agents do with them. */
@Injectable()
export class ApprovalsService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly requests: ApprovalRequests,
    private readonly decisions: ApprovalDecisions,
    private readonly events: Events,
  ) {}

  /** @throws Problem `invalid_request` for an action that has no canonical form, a time that has passed, an unknown task, agent or approver */
  @Transactional()
  async request(body: RequestApprovalDto): Promise<Approval> {
    const { actor } = this.context;
    const { title, description, action, confidence, risk, approvers, min_approvals, grant_seconds, escalation } = body;
    const made = await this.requests.make({
      title,
      description,
      action,
      confidence,
      risk,
      costUsd: body.cost_usd,
      agentId: actor.kind === 'agent' ? actor.id : body.agent_id,
      taskId: body.task_id,
      expiresAt: body.expires_at ? new Date(body.expires_at) : undefined,
      demand: { approvers, min_approvals, grant_seconds, on_expire: body.on_expire },
      escalation,
    });
    return made ?? absent();
  }

  @Transactional()
  async list(filter: ApprovalFilter, page: PageRequest): Promise<Page<Approval>> {
    await this.expireDue();
    return this.repository.page(this.context.tenantId, filter, page);
  }

  @Transactional()
  async get(id: string): Promise<Approval> {
    await this.expireDue();
    return (await this.repository.find(this.context.tenantId, id)) ?? absent();
  }

  /** An approval that the calling agent asked for, or that was asked for on its behalf. */
  async getOwn(id: string): Promise<Approval> {
    const approval = await this.get(id);
    return approval.agent_id === this.context.actor.id ? approval : absent();
  }

  /**
   * Approves or rejects. Of callers at the same moment exactly as many are taken as it needs.
   * @throws Problem `approval_decided` when it has been decided or has run out, and what `ApprovalDecisions.decide` throws
   */
  async decide(id: string, status: 'approved' | 'rejected', note: string | undefined): Promise<Approval> {
    // By itself first, so that what has run out stays so though this call is refused.
    await this.expireDue();
    return this.decisions.decide(id, status, note);
  }

  /** Ends what has run out, or puts it before others. @returns how many */
  @Transactional()
  async expireDue(): Promise<number> {
    const { tenantId } = this.context;
    const expired = await this.repository.expireDue(tenantId);
    for (const row of expired) {
      await this.events.publish(ApprovalDecided, { ...factOf(row), status: 'expired', decided_by: null, approvers: votesOf(row), note: null });
    }
    return expired.length;
  }
}
