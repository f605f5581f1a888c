import { Injectable } from '@nestjs/common';
import type { KeySubject } from '../../platform/crypto/tenant-cipher.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import type { AuditRow } from './audit-row.entity.js';
import { PAGE_BYTES, pageOfBytes } from './page-of-bytes.js';

/** A time: from its start on, up to and without its end. */
export interface AuditSpan {
  from?: Date | undefined;
  to?: Date | undefined;
}

const COLUMNS = `tenant_id, id, actor_kind, actor_id, actor_label, action, outcome, resource_type, resource_id, request_id,
  subject_type, subject_id, content_form, content, salt, content_hash, occurred_at`;
const SPAN = `select ${COLUMNS} from audit_log where tenant_id = $1 and occurred_at >= coalesce($2::timestamptz, '-infinity') and occurred_at < $3
    and (occurred_at, id) > (coalesce($4::timestamptz, '-infinity'), coalesce($5::uuid, '00000000-0000-0000-0000-000000000000'))
  order by occurred_at, id limit $6`;

/**
 * Rows of the log in the order of their times. They are only ever added, so each batch may be read by itself: nothing is
 * held open between two of them, however slow the reader is.
 */
@Injectable()
export class AuditHistoryRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** Now, by the clock that rows have their time from; just behind the newest row. */
  async now(tenantId: string): Promise<Date> {
    const [row] = await this.database.statement<{ now: Date }>(tenantId, `select clock_timestamp() + interval '1 millisecond' as now`, []);
    return row?.now ?? new Date();
  }

  /** Rows with content of a subject, or of all; one that acted or was acted on before contents were sealed counts by its id. */
  async count(tenantId: string, subject: KeySubject | 'all'): Promise<{ sealed: number; plain: number }> {
    const id = subject === 'all' ? null : subject.id;
    const [row] = await this.database.statement<{ sealed: string; plain: string }>(
      tenantId,
      `select count(*) filter (where content_form <> 0 and content is not null and ($2::text is null or subject_id = $2)) as sealed,
         count(*) filter (where content_form = 0 and content is not null and ($2::text is null or actor_id = $2 or resource_id = $2)) as plain
       from audit_log where tenant_id = $1`,
      [tenantId, id],
    );
    return { sealed: Number(row?.sealed ?? 0), plain: Number(row?.plain ?? 0) };
  }

  /** At most so many rows, and no more than `PAGE_BYTES` behind the first. */
  from(tenantId: string, { from, to }: AuditSpan, after: Pick<AuditRow, 'occurred_at' | 'id'> | undefined, limit: number): Promise<AuditRow[]> {
    return this.database.statement<AuditRow>(
      tenantId,
      pageOfBytes(SPAN, 'occurred_at, id', '$7'),
      [tenantId, from ?? null, to ?? null, after?.occurred_at ?? null, after?.id ?? null, limit, PAGE_BYTES],
    );
  }
}
