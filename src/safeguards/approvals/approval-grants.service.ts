import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import { AuditReader } from '../audit/audit.reader.js';
import { absent, factOf, hashOf, personOf, subjectOf } from './approval-facts.js';
import { ApprovalSeals } from './approval-seals.js';
import { type Approval, type ApprovalAction, holderOf } from './approval.entity.js';
import { ApprovalRedeemed } from './approvals.events.js';
import { ApprovalsRepository } from './approvals.repository.js';

const REDEEMED = 'approval.redeem';

/** What was approved may be done once: exactly that, by the one it was for, before it runs out. */
@Injectable()
export class ApprovalGrants {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly seals: ApprovalSeals,
    private readonly log: AuditReader,
    private readonly audit: AuditPort,
    private readonly events: Events,
  ) {}

  /** For the calling agent. @throws Problem `not_found` also for another's, and what `use` throws */
  @Transactional()
  async redeem(id: string, action: ApprovalAction): Promise<Approval> {
    return this.useAs(id, action, personOf(this.context.actor));
  }

  /**
   * Uses a grant up, in the running transaction.
   * @throws Problem `not_found` when it is not the holder's, and what `use` throws
   */
  async useAs(id: string, action: ApprovalAction, holder: string): Promise<Approval> {
    const row = await this.repository.lock(this.context.tenantId, id);
    if (!row || holderOf(row) !== holder) return absent();
    return this.use(row, hashOf(action));
  }

  /**
   * Uses up the grant of an approval that is held.
   * @throws Problem `approval_not_given`, `grant_mismatch`, `grant_used`, `grant_expired`, `approval_broken`
   */
  async use(row: Approval, hash: string): Promise<Approval> {
    const { tenant_id, id } = row;
    if (row.status !== 'approved') throw new Problem('approval_not_given', { current: row.status });
    if (row.action_hash !== hash) throw new Problem('grant_mismatch', { limit: row.action_hash, current: hash });
    // The row may have been put back; the audit log, from which nothing can be taken unnoticed, says whether it was used.
    if (row.redeemed_at || (await this.log.wasDone(tenant_id, REDEEMED, { type: 'approval', id }))) throw new Problem('grant_used');
    if (!row.grant_expires_at || row.grant_expires_at <= (await this.repository.now())) throw expired(row);
    if (!(await this.isIntact(row))) {
      await this.audit.failed({ action: REDEEMED, resource: { type: 'approval', id }, detail: { reason: 'approval_broken', action_hash: row.action_hash }, ...subjectOf(row) });
      throw new Problem('approval_broken');
    }
    if (!(await this.repository.redeem(tenant_id, id))) throw expired(row);
    await this.audit.record({ action: REDEEMED, resource: { type: 'approval', id }, detail: { action_hash: row.action_hash, kind: row.action.kind }, ...subjectOf(row) });
    await this.events.publish(ApprovalRedeemed, factOf(row));
    return (await this.repository.find(tenant_id, id)) ?? absent();
  }

  /** Whether request, decisions and grant stand as they were made. */
  async isIntact(row: Approval): Promise<boolean> {
    return (await this.seals.holdsRequest(row)) && (await this.seals.holdsDecisions(row)) && (await this.seals.holdsGrant(row));
  }
}

const expired = ({ grant_expires_at: end }: Approval): Problem => new Problem('grant_expired', end ? { limit: end.toISOString() } : { detail: 'What was approved was withdrawn.' });
