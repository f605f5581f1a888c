import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Actor } from '../../core/actor.js';
import { canonicalHash } from '../../core/canonical-json.js';
import { newId } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { invalidField, notFound, Problem } from '../../core/problem.js';
import { type AuditEntry, AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { brokenConstraint } from '../../platform/database/database-problem.js';
import { Events } from '../../platform/events/events.js';
import { checkIfMatch } from '../../platform/http/etag.js';
import type { Approval, ApprovalAction, ApprovalStatus, NewApproval } from './approval.entity.js';
import type { RequestApprovalDto } from './approvals.dto.js';
import { ApprovalDecided, ApprovalRequested } from './approvals.events.js';
import { type ApprovalFilter, ApprovalsRepository } from './approvals.repository.js';

/** Requests for approval and the decisions about them. */
@Injectable()
export class ApprovalsService {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: ApprovalsRepository,
    private readonly audit: AuditPort,
    private readonly events: Events,
  ) {}

  /** @throws Problem `invalid_request` for an action that has no canonical form, a time that has passed, an unknown task or agent */
  @Transactional()
  async request(body: RequestApprovalDto): Promise<Approval> {
    const approval = await this.insert(this.newRow(body));
    if (approval.expires_at && approval.expires_at <= approval.created_at) throw invalidField('expires_at', 'past', 'must be in the future');
    const { id, task_id, agent_id, title, action, risk } = approval;
    if (this.context.actor.kind !== 'agent') {
      await this.audit.record({ action: 'approval.request', resource: { type: 'approval', id }, after: summaryOf(approval), ...subjectOf(approval) });
    }
    await this.events.publish(ApprovalRequested, { approval_id: id, task_id, agent_id, title, kind: action.kind, risk });
    return approval;
  }

  @Transactional()
  async list(filter: ApprovalFilter, page: PageRequest): Promise<Page<Approval>> {
    await this.expireDue();
    return this.repository.page(this.context.tenantId, filter, page);
  }

  @Transactional()
  async get(id: string): Promise<Approval> {
    await this.expireDue();
    return (await this.repository.find(this.context.tenantId, id)) ?? absent();
  }

  /** An approval that the calling agent asked for, or that was asked for on its behalf. */
  async getOwn(id: string): Promise<Approval> {
    const approval = await this.get(id);
    return approval.agent_id === this.context.actor.id ? approval : absent();
  }

  /**
   * Approves or rejects, once. Of callers at the same moment exactly one decides.
   * @throws Problem `approval_decided` when it has been decided or has run out, `self_approval` for the requester
   */
  async decide(id: string, status: 'approved' | 'rejected', note: string | undefined): Promise<Approval> {
    // By itself first, so that what has run out stays so though this call is refused.
    await this.expireDue();
    return this.decidePending(id, status, note);
  }

  /** Ends what has run out. @returns how many */
  @Transactional()
  async expireDue(): Promise<number> {
    const expired = await this.repository.expireDue(this.context.tenantId);
    for (const { id, task_id, agent_id } of expired) {
      await this.events.publish(ApprovalDecided, { approval_id: id, task_id, agent_id, status: 'expired', decided_by: null });
    }
    return expired.length;
  }

  @Transactional()
  async decidePending(id: string, status: 'approved' | 'rejected', note: string | undefined): Promise<Approval> {
    const { actor, tenantId } = this.context;
    const before = (await this.repository.lock(tenantId, id)) ?? absent();
    checkIfMatch(this.context.get('ifMatch'), before);
    if (before.status !== 'pending') throw alreadyDecided(before.status);
    if (before.requester === personOf(actor)) throw new Problem('self_approval');
    if (!(await this.repository.decide(tenantId, id, { status, by: actor, note: note ?? null }))) throw alreadyDecided('expired');
    const after = (await this.repository.find(tenantId, id)) ?? absent();
    await this.audit.record({
      action: status === 'approved' ? 'approval.approve' : 'approval.reject',
      resource: { type: 'approval', id },
      before: summaryOf(before),
      after: summaryOf(after),
      ...subjectOf(after),
    });
    await this.events.publish(ApprovalDecided, { approval_id: id, task_id: after.task_id, agent_id: after.agent_id, status, decided_by: actor.id });
    return after;
  }

  private newRow(body: RequestApprovalDto): NewApproval {
    const { actor, tenantId } = this.context;
    const action: ApprovalAction = { kind: body.action.kind, arguments: body.action.arguments };
    return {
      tenant_id: tenantId,
      id: newId(),
      title: body.title,
      description: body.description ?? null,
      action,
      action_hash: hashOf(action),
      agent_id: actor.kind === 'agent' ? actor.id : (body.agent_id ?? null),
      task_id: body.task_id ?? null,
      confidence: body.confidence ?? null,
      risk: body.risk ?? null,
      requested_by_kind: actor.kind,
      requested_by_id: actor.id,
      requester: personOf(actor),
      expires_at: body.expires_at ? new Date(body.expires_at) : null,
    };
  }

  /** The foreign keys say whether task and agent are there: in this tenant, whatever wing they belong to. */
  private async insert(row: NewApproval): Promise<Approval> {
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

/** Who acts, whatever credential they use: a person's API key is that person. */
function personOf(actor: Actor): string {
  return actor.kind === 'api_key' ? `user:${actor.ownerId}` : `${actor.kind}:${actor.id}`;
}

function hashOf(action: ApprovalAction): string {
  try {
    return canonicalHash(action);
  } catch (error) {
    if (error instanceof TypeError) throw invalidField('action', 'canonical', error.message);
    throw error;
  }
}

/** What the audit log keeps: the hash stands for the action, whose arguments may hold anything. */
function summaryOf({ title, action, action_hash, status, task_id, agent_id, risk, reviewer_note, expires_at }: Approval): object {
  return { title, kind: action.kind, action_hash, status, task_id, agent_id, risk, reviewer_note, expires_at };
}

/** What an agent asks for is about the agent. */
const subjectOf = ({ agent_id }: Approval): Pick<AuditEntry, 'subject'> => (agent_id ? { subject: { type: 'agent', id: agent_id } } : {});

function alreadyDecided(status: ApprovalStatus): Problem {
  return new Problem('approval_decided', { detail: `This approval is ${status} already.`, current: status });
}

function absent(): never {
  throw notFound('approval');
}
