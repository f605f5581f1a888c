import { defineEvent } from '../../core/event.js';

interface ApprovalFact {
  approval_id: string;
  task_id: string | null;
  agent_id: string | null;
}

/** Someone asked for an approval. */
export const ApprovalRequested = defineEvent<ApprovalFact & { title: string; kind: string; risk: string | null }>('approval.requested');
/** An approval was decided, or ran out undecided. */
export const ApprovalDecided = defineEvent<ApprovalFact & { status: 'approved' | 'rejected' | 'expired'; decided_by: string | null }>('approval.decided');
