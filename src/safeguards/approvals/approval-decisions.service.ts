import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { type Actor, roleOf } from '../../core/actor.js';
import { Problem } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import { absent, alreadyDecided, factOf, personOf, subjectOf, summaryOf, votesOf } from './approval-facts.js';
import { ApprovalSeals } from './approval-seals.js';
import type { Approval, ApprovalDecision } from './approval.entity.js';
import { ApprovalDecided, ApprovalProgressed } from './approvals.events.js';
import { ApprovalsRepository, type Ending } from './approvals.repository.js';

type Verdict = ApprovalDecision['verdict'];

/** Takes people's words on approvals, and ends approvals when enough has been said. */
@Injectable()
export class ApprovalDecisions {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly seals: ApprovalSeals,
    private readonly audit: AuditPort,
    private readonly events: Events,
  ) {}

  /**
   * Approves or rejects, each person once. Of callers at the same moment exactly as many are taken as it needs.
   * @throws Problem `approval_decided`, `self_approval`, `not_approver`, `approval_voted`, `approval_broken`
   */
  @Transactional()
  async decide(id: string, verdict: Verdict, note: string | undefined, via: ApprovalDecision['via'] = 'api'): Promise<Approval> {
    const { actor, tenantId } = this.context;
    const before = (await this.repository.lock(tenantId, id)) ?? absent();
    checkIfMatch(this.context.get('ifMatch'), before);
    if (before.status !== 'pending') throw alreadyDecided(before.status);
    checkDecider(before, actor);
    if (verdict === 'approved') await this.checkIntact(before);
    const at = (await this.repository.now()).toISOString();
    const decision = await this.seals.sealDecision(before, { decider: personOf(actor), by_kind: actor.kind, by_id: actor.id, verdict, note: note ?? null, via, at });
    const decisions = [...before.decisions, decision];
    const isEnough = verdict === 'rejected' || decisions.length >= before.min_approvals;
    const by = { kind: actor.kind, id: actor.id };
    if (!isEnough && !(await this.repository.vote(tenantId, id, decisions))) throw alreadyDecided('expired');
    const after = isEnough ? await this.end(before, { status: verdict, by, note: note ?? null, decisions }) : ((await this.repository.find(tenantId, id)) ?? absent());
    const action = verdict === 'approved' ? 'approval.approve' : 'approval.reject';
    await this.audit.record({ action, resource: { type: 'approval', id }, before: summaryOf(before), after: summaryOf(after), ...subjectOf(after) });
    if (!isEnough) await this.events.publish(ApprovalProgressed, { ...factOf(after), approvals_given: decisions.length, min_approvals: after.min_approvals });
    return after;
  }

  /**
   * Ends an approval that is held: what is approved becomes a grant.
   * @param late also when it has run out
   * @throws Problem `approval_decided` when it is not pending
   */
  async end(row: Approval, ending: Ending, late = false): Promise<Approval> {
    const { tenant_id, id } = row;
    if (!(await this.repository.end(tenant_id, id, ending, late))) throw alreadyDecided('expired');
    const after = (await this.repository.find(tenant_id, id)) ?? absent();
    if (after.status === 'approved') {
      after.grant_seal = await this.seals.sealGrant(after);
      await this.repository.sealGrant(tenant_id, id, after.grant_seal);
    }
    await this.events.publish(ApprovalDecided, { ...factOf(after), status: ending.status, decided_by: ending.by?.id ?? null, approvers: votesOf(after), note: after.reviewer_note });
    return after;
  }

  /** Nothing is approved that is not what was asked for, and no word counts that nobody gave. */
  private async checkIntact(row: Approval): Promise<void> {
    if (!(await this.seals.holdsRequest(row)) || !(await this.seals.holdsDecisions(row))) throw new Problem('approval_broken');
  }
}

/** @throws Problem `self_approval`, `not_approver`, `approval_voted` */
export function checkDecider({ requester, approver_users: users, approver_roles: roles, decisions }: Approval, actor: Actor): void {
  const person = personOf(actor);
  if (person === requester) throw new Problem('self_approval');
  const role = roleOf(actor);
  const isNamed = users.some((id) => person === `user:${id}`) || roles.some((name) => name === role);
  if (users.length + roles.length > 0 && !isNamed) throw new Problem('not_approver');
  if (decisions.some(({ decider }) => decider === person)) throw new Problem('approval_voted');
}
