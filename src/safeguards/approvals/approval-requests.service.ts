import { Injectable } from '@nestjs/common';
import { newId } from '../../core/ids.js';
import { invalidField } from '../../core/problem.js';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { brokenConstraint } from '../../platform/database/database-problem.js';
import { Events } from '../../platform/events/events.js';
import { factOf, hashOf, personOf, subjectOf, summaryOf } from './approval-facts.js';
import type { ApprovalDemand } from './approval-gate.port.js';
import { ApprovalPeople } from './approval-people.js';
import { ApprovalSeals } from './approval-seals.js';
import type { Approval, ApprovalAction, ApprovalFacts, ApprovalRisk, ApprovalSource, Escalation, NewApproval, TraceEntry } from './approval.entity.js';
import { ApprovalRequested } from './approvals.events.js';
import { ApprovalsRepository } from './approvals.repository.js';

const DEFAULT_GRANT_SECONDS = 3_600;
const MOST_NEEDED = 20;
const LONGEST_SECONDS = 366 * 86_400;

/** What is to be approved, and by whom. */
export interface ApprovalDraft {
  title: string;
  description?: string;
  action: ApprovalAction;
  agentId?: string;
  taskId?: string;
  confidence?: number;
  risk?: ApprovalRisk;
  costUsd?: number;
  facts?: ApprovalFacts;
  source?: ApprovalSource;
  requester?: string;
  expiresAt?: Date;
  demand?: ApprovalDemand;
  escalation?: Escalation;
  trace?: TraceEntry[];
}

/** Makes approvals, in the caller's transaction. */
@Injectable()
export class ApprovalRequests {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly people: ApprovalPeople,
    private readonly seals: ApprovalSeals,
    private readonly audit: AuditPort,
    private readonly events: Events,
  ) {}

  /**
   * @returns undefined when the source of the draft has one that was made before, or at the same moment
   * @throws Problem `invalid_request` for an action that has no canonical form, a time that has passed, an unknown task, agent or approver
   */
  async make(draft: ApprovalDraft): Promise<Approval | undefined> {
    checkDemand(draft.demand);
    const row = await this.rowOf(draft);
    await this.people.check('approvers', { users: row.approver_users, roles: row.approver_roles }, row.min_approvals, row.requester);
    await this.people.check('escalation.to', row.escalation?.to, row.min_approvals, row.requester);
    const approval = await this.insert({ ...row, request_seal: await this.seals.sealRequest(row) });
    if (!approval) return undefined;
    if (approval.expires_at && approval.expires_at <= approval.created_at) throw invalidField('expires_at', 'past', 'must be in the future');
    const { id, title, action, risk } = approval;
    if (this.context.actor.kind !== 'agent') {
      await this.audit.record({ action: 'approval.request', resource: { type: 'approval', id }, after: summaryOf(approval), ...subjectOf(approval) });
    }
    await this.events.publish(ApprovalRequested, { ...factOf(approval), title, kind: action.kind, risk });
    return approval;
  }

  private async rowOf(draft: ApprovalDraft): Promise<NewApproval> {
    const { actor, tenantId } = this.context;
    const { demand = {}, escalation } = draft;
    const action: ApprovalAction = { kind: draft.action.kind, arguments: draft.action.arguments };
    const now = await this.repository.now();
    const after = (seconds: number | undefined): Date | null => (seconds === undefined ? null : new Date(now.getTime() + seconds * 1000));
    return {
      tenant_id: tenantId,
      id: newId(),
      title: draft.title.toWellFormed(),
      description: draft.description?.toWellFormed() ?? null,
      action,
      action_hash: hashOf(action),
      agent_id: draft.agentId ?? null,
      task_id: draft.taskId ?? null,
      confidence: draft.confidence ?? null,
      risk: draft.risk ?? null,
      cost_usd: draft.costUsd === undefined ? null : draft.costUsd.toFixed(6),
      facts: draft.facts ?? {},
      requested_by_kind: actor.kind,
      requested_by_id: actor.id,
      requester: draft.requester ?? personOf(actor),
      approver_users: [...new Set(demand.approvers?.users ?? [])],
      approver_roles: [...new Set(demand.approvers?.roles ?? [])],
      min_approvals: demand.min_approvals ?? 1,
      on_expire: demand.on_expire ?? 'reject',
      escalation: escalation ? plain(escalation) : null,
      escalates_at: after(escalation?.after_seconds),
      source_kind: draft.source?.kind ?? null,
      source_id: draft.source?.id ?? null,
      trace: draft.trace ?? [],
      expires_at: earlier(draft.expiresAt ?? null, after(demand.expires_seconds)),
      grant_seconds: demand.grant_seconds ?? DEFAULT_GRANT_SECONDS,
      request_seal: null,
    };
  }

  /** The foreign keys say whether task and agent are there: in this tenant, whatever wing they belong to. */
  private async insert(row: NewApproval): Promise<Approval | undefined> {
    try {
      return await this.repository.insert(row);
    } catch (error) {
      const constraint = brokenConstraint(error);
      if (constraint?.includes('task_id')) throw invalidField('task_id', 'not_found', 'is no task');
      if (constraint?.includes('agent_id')) throw invalidField('agent_id', 'not_found', 'is no agent');
      throw error;
    }
  }
}

const earlier = (a: Date | null, b: Date | null): Date | null => (a && b ? (a < b ? a : b) : (a ?? b));

/** As it is read back: what is sealed must not depend on where it came from. */
const plain = ({ after_seconds, to, expires_seconds }: Escalation): Escalation => ({
  ...(after_seconds === undefined ? {} : { after_seconds }),
  to: { users: to.users ?? [], roles: to.roles ?? [] },
  ...(expires_seconds === undefined ? {} : { expires_seconds }),
});

/** Other domains hand on what people wrote in places of their own. @throws Problem `invalid_request` */
function checkDemand({ min_approvals: needed = 1, expires_seconds: seconds = 1, grant_seconds: grant = 1 }: ApprovalDemand = {}): void {
  const isWithin = (value: number, most: number): boolean => Number.isInteger(value) && value >= 1 && value <= most;
  if (!isWithin(needed, MOST_NEEDED)) throw invalidField('min_approvals', 'range', `must be a whole number from 1 to ${MOST_NEEDED}`);
  if (!isWithin(seconds, LONGEST_SECONDS)) throw invalidField('expires_seconds', 'range', `must be a whole number from 1 to ${LONGEST_SECONDS}`);
  if (!isWithin(grant, LONGEST_SECONDS)) throw invalidField('grant_seconds', 'range', `must be a whole number from 1 to ${LONGEST_SECONDS}`);
}
