import { Injectable } from '@nestjs/common';
import { canonicalHash, canonicalJson } from '../../core/canonical-json.js';
import { isDamage } from '../../platform/crypto/damage.js';
import { TenantCipher } from '../../platform/crypto/tenant-cipher.js';
import { type Approval, type ApprovalDecision, holderOf, type NewApproval } from './approval.entity.js';

/** What is sealed of a request: who asks for what, and who may decide. */
type Requested = Pick<NewApproval, 'tenant_id' | 'id' | 'title' | 'description' | 'action' | 'action_hash' | 'agent_id' | 'task_id' | 'requester' | 'approver_users' | 'approver_roles' | 'min_approvals' | 'on_expire' | 'escalation' | 'source_kind' | 'source_id' | 'trace' | 'risk' | 'grant_seconds' | 'expires_at'>;

/**
 * Seals under the tenant's key, which the database does not hold: whoever edits an approval, a decision or who made it without
 * the key leaves a row that no longer fits its seal. There is nothing in a seal; it is the text it is bound to that counts.
 */
@Injectable()
export class ApprovalSeals {
  constructor(private readonly cipher: TenantCipher) {}

  sealRequest(row: Requested): Promise<Buffer> {
    return this.seal(row, 'request', requestOf(row));
  }

  /** Whether the request stands as it was made, and its hash is that of its action. */
  async holdsRequest(row: Requested & Pick<Approval, 'request_seal'>): Promise<boolean> {
    return canonicalHash(row.action) === row.action_hash && this.holds(row, 'request', requestOf(row), row.request_seal);
  }

  async sealDecision(row: Requested, decision: Omit<ApprovalDecision, 'seal'>): Promise<ApprovalDecision> {
    return { ...decision, seal: (await this.seal(row, 'decision', decisionOf(row, decision))).toString('base64') };
  }

  /** Whether every decision is one that was made, and nobody's word stands there twice. */
  async holdsDecisions(row: Requested & Pick<Approval, 'decisions'>): Promise<boolean> {
    if (new Set(row.decisions.map(({ decider }) => decider)).size < row.decisions.length) return false;
    for (const decision of row.decisions) {
      if (!(await this.holds(row, 'decision', decisionOf(row, decision), Buffer.from(decision.seal, 'base64')))) return false;
    }
    return true;
  }

  sealGrant(row: Approval): Promise<Buffer> {
    return this.seal(row, 'grant', grantOf(row));
  }

  holdsGrant(row: Approval): Promise<boolean> {
    return this.holds(row, 'grant', grantOf(row), row.grant_seal);
  }

  /** A seal over anything else that an approval rests on. */
  seal({ tenant_id, id }: Pick<Approval, 'tenant_id' | 'id'>, what: string, about: object): Promise<Buffer> {
    return this.cipher.seal({ tenantId: tenant_id, row: `approvals/${id}/${what}\n${canonicalJson(about)}` }, '');
  }

  async holds({ tenant_id, id }: Pick<Approval, 'tenant_id' | 'id'>, what: string, about: object, seal: Buffer | null): Promise<boolean> {
    if (!seal) return false;
    try {
      await this.cipher.open({ tenantId: tenant_id, row: `approvals/${id}/${what}\n${canonicalJson(about)}` }, seal);
      return true;
    } catch (error) {
      if (isDamage(error)) return false;
      throw error;
    }
  }
}

function requestOf({ title, description, action_hash, agent_id, task_id, requester, risk, ...row }: Requested): object {
  const { approver_users, approver_roles, min_approvals, on_expire, escalation, source_kind, source_id, trace, grant_seconds } = row;
  const people = { approver_users: approver_users.toSorted(), approver_roles: approver_roles.toSorted(), min_approvals, on_expire, escalation };
  // What time alone approves is approved at the time that was said.
  const time = on_expire === 'approve' ? { expires_at: row.expires_at?.toISOString() ?? null } : {};
  return { title, description, action_hash, agent_id, task_id, requester, risk, ...people, source_kind, source_id, trace, grant_seconds, ...time };
}

const decisionOf = ({ action_hash, requester }: Requested, { decider, by_kind, by_id, verdict, note, via, at }: Omit<ApprovalDecision, 'seal'>): object => ({
  action_hash, requester, decider, by_kind, by_id, verdict, note, via, at,
});

/** Everything that a grant rests on: the request, everybody's word, and until when it may be used. */
function grantOf(row: Approval): object {
  const { status, decided_by_kind, decided_by_id, decided_at, grant_expires_at, decisions } = row;
  const times = { decided_at: decided_at?.toISOString() ?? null, grant_expires_at: grant_expires_at?.toISOString() ?? null };
  return { request: requestOf(row), status, holder: holderOf(row), decided_by_kind, decided_by_id, decisions, ...times };
}
