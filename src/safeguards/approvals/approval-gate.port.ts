import type { ApprovalAction, ApprovalFacts, ApprovalRisk, ApprovalSource, Approvers, OnExpire } from './approval.entity.js';

export type { ApprovalRisk, Approvers };
export { APPROVAL_RISKS } from './approval.entity.js';

/** What is asked of those who decide. */
export interface ApprovalDemand {
  /** Who may; left out, everyone who may decide at all. Never the requester. */
  approvers?: Approvers;
  /** How many different people must approve; 1 when left out. One who rejects is enough. */
  min_approvals?: number;
  /** From then on it can no longer be approved; left out, it waits without end. */
  expires_seconds?: number;
  /** `reject` when left out. `approve` may be asked for by rules alone. */
  on_expire?: OnExpire;
  /** How long what is approved may be done, once; an hour when left out. */
  grant_seconds?: number;
}

/** What somebody wants to do. */
export interface GateRequest {
  action: ApprovalAction;
  title: string;
  description?: string;
  agentId?: string;
  taskId?: string;
  /**
   * What asks. The same source has one approval: a workflow's step for good, others until it is decided. Only the exact
   * action that was approved passes afterwards.
   */
  source?: ApprovalSource;
  risk?: ApprovalRisk;
  costUsd?: number;
  confidence?: number;
  /** An approval is needed, whatever the rules say. */
  require?: ApprovalDemand;
  /** The approval whose grant is to be used; left out, the one that the source was given is looked for. */
  grantId?: string;
  /** Who it is that asks when it is not who acts now: whoever started a run may not approve its steps. `user:<id>` */
  requester?: string;
  /** What rules look at besides. */
  facts?: ApprovalFacts;
}

export interface GateAnswer {
  state: 'allowed' | 'approved' | 'pending' | 'refused';
  approvalId: string | null;
  /** Why it is refused. */
  reason?: string;
}

/** Whoever is about to do something that people may have to approve asks here, in the transaction that does it. */
export abstract class ApprovalGate {
  /**
   * `allowed`: no rule asks for approval, or one lets it through now. `approved`: the grant that was given is used up with this
   * transaction; of a workflow's step: it was approved. `pending`: an approval was made, or waits already; the caller commits, and hears
   * of the decision by `approval.decided`. `refused`: it was rejected, has run out, or the grant does not cover this.
   */
  abstract ask(request: GateRequest): Promise<GateAnswer>;

  /** Ends approvals that nobody waits for any more; also what was approved and not done yet. Within the caller's transaction. */
  abstract withdraw(approvalIds: readonly string[], reason: string): Promise<void>;
}
