import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Events } from '../../platform/events/events.js';
import { ApprovalDecisions } from './approval-decisions.service.js';
import { factOf, subjectOf, summaryOf, votesOf } from './approval-facts.js';
import { ApprovalSeals } from './approval-seals.js';
import type { Approval, Escalation, TraceEntry } from './approval.entity.js';
import { ApprovalDecided, ApprovalEscalated } from './approvals.events.js';
import { ApprovalsRepository } from './approvals.repository.js';

/** What time does to approvals: it ends them, puts them before others, or approves them where a rule says so. */
@Injectable()
export class ApprovalDeadlines {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly decisions: ApprovalDecisions,
    private readonly seals: ApprovalSeals,
    private readonly audit: AuditPort,
    private readonly events: Events,
  ) {}

  /** Does what is due in the tenant; what another process is doing is left to it. */
  @Transactional()
  async settle(): Promise<void> {
    const { tenantId } = this.context;
    for (const row of await this.repository.expireDue(tenantId)) {
      await this.events.publish(ApprovalDecided, { ...factOf(row), status: 'expired', decided_by: null, approvers: votesOf(row), note: null });
    }
    const due = await this.repository.lockDue(tenantId);
    if (due.length === 0) return;
    const now = await this.repository.now();
    for (const row of due) await this.settleOne(row, now);
  }

  private async settleOne(row: Approval, now: Date): Promise<void> {
    const hasRunOut = row.expires_at !== null && row.expires_at <= now;
    const isIntact = await this.seals.holdsRequest(row);
    if (isIntact && row.escalation && !row.escalated_at && !(hasRunOut && row.on_expire === 'approve')) await this.escalate(row, row.escalation, now);
    else if (isIntact && hasRunOut && row.on_expire === 'approve' && row.trace.length > 0) await this.approve(row);
    // What was edited in the database is not approved by itself, and goes to nobody.
    else await this.decisions.end(row, { status: 'expired', by: null, note: null, decisions: row.decisions }, true);
  }

  private async escalate(before: Approval, { to, expires_seconds: seconds }: Escalation, now: Date): Promise<void> {
    const hasRunOut = before.expires_at !== null && before.expires_at <= now;
    const lasted = before.expires_at && before.expires_at.getTime() - before.created_at.getTime();
    const lasts = seconds === undefined ? (hasRunOut ? lasted : null) : seconds * 1000;
    const row: Approval = {
      ...before,
      approver_users: to.users ?? [],
      approver_roles: to.roles ?? [],
      trace: traced(before, 'escalated'),
      expires_at: lasts === null ? before.expires_at : new Date(now.getTime() + lasts),
    };
    await this.repository.escalate({ ...row, request_seal: await this.seals.sealRequest(row) });
    await this.audit.record({ action: 'approval.escalate', resource: { type: 'approval', id: row.id }, before: summaryOf(before), after: summaryOf(row), ...subjectOf(row) });
    await this.events.publish(ApprovalEscalated, factOf(row));
  }

  private async approve(before: Approval): Promise<void> {
    const row = { ...before, trace: traced(before, 'approved_on_expiry') };
    await this.repository.retrace({ ...row, request_seal: await this.seals.sealRequest(row) });
    const after = await this.decisions.end(row, { status: 'approved', by: { kind: 'rule', id: row.trace.at(-1)?.rule_id ?? '' }, note: null, decisions: row.decisions }, true);
    await this.audit.record({ action: 'approval.auto_approve', resource: { type: 'approval', id: row.id }, before: summaryOf(before), after: summaryOf(after), ...subjectOf(after) });
  }
}

/** The rule that asked for the approval, if one did, also had it escalated or let it be. */
function traced({ trace }: Approval, outcome: TraceEntry['outcome']): TraceEntry[] {
  const rule = trace.at(-1);
  return rule ? [...trace, { ...rule, outcome }] : trace;
}
