import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import type { ApproverRole } from './approval.entity.js';
import { ApprovalsRepository, type TaskApprovals } from './approvals.repository.js';

/** An approval that somebody has to decide. */
export interface WaitingApproval {
  id: string;
  title: string;
  kind: string;
  risk: string | null;
  agent_id: string | null;
  task_id: string | null;
  users: string[];
  roles: ApproverRole[];
}

/** What others may ask about approvals, in the transaction that acts on the answer. */
@Injectable()
export class ApprovalsReader {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
  ) {}

  /** How many approvals of a task wait for a decision, and how many were given. One that has run out does not wait. */
  stateForTask(taskId: string): Promise<TaskApprovals> {
    return this.repository.stateForTask(this.context.tenantId, taskId);
  }

  /** How many approvals of the tenant wait for a decision. */
  countWaiting(): Promise<number> {
    return this.repository.countWaiting(this.context.tenantId);
  }

  /** An approval that waits, and for whom; nobody named is everybody who may decide at all. Undefined when it waits no more. */
  async waiting(id: string): Promise<WaitingApproval | undefined> {
    const approval = await this.repository.find(this.context.tenantId, id);
    if (approval?.status !== 'pending') return undefined;
    const { title, action, risk, agent_id, task_id, approver_users: users, approver_roles: roles } = approval;
    return { id, title, kind: action.kind, risk, agent_id, task_id, users, roles };
  }
}
