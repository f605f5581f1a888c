import { isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Actor } from '../../core/actor.js';
import { newId, OPERATOR_TENANT_ID } from '../../core/ids.js';
import type { Page, PageRequest } from '../../core/page.js';
import { notFound, Problem } from '../../core/problem.js';
import { type AuditEntry, type AuditOrigin, AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import type { KeySubject } from '../../platform/crypto/tenant-cipher.js';
import { AuditContents, type ContentColumns } from './audit-contents.js';
import { AuditKeys } from './audit-keys.js';
import type { AuditContent, AuditOutcome, AuditRow, NewAuditRow, OpenedAuditRow } from './audit-row.entity.js';
import { type AuditFilter, AuditRepository } from './audit.repository.js';
import type { ContentPlace } from './content-place.js';
import { fitContent } from './fit-content.js';
import { redactSecrets } from './redact-secrets.js';

const ANONYMOUS = { kind: 'anonymous', id: 'anonymous', label: 'anonymous' } as const;

type Origin = AuditOrigin & Pick<NewAuditRow, 'actor_kind' | 'actor_id' | 'request_id'> & Pick<AuditContent, 'actor_label' | 'ip' | 'user_agent'>;

/** Writes and searches the audit log: who, what, from where, in which request. */
@Injectable()
export class AuditService extends AuditPort {
  constructor(
    private readonly context: RequestContext,
    private readonly repository: AuditRepository,
    private readonly contents: AuditContents,
    private readonly keys: AuditKeys,
  ) {
    super();
  }

  async record(entry: AuditEntry): Promise<void> {
    await this.repository.insert([await this.row(entry, 'done')]);
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

  /** A row as `record` writes it, for who has a transaction of the system's. */
  prepare(entry: AuditEntry): Promise<NewAuditRow> {
    return this.row(entry, 'done');
  }

  async recordAll(entries: readonly (AuditEntry & { origin: AuditOrigin })[]): Promise<void> {
    await this.repository.insert(await Promise.all(entries.map((entry) => this.row(entry, 'done', entry.origin as Origin))));
  }

  async denied(entry: AuditEntry): Promise<void> {
    await this.repository.insertAlone(await this.row(entry, 'denied'));
  }

  async failed(entry: AuditEntry): Promise<void> {
    await this.repository.insertAlone(await this.row(entry, 'failed'));
  }

  /** Rows of the tenant, newest first. They are opened when the transaction is over: each may be under another key. */
  async search(filter: AuditFilter, page: PageRequest): Promise<Page<OpenedAuditRow>> {
    const label = filter.actor === undefined ? undefined : await this.keys.labelHash(this.context.tenantId, filter.actor);
    const found = await this.page(filter, page, label);
    return { ...found, items: await Promise.all(found.items.map((row) => this.contents.open(row))) };
  }

  @Transactional()
  protected page(filter: AuditFilter, page: PageRequest, label: Buffer | undefined): Promise<Page<AuditRow>> {
    return this.repository.page(this.context.tenantId, filter, page, label);
  }

  /** Whatever a domain hands in, no secret passes and nothing that is too large for a row: both are replaced here, at the one door. */
  private async row(entry: AuditEntry, outcome: AuditOutcome, { tenantId, ...origin } = this.origin()): Promise<NewAuditRow> {
    const { actor_kind, actor_id, request_id, ...who } = origin;
    const content = fitContent({ ...who, before: redacted(entry.before), after: redacted(entry.after), detail: redacted(entry.detail) });
    const { type, id } = entry.subject ?? subjectOf(tenantId, origin, entry);
    const place = { tenant_id: tenantId, id: newId(), subject_type: type, subject_id: id };
    return {
      ...place,
      actor_kind,
      actor_id,
      request_id,
      action: entry.action,
      outcome,
      resource_type: entry.resource?.type ?? null,
      resource_id: entry.resource?.id ?? null,
      ...(await this.close(place, content)),
    };
  }

  /**
   * Of who was purged no content is kept, whoever reads what is left. They themselves, in a request that had begun before,
   * do nothing more: there is no such tenant or agent.
   */
  private async close(place: ContentPlace, content: AuditContent): Promise<ContentColumns> {
    try {
      return await this.contents.close(place, content);
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'erased')) throw error;
      const { actorOrUndefined: actor } = this.context;
      if (actor?.id === place.subject_id) throw notFound('agent');
      if (actor?.tenantId === place.tenant_id && place.subject_type === 'tenant') throw notFound('tenant');
      return this.contents.none();
    }
  }
}

/** Whom the content of a row is about: the agent or other tenant that was acted on, or the agent that acted; else the tenant. */
function subjectOf(tenantId: string, { actor_kind, actor_id }: Pick<NewAuditRow, 'actor_kind' | 'actor_id'>, { resource }: AuditEntry): KeySubject {
  if (resource?.type === 'agent' || resource?.type === 'tenant') return { type: resource.type, id: resource.id };
  return actor_kind === 'agent' ? { type: 'agent', id: actor_id } : { type: 'tenant', id: tenantId };
}

const redacted = (value: object | undefined): object | null => (value ? (redactSecrets(value) as object) : null);

/** An address as PostgreSQL takes it: without a zone, and nothing that a forwarded header made up. */
function addressOf(ip: string | undefined): string | null {
  const address = ip?.split('%')[0] ?? '';
  return isIP(address) === 0 ? null : address;
}
