import { Injectable } from '@nestjs/common';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';

/** A row as it is written; `before`, `after` and `detail` without secrets. */
export interface NewAuditRow {
  id: string;
  tenant_id: string;
  actor_kind: string;
  actor_id: string;
  actor_label: string;
  action: string;
  outcome: 'done' | 'denied' | 'failed';
  resource_type: string | null;
  resource_id: string | null;
  ip: string | null;
  user_agent: string | null;
  request_id: string | null;
  before: object | null;
  after: object | null;
  detail: object | null;
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
}
