import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import { ApprovalsRepository } from './approvals.repository.js';

/** What others may ask about approvals, in the transaction that acts on the answer. */
@Injectable()
export class ApprovalsReader {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
  ) {}

  /** How many approvals of a task wait for a decision, and how many were given. One that has run out does not wait. */
  stateForTask(taskId: string): Promise<{ pending: number; approved: number }> {
    return this.repository.stateForTask(this.context.tenantId, taskId);
  }

  /** How many approvals of the tenant wait for a decision. */
  countWaiting(): Promise<number> {
    return this.repository.countWaiting(this.context.tenantId);
  }
}
