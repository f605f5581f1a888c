import type { Actor } from '../../core/actor.js';
import { canonicalHash } from '../../core/canonical-json.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import type { AuditEntry } from '../../platform/auth/audit-port.js';
import type { Approval, ApprovalAction, ApprovalSource, ApprovalStatus } from './approval.entity.js';

/** Who acts, whatever credential they use: a person's API key is that person. */
export function personOf(actor: Actor): string {
  return actor.kind === 'api_key' ? `user:${actor.ownerId}` : `${actor.kind}:${actor.id}`;
}

/** @throws Problem `invalid_request` for an action that has no canonical form */
export function hashOf(action: ApprovalAction): string {
  try {
    const hash = canonicalHash({ kind: action.kind, arguments: action.arguments });
    checkNumbers(action.arguments);
    return hash;
  } catch (error) {
    if (error instanceof TypeError) throw invalidField('action', 'canonical', error.message);
    throw error;
  }
}

/** Beyond 2^53 different whole numbers are read as the same one: one could be approved, and another done. @throws TypeError */
function checkNumbers(value: unknown): void {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) throw new TypeError('A whole number beyond 9007199254740991 is not exact in JSON: write it as a string.');
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(checkNumbers);
}

/** What the audit log keeps: the hash stands for the action, whose arguments may hold anything. */
export function summaryOf(row: Approval): object {
  const { title, action, action_hash, status, task_id, agent_id, risk, reviewer_note, expires_at, decisions, min_approvals, trace } = row;
  const who = { approver_users: row.approver_users, approver_roles: row.approver_roles, min_approvals };
  const words = decisions.map(({ decider, verdict, via }) => ({ decider, verdict, via }));
  return { title, kind: action.kind, action_hash, status, task_id, agent_id, risk, reviewer_note, expires_at, ...who, decisions: words, trace };
}

/** What an agent asks for is about the agent. */
export const subjectOf = ({ agent_id }: Pick<Approval, 'agent_id'>): Pick<AuditEntry, 'subject'> => (agent_id ? { subject: { type: 'agent', id: agent_id } } : {});

export const sourceOf = ({ source_kind: kind, source_id: id }: Pick<Approval, 'source_kind' | 'source_id'>): ApprovalSource | null => (kind !== null && id !== null ? { kind, id } : null);

/** What every fact about an approval says. */
export const factOf = (row: Pick<Approval, 'id' | 'task_id' | 'agent_id' | 'source_kind' | 'source_id'>): { approval_id: string; task_id: string | null; agent_id: string | null; source: ApprovalSource | null } => ({
  approval_id: row.id,
  task_id: row.task_id,
  agent_id: row.agent_id,
  source: sourceOf(row),
});

export const votesOf = ({ decisions }: Pick<Approval, 'decisions'>): { kind: string; id: string; verdict: 'approved' | 'rejected' }[] => decisions.map(({ by_kind, by_id, verdict }) => ({ kind: by_kind, id: by_id, verdict }));

export function alreadyDecided(status: ApprovalStatus): Problem {
  return new Problem('approval_decided', { detail: `This approval is ${status} already.`, current: status });
}

export function absent(): never {
  throw notFound('approval');
}
