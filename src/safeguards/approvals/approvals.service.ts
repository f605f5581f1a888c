import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Page, PageRequest } from '../../core/page.js';
import { invalidField } from '../../core/problem.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApprovalDeadlines } from './approval-deadlines.service.js';
import { ApprovalDecisions } from './approval-decisions.service.js';
import { absent } from './approval-facts.js';
import type { Approval } from './approval.entity.js';
import type { RequestApprovalDto } from './approvals.dto.js';
import { type ApprovalFilter, ApprovalsRepository } from './approvals.repository.js';
import { RuledRequests } from './ruled-requests.service.js';

/** Requests for approval, and what people and agents do with them. */
@Injectable()
export class ApprovalsService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly ruled: RuledRequests,
    private readonly decisions: ApprovalDecisions,
    private readonly deadlines: ApprovalDeadlines,
  ) {}

  /** @throws Problem `invalid_request` for an action that has no canonical form, a time that has passed, an unknown task, agent or approver */
  @Transactional()
  async request(body: RequestApprovalDto): Promise<Approval> {
    const { actor } = this.context;
    const { title, description, action, confidence, risk, approvers, min_approvals, grant_seconds, escalation } = body;
    if (body.on_expire === 'escalate' && !escalation) throw invalidField('escalation', 'required', 'must say to whom it goes then');
    return this.ruled.request({
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
  }

  @Transactional()
  async list(filter: ApprovalFilter, page: PageRequest): Promise<Page<Approval>> {
    await this.deadlines.settle();
    return this.repository.page(this.context.tenantId, filter, page);
  }

  @Transactional()
  async get(id: string): Promise<Approval> {
    await this.deadlines.settle();
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
    await this.deadlines.settle();
    return this.decisions.decide(id, status, note);
  }
}
