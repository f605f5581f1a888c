import { Injectable } from '@nestjs/common';
import { AuditContents } from './audit-contents.js';
import { AuditHistoryRepository, type AuditSpan } from './audit-history.repository.js';
import { AuditRepository } from './audit.repository.js';
import { type AuditView, toAuditView } from './audit.view.js';

const BATCH = 500;

/** The audit log for other domains. */
@Injectable()
export class AuditReader {
  constructor(
    private readonly history: AuditHistoryRepository,
    private readonly contents: AuditContents,
    private readonly repository: AuditRepository,
  ) {}

  /** Whether a row says that this was done to a resource; in the running transaction. */
  wasDone(tenantId: string, action: string, resource: { type: string; id: string }): Promise<boolean> {
    return this.repository.has(tenantId, action, resource);
  }

  /** Rows of a tenant and a time, oldest first, batch after batch: those that were there when it began. */
  async *batches(tenantId: string, span: AuditSpan): AsyncGenerator<AuditView[]> {
    const to = span.to ?? (await this.history.now(tenantId));
    for (let rows = await this.history.from(tenantId, { ...span, to }, undefined, BATCH); rows.length > 0; rows = await this.history.from(tenantId, { ...span, to }, rows.at(-1), BATCH)) {
      yield (await Promise.all(rows.map((row) => this.contents.open(row)))).map(toAuditView);
    }
  }
}
