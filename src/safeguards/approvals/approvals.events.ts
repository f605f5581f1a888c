import { defineEvent } from '../../core/event.js';

interface ApprovalFact {
  approval_id: string;
  task_id: string | null;
  agent_id: string | null;
  /** What asked, when it was no request of somebody's: it hears of the decision by this. */
  source: { kind: string; id: string } | null;
}

/** Someone asked for an approval. */
export const ApprovalRequested = defineEvent<ApprovalFact & { title: string; kind: string; risk: string | null }>('approval.requested');
/** One of several who must approve has; it still waits for others. */
export const ApprovalProgressed = defineEvent<ApprovalFact & { approvals_given: number; min_approvals: number }>('approval.progressed');
/** Nobody decided in time: it waits for others now. */
export const ApprovalEscalated = defineEvent<ApprovalFact>('approval.escalated');
/** An approval was decided, ran out undecided, or is not waited for any more. */
export const ApprovalDecided = defineEvent<
  ApprovalFact & {
    status: 'approved' | 'rejected' | 'expired' | 'withdrawn';
    /** Who decided last: the id of a user or key, or of the rule; null when nobody did. */
    decided_by: string | null;
    /** Who approved or rejected, in the order in which they did. */
    approvers: { kind: string; id: string; verdict: 'approved' | 'rejected' }[];
    note: string | null;
  }
>('approval.decided');
/** What was approved was done: the grant is used up. */
export const ApprovalRedeemed = defineEvent<ApprovalFact>('approval.redeemed');
