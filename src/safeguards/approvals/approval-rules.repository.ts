import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { lockRow, pageOfQuery } from '../../platform/database/table.js';
import { ApprovalRule, definitionOf, type RuleDefinition } from './approval-rule.entity.js';

/** A version of a rule, as it was. */
export interface RuleVersion {
  rule_id: string;
  version: number;
  definition: RuleDefinition;
  changed_by_kind: string;
  changed_by_id: string;
  created_at: Date;
}

type Row = Pick<ApprovalRule, 'tenant_id' | 'id' | 'version'> & RuleDefinition;

const COLUMNS = ['name', 'description', 'enabled', 'priority', 'effect', 'match', 'demand', 'auto_approve', 'escalation'] as const satisfies readonly (keyof RuleDefinition)[];
const IN_JSON: readonly string[] = ['match', 'demand', 'auto_approve', 'escalation'];

const valuesOf = (row: RuleDefinition): unknown[] => COLUMNS.map((column) => (IN_JSON.includes(column) && row[column] !== null ? JSON.stringify(row[column]) : row[column]));

/** Rows of `approval_rules` and of their versions. */
@Injectable()
export class ApprovalRulesRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  async insert(row: Row): Promise<void> {
    await this.sql.execute(
      `insert into approval_rules (tenant_id, id, version, ${COLUMNS.join(', ')}) values ($1, $2, $3, ${COLUMNS.map((_, index) => `$${index + 4}`).join(', ')})`,
      [row.tenant_id, row.id, row.version, ...valuesOf(row)],
    );
  }

  async update(row: Row): Promise<void> {
    await this.sql.execute(
      `update approval_rules set version = $3, revision = revision + 1, updated_at = clock_timestamp(), ${COLUMNS.map((column, index) => `${column} = $${index + 4}`).join(', ')} where tenant_id = $1 and id = $2`,
      [row.tenant_id, row.id, row.version, ...valuesOf(row)],
    );
  }

  /** Its versions stay. */
  async delete(tenantId: string, id: string): Promise<void> {
    await this.sql.execute('delete from approval_rules where tenant_id = $1 and id = $2', [tenantId, id]);
  }

  async keepVersion(row: ApprovalRule, by: { kind: string; id: string }): Promise<void> {
    await this.sql.execute('insert into approval_rule_versions (tenant_id, rule_id, version, definition, changed_by_kind, changed_by_id) values ($1, $2, $3, $4, $5, $6)', [
      row.tenant_id, row.id, row.version, JSON.stringify(definitionOf(row)), by.kind, by.id,
    ]);
  }

  /** The latest hundred, the newest first. */
  versions(tenantId: string, ruleId: string): Promise<RuleVersion[]> {
    return this.sql.rows<RuleVersion>(
      'select rule_id, version, definition, changed_by_kind, changed_by_id, created_at from approval_rule_versions where tenant_id = $1 and rule_id = $2 order by version desc limit 100',
      [tenantId, ruleId],
    );
  }

  find(tenantId: string, id: string): Promise<ApprovalRule | null> {
    return this.sql.manager.createQueryBuilder(ApprovalRule, 'rule').where('rule.tenant_id = :tenantId and rule.id = :id', { tenantId, id }).getOne();
  }

  lock(id: string): Promise<ApprovalRule | null> {
    return lockRow(this.sql.manager, ApprovalRule, 'rule', id);
  }

  page(tenantId: string, request: PageRequest): Promise<Page<ApprovalRule>> {
    return pageOfQuery(this.sql.manager.createQueryBuilder(ApprovalRule, 'rule').where('rule.tenant_id = :tenantId', { tenantId }), request);
  }

  /** Whoever counts to make one more does so alone until the transaction ends. */
  async count(tenantId: string): Promise<number> {
    await this.sql.execute('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`approval rules ${tenantId}`]);
    const row = await this.sql.row<{ count: number }>('select count(*)::int as count from approval_rules where tenant_id = $1', [tenantId]);
    return row?.count ?? 0;
  }

  /** All of a tenant, whoever asks. */
  known(tenantId: string): Promise<ApprovalRule[]> {
    return this.database.query<ApprovalRule>('select * from approval_rules where tenant_id = $1', [tenantId]);
  }
}
