import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import type { Page, PageRequest } from '../../core/page.js';
import { prepared } from '../../platform/database/prepared.js';
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

const COLUMNS = {
  id: 'uuid', tenant_id: 'uuid', actor_kind: 'text', actor_id: 'text', actor_label: 'text', actor_label_hash: 'bytea', action: 'text', outcome: 'text', resource_type: 'text',
  resource_id: 'text', request_id: 'text', subject_type: 'text', subject_id: 'text', content_form: 'smallint', content: 'bytea', salt: 'bytea', content_hash: 'bytea',
} as const satisfies Record<keyof NewAuditRow, string>;
const NAMES = Object.keys(COLUMNS) as (keyof NewAuditRow)[];
const INSERT = prepared(`insert into audit_log (${NAMES.join(', ')})
  select * from unnest(${NAMES.map((name, index) => `$${index + 1}::${COLUMNS[name]}[]`).join(', ')})`);

/** Of content whose key was destroyed nobody learns the label by trying names. The key's id stands behind the first byte of what it sealed. */
const IS_THERE = `audit.content is not null and not exists (
  select from tenant_keys k where k.tenant_id = audit.tenant_id and k.destroyed_at is not null
    and k.id = case when length(audit.content) > 16 then encode(substring(audit.content from 2 for 16), 'hex')::uuid end)`;

const valuesOf = (rows: readonly NewAuditRow[]): unknown[][] => NAMES.map((name) => rows.map(({ [name]: value }) => value));

/** Rows of `audit_log`: they are only ever added. */
@Injectable()
export class AuditRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  /** In the transaction of the change. */
  async insert(rows: readonly NewAuditRow[]): Promise<void> {
    if (rows.length > 0) await this.sql.execute(INSERT, valuesOf(rows));
  }

  /** At once and by itself: for what happened without a change, or despite a rollback. */
  async insertAlone(row: NewAuditRow): Promise<void> {
    await this.database.execute(INSERT.text, valuesOf([row]));
  }

  /** In a transaction of the system's. */
  async insertBy(client: pg.ClientBase, row: NewAuditRow): Promise<void> {
    await client.query(INSERT.text, valuesOf([row]));
  }

  /** Whether something was done to a resource; in the running transaction. */
  async has(tenantId: string, action: string, resource: { type: string; id: string }): Promise<boolean> {
    const rows = await this.sql.rows(
      `select 1 from audit_log where tenant_id = $1 and resource_type = $2 and resource_id = $3 and action = $4 and outcome = 'done' limit 1`,
      [tenantId, resource.type, resource.id, action],
    );
    return rows.length > 0;
  }

  /** @param label hash of `filter.actor` as a label */
  page(tenantId: string, filter: AuditFilter, request: PageRequest, label?: Buffer): Promise<Page<AuditRow>> {
    const query = this.sql.manager.createQueryBuilder(AuditRow, 'audit').where('audit.tenant_id = :tenantId', { tenantId });
    for (const column of ['resource_type', 'resource_id', 'outcome', 'request_id'] as const) {
      if (filter[column] !== undefined) query.andWhere(`audit.${column} = :${column}`, { [column]: filter[column] });
    }
    if (filter.action?.endsWith('*')) query.andWhere('audit.action collate "C" >= :action and audit.action collate "C" < :beyond', rangeOf(filter.action.slice(0, -1)));
    else if (filter.action !== undefined) query.andWhere('audit.action collate "C" = :action', { action: filter.action });
    if (filter.actor !== undefined) query.andWhere(`(audit.actor_id = :actor or (audit.actor_label_hash = :label and ${IS_THERE}) or audit.actor_label = :actor)`, { actor: filter.actor, label });
    if (filter.from) query.andWhere('audit.occurred_at >= :from', { from: filter.from });
    if (filter.to) query.andWhere('audit.occurred_at < :to', { to: filter.to });
    return pageOfQuery(query, request);
  }
}

/** The actions with a beginning, as a range in the order of bytes: below row-level security no index is used for `like`. */
const rangeOf = (beginning: string): { action: string; beyond: string } => ({ action: beginning, beyond: `${beginning}\u{10FFFF}` });
