import { isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Actor } from '../../core/actor.js';
import { newId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { type AuditEntry, type AuditOrigin, AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import type { AuditOutcome, AuditRow, NewAuditRow } from './audit-row.entity.js';
import { type AuditFilter, AuditRepository } from './audit.repository.js';
import { redactSecrets } from './redact-secrets.js';

const ANONYMOUS = { kind: 'anonymous', id: 'anonymous', label: 'anonymous' } as const;

type Origin = AuditOrigin & Pick<NewAuditRow, 'actor_kind' | 'actor_id' | 'actor_label' | 'ip' | 'user_agent' | 'request_id'>;

/** Writes and searches the audit log: who, what, from where, in which request. */
@Injectable()
export class AuditService extends AuditPort {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: AuditRepository,
  ) {
    super();
  }

  async record(entry: AuditEntry): Promise<void> {
    await this.repository.insert([this.row(entry, 'done')]);
  }

  origin(): Origin {
    const actor: Actor | typeof ANONYMOUS = this.context.actorOrUndefined ?? ANONYMOUS;
    return {
      tenantId: this.context.tenantIdOrUndefined ?? OPERATOR_TENANT_ID,
      actor_kind: actor.kind,
      actor_id: actor.id,
      actor_label: actor.label,
      ip: addressOf(this.context.get('ip')),
      user_agent: (redactSecrets(this.context.get('userAgent')) as string | undefined) ?? null,
      request_id: this.context.requestId ?? null,
    };
  }

  async recordAll(entries: readonly (AuditEntry & { origin: AuditOrigin })[]): Promise<void> {
    await this.repository.insert(entries.map((entry) => this.row(entry, 'done', entry.origin as Origin)));
  }

  async denied(entry: AuditEntry): Promise<void> {
    await this.repository.insertAlone(this.row(entry, 'denied'));
  }

  async failed(entry: AuditEntry): Promise<void> {
    await this.repository.insertAlone(this.row(entry, 'failed'));
  }

  /** Rows of the tenant, newest first. */
  @Transactional()
  search(filter: AuditFilter, page: PageRequest): Promise<Page<AuditRow>> {
    return this.repository.page(this.context.tenantId, filter, page);
  }

  /** Whatever a domain hands in, no secret passes: names and texts that give one away are replaced here, at the one door. */
  private row(entry: AuditEntry, outcome: AuditOutcome, { tenantId, ...origin } = this.origin()): NewAuditRow {
    return {
      ...origin,
      id: newId(),
      tenant_id: tenantId,
      action: entry.action,
      outcome,
      resource_type: entry.resource?.type ?? null,
      resource_id: entry.resource?.id ?? null,
      before: redacted(entry.before),
      after: redacted(entry.after),
      detail: redacted(entry.detail),
    };
  }
}

const redacted = (value: object | undefined): object | null => (value ? (redactSecrets(value) as object) : null);

/** An address as PostgreSQL takes it: without a zone, and nothing that a forwarded header made up. */
function addressOf(ip: string | undefined): string | null {
  const address = ip?.split('%')[0] ?? '';
  return isIP(address) === 0 ? null : address;
}
