import { Injectable } from '@nestjs/common';
import type { Actor } from '../../core/actor.js';
import { newId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import { type AuditEntry, AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { AuditRepository, type NewAuditRow } from './audit.repository.js';

const ANONYMOUS = { kind: 'anonymous', id: 'anonymous', label: 'anonymous' } as const;

/** Writes the audit log: who, what, from where, in which request. */
@Injectable()
export class AuditService extends AuditPort {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: AuditRepository,
  ) {
    super();
  }

  async record(entry: AuditEntry): Promise<void> {
    await this.repository.insert(this.row(entry, 'done'));
  }

  async denied(entry: AuditEntry): Promise<void> {
    await this.repository.insertAlone(this.row(entry, 'denied'));
  }

  async failed(entry: AuditEntry): Promise<void> {
    await this.repository.insertAlone(this.row(entry, 'failed'));
  }

  private row(entry: AuditEntry, outcome: NewAuditRow['outcome']): NewAuditRow {
    const actor: Actor | typeof ANONYMOUS = this.context.actorOrUndefined ?? ANONYMOUS;
    return {
      id: newId(),
      tenant_id: this.context.tenantIdOrUndefined ?? OPERATOR_TENANT_ID,
      actor_kind: actor.kind,
      actor_id: actor.id,
      actor_label: actor.label,
      action: entry.action,
      outcome,
      resource_type: entry.resource?.type ?? null,
      resource_id: entry.resource?.id ?? null,
      ip: this.context.get('ip') ?? null,
      user_agent: this.context.get('userAgent') ?? null,
      request_id: this.context.requestId ?? null,
      before: entry.before ?? null,
      after: entry.after ?? null,
      detail: entry.detail ?? null,
    };
  }
}
