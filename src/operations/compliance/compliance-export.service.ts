import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import type { Response } from 'express';
import { AuditPort } from '../../platform/auth/audit-port.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { EventHistory, type PastEvent } from '../../platform/events/event-history.js';
import { sendAttachment } from '../../platform/http/attachment.js';
import { AuditReader } from '../../safeguards/audit/audit.reader.js';
import type { AuditView } from '../../safeguards/audit/audit.view.js';
import type { ExportType } from './compliance.dto.js';
import { toCsv } from './csv.js';

export interface ExportRequest {
  type: ExportType;
  from?: Date | undefined;
  to?: Date | undefined;
}

const AUDIT_COLUMNS: readonly (keyof AuditView)[] = [
  'id', 'occurred_at', 'actor_kind', 'actor_id', 'actor_label', 'action', 'outcome', 'resource_type', 'resource_id', 'ip', 'user_agent', 'request_id', 'before', 'after', 'detail', 'erased',
];
const EVENT_COLUMNS: readonly (keyof PastEvent)[] = ['id', 'position', 'occurred_at', 'name', 'data', 'request_id'];

/** Writes what is kept of the running tenant as CSV, in as much memory as a batch of rows takes. */
@Injectable()
export class ComplianceExportService {
  constructor(
    private readonly context: RequestContext,
    private readonly auditLog: AuditReader,
    private readonly events: EventHistory,
    private readonly audit: AuditPort,
  ) {}

  /** The export is recorded before its first byte leaves. */
  async write(request: ExportRequest, response: Response): Promise<void> {
    await this.record(request);
    const file = { type: 'text/csv; charset=utf-8; header=present', filename: `${request.type}.csv` };
    await sendAttachment(response, file, this.lines(request));
  }

  @Transactional()
  private async record({ type, from, to }: ExportRequest): Promise<void> {
    await this.audit.record({
      action: 'compliance.export',
      resource: { type: 'tenant', id: this.context.tenantId },
      detail: { type, from: from?.toISOString() ?? null, to: to?.toISOString() ?? null },
    });
  }

  private lines({ type, from, to }: ExportRequest): AsyncGenerator<string> {
    const { tenantId } = this.context;
    return type === 'events' ? table(EVENT_COLUMNS, this.events.batches(tenantId, { from, to })) : table(AUDIT_COLUMNS, this.auditLog.batches(tenantId, { from, to }));
  }
}

async function* table<T extends object>(columns: readonly (keyof T & string)[], batches: AsyncIterable<T[]>): AsyncGenerator<string> {
  yield `${columns.join(',')}\r\n`;
  for await (const batch of batches) yield toCsv(columns, batch);
}
