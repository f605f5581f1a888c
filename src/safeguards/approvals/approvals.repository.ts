import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { Approval, type ApprovalStatus, type NewApproval } from './approval.entity.js';

export interface ApprovalFilter {
  status: ApprovalStatus | 'all';
  task_id?: string;
  agent_id?: string;
}

export interface Decision {
  status: 'approved' | 'rejected';
  by: { kind: string; id: string };
  note: string | null;
}

export type ExpiredApproval = Pick<Approval, 'id' | 'task_id' | 'agent_id'>;

/** Most tenants that one round of the sweeper visits. */
const TENANTS_AT_ONCE = 200;

const NEW_COLUMNS = ['tenant_id', 'id', 'title', 'description', 'action', 'action_hash', 'agent_id', 'task_id', 'confidence', 'risk', 'requested_by_kind', 'requested_by_id', 'requester', 'expires_at'] as const;
const INSERT = `insert into approvals (${NEW_COLUMNS.join(', ')}) values (${NEW_COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})`;

/** Rows of `approvals`. Whether one has run out is decided by the database's clock. */
@Injectable()
export class ApprovalsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  async insert(row: NewApproval): Promise<Approval> {
    await this.sql.execute(INSERT, NEW_COLUMNS.map((column) => (column === 'action' ? JSON.stringify(row.action) : row[column])));
    const stored = await this.find(row.tenant_id, row.id);
    if (!stored) throw new Error('An approval that was just written is not there.');
    return stored;
  }

  find(tenantId: string, id: string): Promise<Approval | null> {
    return this.sql.manager.createQueryBuilder(Approval, 'approval').where('approval.tenant_id = :tenantId and approval.id = :id', { tenantId, id }).getOne();
  }

  lock(tenantId: string, id: string): Promise<Approval | null> {
    return this.sql.manager
      .createQueryBuilder(Approval, 'approval')
      .where('approval.tenant_id = :tenantId and approval.id = :id', { tenantId, id })
      .setLock('pessimistic_write')
      .getOne();
  }

  page(tenantId: string, filter: ApprovalFilter, request: PageRequest): Promise<Page<Approval>> {
    const query = this.sql.manager.createQueryBuilder(Approval, 'approval').where('approval.tenant_id = :tenantId', { tenantId });
    if (filter.status !== 'all') query.andWhere('approval.status = :status', { status: filter.status });
    if (filter.task_id !== undefined) query.andWhere('approval.task_id = :taskId', { taskId: filter.task_id });
    if (filter.agent_id !== undefined) query.andWhere('approval.agent_id = :agentId', { agentId: filter.agent_id });
    return pageOfQuery(query, request);
  }

  /** @returns false when it is no longer pending or has run out */
  async decide(tenantId: string, id: string, { status, by, note }: Decision): Promise<boolean> {
    const changed = await this.sql.execute(
      `update approvals set status = $3, decided_by_kind = $4, decided_by_id = $5, reviewer_note = $6, decided_at = clock_timestamp(),
         revision = revision + 1, updated_at = clock_timestamp()
       where tenant_id = $1 and id = $2 and status = 'pending' and (expires_at is null or expires_at > clock_timestamp())`,
      [tenantId, id, status, by.kind, by.id, note],
    );
    return changed > 0;
  }

  /** Ends the tenant's approvals that have run out. */
  expireDue(tenantId: string): Promise<ExpiredApproval[]> {
    return this.sql.rows<ExpiredApproval>(
      `update approvals set status = 'expired', decided_at = expires_at, revision = revision + 1, updated_at = clock_timestamp()
       where tenant_id = $1 and status = 'pending' and expires_at <= clock_timestamp()
       returning id, task_id, agent_id`,
      [tenantId],
    );
  }

  /** Tenants that have approvals which ran out. */
  async tenantsWithDue(): Promise<string[]> {
    const rows = await this.database.query<{ tenant_id: string }>(
      `select distinct tenant_id from approvals where status = 'pending' and expires_at <= clock_timestamp() limit $1`,
      [TENANTS_AT_ONCE],
    );
    return rows.map((row) => row.tenant_id);
  }

  async countWaiting(tenantId: string): Promise<number> {
    const row = await this.sql.row<{ count: number }>(
      `select count(*)::int as count from approvals where tenant_id = $1 and status = 'pending' and (expires_at is null or expires_at > clock_timestamp())`,
      [tenantId],
    );
    return row?.count ?? 0;
  }

  async stateForTask(tenantId: string, taskId: string): Promise<{ pending: number; approved: number }> {
    const row = await this.sql.row<{ pending: number; approved: number }>(
      `select count(*) filter (where status = 'pending' and (expires_at is null or expires_at > clock_timestamp()))::int as pending,
         count(*) filter (where status = 'approved')::int as approved
       from approvals where tenant_id = $1 and task_id = $2`,
      [tenantId, taskId],
    );
    return row ?? { pending: 0, approved: 0 };
  }
}
