import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { Approval, type ApprovalDecision, type ApprovalSource, type ApprovalStatus, type NewApproval } from './approval.entity.js';

export interface ApprovalFilter {
  status: ApprovalStatus | 'all';
  task_id?: string;
  agent_id?: string;
}

/** How an approval ends. */
export interface Ending {
  status: 'approved' | 'rejected' | 'expired' | 'withdrawn';
  by: { kind: string; id: string } | null;
  note: string | null;
  decisions: readonly ApprovalDecision[];
}

/** How many approvals of a task wait, and how many people gave: of whatever action, and of its completion. */
export interface TaskApprovals {
  pending: number;
  approved: number;
  completion: number;
}

export type ExpiredApproval = Pick<Approval, 'id' | 'task_id' | 'agent_id' | 'source_kind' | 'source_id' | 'decisions'>;

/** Most tenants that one round of the sweeper visits. */
const TENANTS_AT_ONCE = 200;
/** Most approvals that one look at what has run out ends. */
const DUE_AT_ONCE = 200;

const NEW_COLUMNS = [
  'tenant_id', 'id', 'title', 'description', 'action', 'action_hash', 'agent_id', 'task_id', 'confidence', 'risk', 'cost_usd', 'facts', 'requested_by_kind', 'requested_by_id', 'requester',
  'approver_users', 'approver_roles', 'min_approvals', 'on_expire', 'escalation', 'escalates_at', 'source_kind', 'source_id', 'trace', 'expires_at', 'grant_seconds', 'request_seal',
] as const satisfies readonly (keyof NewApproval)[];
const JSON_COLUMNS: readonly string[] = ['action', 'facts', 'escalation', 'trace'];
const INSERT = `insert into approvals (${NEW_COLUMNS.join(', ')}) values (${NEW_COLUMNS.map((_, index) => `$${index + 1}`).join(', ')}) on conflict do nothing`;

const NOT_RUN_OUT = '(expires_at is null or expires_at > clock_timestamp())';

/** Rows of `approvals`. Whether one has run out is decided by the database's clock. */
@Injectable()
export class ApprovalsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  /** @returns undefined when the source has one already: it waits for whoever is making it */
  async insert(row: NewApproval): Promise<Approval | undefined> {
    const values = NEW_COLUMNS.map((column) => (JSON_COLUMNS.includes(column) && row[column] !== null ? JSON.stringify(row[column]) : row[column]));
    if ((await this.sql.execute(INSERT, values)) === 0) return undefined;
    const stored = await this.find(row.tenant_id, row.id);
    if (!stored) throw new Error('An approval that was just written is not there.');
    return stored;
  }

  /** By the database's clock. */
  async now(): Promise<Date> {
    const row = await this.sql.row<{ now: Date }>('select clock_timestamp()::timestamptz(3) as now');
    return row?.now ?? new Date(NaN);
  }

  find(tenantId: string, id: string): Promise<Approval | null> {
    return this.sql.manager.createQueryBuilder(Approval, 'approval').where('approval.tenant_id = :tenantId and approval.id = :id', { tenantId, id }).getOne();
  }

  findMany(tenantId: string, ids: readonly string[]): Promise<Approval[]> {
    return this.sql.manager.createQueryBuilder(Approval, 'approval').where('approval.tenant_id = :tenantId and approval.id = any(:ids::uuid[])', { tenantId, ids }).getMany();
  }

  lock(tenantId: string, id: string): Promise<Approval | null> {
    return this.sql.manager
      .createQueryBuilder(Approval, 'approval')
      .where('approval.tenant_id = :tenantId and approval.id = :id', { tenantId, id })
      .setLock('pessimistic_write')
      .getOne();
  }

  /** The approval of a workflow's step. */
  async ofStep(tenantId: string, source: ApprovalSource): Promise<Approval | null> {
    return this.sql.manager
      .createQueryBuilder(Approval, 'approval')
      .where('approval.tenant_id = :tenantId and approval.source_kind = :kind and approval.source_id = :id', { tenantId, ...source })
      .getOne();
  }

  /** The latest approval of exactly this that waits, or may still be used, held until the transaction ends. */
  async lockOpen(tenantId: string, source: ApprovalSource, requester: string, hash: string): Promise<Approval | null> {
    return this.sql.manager
      .createQueryBuilder(Approval, 'approval')
      .where('approval.tenant_id = :tenantId and approval.source_kind = :kind and approval.source_id = :id', { tenantId, ...source })
      .andWhere('approval.requester = :requester and approval.action_hash = :hash', { requester, hash })
      .andWhere(`((approval.status = 'pending' and (approval.expires_at is null or approval.expires_at > clock_timestamp())) or (approval.status = 'approved' and approval.redeemed_at is null and approval.grant_expires_at > clock_timestamp()))`)
      .orderBy('approval.id', 'DESC')
      .limit(1)
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

  /** A word that does not decide yet. @returns false when it is no longer pending or has run out */
  async vote(tenantId: string, id: string, decisions: readonly ApprovalDecision[]): Promise<boolean> {
    const changed = await this.sql.execute(
      `update approvals set decisions = $3, revision = revision + 1, updated_at = clock_timestamp() where tenant_id = $1 and id = $2 and status = 'pending' and ${NOT_RUN_OUT}`,
      [tenantId, id, JSON.stringify(decisions)],
    );
    return changed > 0;
  }

  /** Ends one that is pending; what is approved may be used from now on. @param late also when it has run out @returns false when it is not pending */
  async end(tenantId: string, id: string, { status, by, note, decisions }: Ending, late = false): Promise<boolean> {
    const changed = await this.sql.execute(
      `update approvals set status = $3, decided_by_kind = $4, decided_by_id = $5, reviewer_note = $6, decisions = $7, decided_at = clock_timestamp(),
         grant_expires_at = case when $3 = 'approved' then clock_timestamp() + make_interval(secs => grant_seconds) end,
         revision = revision + 1, updated_at = clock_timestamp()
       where tenant_id = $1 and id = $2 and status = 'pending' and ($8 or ${NOT_RUN_OUT})`,
      [tenantId, id, status, by?.kind ?? null, by?.id ?? null, note, JSON.stringify(decisions), late],
    );
    return changed > 0;
  }

  async sealGrant(tenantId: string, id: string, seal: Buffer): Promise<void> {
    await this.sql.execute('update approvals set grant_seal = $3 where tenant_id = $1 and id = $2', [tenantId, id, seal]);
  }

  /** @returns false when it was used, or may no longer be */
  async redeem(tenantId: string, id: string): Promise<boolean> {
    const changed = await this.sql.execute(
      `update approvals set redeemed_at = clock_timestamp(), revision = revision + 1, updated_at = clock_timestamp()
       where tenant_id = $1 and id = $2 and status = 'approved' and redeemed_at is null and grant_expires_at > clock_timestamp()`,
      [tenantId, id],
    );
    return changed > 0;
  }

  /** Ends grants that were not used. */
  async dropGrants(tenantId: string, ids: readonly string[]): Promise<void> {
    await this.sql.execute(
      `update approvals set grant_expires_at = null, grant_seal = null, revision = revision + 1, updated_at = clock_timestamp()
       where tenant_id = $1 and id = any($2::uuid[]) and status = 'approved' and redeemed_at is null and grant_expires_at is not null`,
      [tenantId, ids],
    );
  }

  /** Ends those of the tenant's approvals that have run out and simply end with that. */
  expireDue(tenantId: string): Promise<ExpiredApproval[]> {
    return this.sql.rows<ExpiredApproval>(
      `update approvals set status = 'expired', decided_at = expires_at, revision = revision + 1, updated_at = clock_timestamp()
       where tenant_id = $1 and id = any(array(
         select id from approvals where tenant_id = $1 and status = 'pending' and expires_at <= clock_timestamp() and (on_expire = 'reject' or (on_expire = 'escalate' and escalated_at is not null))
         order by id limit ${DUE_AT_ONCE} for update))
       returning id, task_id, agent_id, source_kind, source_id, decisions`,
      [tenantId],
    );
  }

  /** Those that have run out, or waited long enough, and go on in another way; held. Another process that looks sees the others. */
  lockDue(tenantId: string): Promise<Approval[]> {
    return this.sql.manager
      .createQueryBuilder(Approval, 'approval')
      .where(`approval.tenant_id = :tenantId and approval.status = 'pending'`, { tenantId })
      .andWhere(`((approval.expires_at <= clock_timestamp() and (approval.on_expire = 'approve' or (approval.on_expire = 'escalate' and approval.escalated_at is null))) or approval.escalates_at <= clock_timestamp())`)
      .orderBy('approval.id')
      .limit(DUE_AT_ONCE)
      .setLock('pessimistic_write')
      .setOnLocked('skip_locked')
      .getMany();
  }

  /** Puts an approval before others. */
  async escalate({ tenant_id, id, approver_users, approver_roles, expires_at, trace, request_seal }: Pick<Approval, 'tenant_id' | 'id' | 'approver_users' | 'approver_roles' | 'expires_at' | 'trace' | 'request_seal'>): Promise<void> {
    await this.sql.execute(
      `update approvals set approver_users = $3, approver_roles = $4, expires_at = $5, trace = $6, request_seal = $7, escalates_at = null, escalated_at = clock_timestamp(),
         revision = revision + 1, updated_at = clock_timestamp() where tenant_id = $1 and id = $2`,
      [tenant_id, id, approver_users, approver_roles, expires_at, JSON.stringify(trace), request_seal],
    );
  }

  async retrace({ tenant_id, id, trace, request_seal }: Pick<Approval, 'tenant_id' | 'id' | 'trace' | 'request_seal'>): Promise<void> {
    await this.sql.execute('update approvals set trace = $3, request_seal = $4 where tenant_id = $1 and id = $2', [tenant_id, id, JSON.stringify(trace), request_seal]);
  }

  /** Tenants that have approvals which ran out, or wait for others now. */
  async tenantsWithDue(): Promise<string[]> {
    const rows = await this.database.query<{ tenant_id: string }>(
      `select tenant_id from approvals where status = 'pending' and expires_at <= clock_timestamp()
       union select tenant_id from approvals where status = 'pending' and escalates_at <= clock_timestamp() limit $1`,
      [TENANTS_AT_ONCE],
    );
    return rows.map((row) => row.tenant_id);
  }

  async countWaiting(tenantId: string): Promise<number> {
    const row = await this.sql.row<{ count: number }>(`select count(*)::int as count from approvals where tenant_id = $1 and status = 'pending' and ${NOT_RUN_OUT}`, [tenantId]);
    return row?.count ?? 0;
  }

  /** What a rule gave at once nobody has looked at. */
  async stateForTask(tenantId: string, taskId: string): Promise<TaskApprovals> {
    const byPeople = `status = 'approved' and (decided_by_kind <> 'rule' or trace -> -1 ->> 'outcome' = 'approved_on_expiry')`;
    const row = await this.sql.row<TaskApprovals>(
      `select count(*) filter (where status = 'pending' and ${NOT_RUN_OUT})::int as pending, count(*) filter (where ${byPeople})::int as approved,
         count(*) filter (where ${byPeople} and action ->> 'kind' = 'task.complete')::int as completion
       from approvals where tenant_id = $1 and task_id = $2`,
      [tenantId, taskId],
    );
    return row ?? { pending: 0, approved: 0, completion: 0 };
  }
}
