import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { type AuditOutcome, AuditRow, type NewAuditRow } from './audit-row.entity.js';

/** What rows are searched by. All conditions hold at once. */
export interface AuditFilter {
  /** Exact, or a prefix that ends in `*`. */
  action?: string;
  /** Id or label. */
  actor?: string;
  resource_type?: string;
  resource_id?: string;
  outcome?: AuditOutcome;
  /** Inclusive. */
  from?: Date;
  /** Exclusive. */
  to?: Date;
  request_id?: string;
}

const COLUMNS = ['id', 'tenant_id', 'actor_kind', 'actor_id', 'actor_label', 'action', 'outcome', 'resource_type', 'resource_id', 'ip', 'user_agent', 'request_id', 'before', 'after', 'detail'] as const;
const INSERT = `insert into audit_log (${COLUMNS.join(', ')}) values (${COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})`;

const valuesOf = (row: NewAuditRow): unknown[] => COLUMNS.map((column) => (typeof row[column] === 'object' && row[column] !== null ? JSON.stringify(row[column]) : row[column]));

/** Rows of `audit_log`: they are only ever added. */
@Injectable()
export class AuditRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  /** In the transaction of the change. */
  async insert(row: NewAuditRow): Promise<void> {
    await this.sql.execute(INSERT, valuesOf(row));
  }

  /** At once and by itself: for what happened without a change, or despite a rollback. */
  async insertAlone(row: NewAuditRow): Promise<void> {
    await this.database.execute(INSERT, valuesOf(row));
  }

  page(tenantId: string, filter: AuditFilter, request: PageRequest): Promise<Page<AuditRow>> {
    const query = this.sql.manager.createQueryBuilder(AuditRow, 'audit').where('audit.tenant_id = :tenantId', { tenantId });
    for (const column of ['resource_type', 'resource_id', 'outcome', 'request_id'] as const) {
      if (filter[column] !== undefined) query.andWhere(`audit.${column} = :${column}`, { [column]: filter[column] });
    }
    if (filter.action?.endsWith('*')) query.andWhere('audit.action like :action', { action: `${escapeLike(filter.action.slice(0, -1))}%` });
    else if (filter.action !== undefined) query.andWhere('audit.action = :action', { action: filter.action });
    if (filter.actor !== undefined) query.andWhere('(audit.actor_id = :actor or audit.actor_label = :actor)', { actor: filter.actor });
    if (filter.from) query.andWhere('audit.occurred_at >= :from', { from: filter.from });
    if (filter.to) query.andWhere('audit.occurred_at < :to', { to: filter.to });
    return pageOfQuery(query, request);
  }
}

const escapeLike = (text: string): string => text.replaceAll(/[\\%_]/g, String.raw`\$&`);
