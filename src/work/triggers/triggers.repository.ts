import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { lockRow, pageOfQuery } from '../../platform/database/table.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import type { Position } from '../../platform/events/event-log.js';
import type { PaceState } from './firing-pace.js';
import type { Buckets } from './threshold-rules.js';
import { Trigger } from './trigger.entity.js';
import type { TriggerType } from './trigger-config.js';

/** The triggers that a plan counts. */
export const COUNTED_TRIGGERS = 'from triggers where tenant_id = $1';

export interface TriggerFilter {
  type?: TriggerType;
  enabled?: boolean;
}

/** A trigger whose state is held until the transaction ends. */
export interface HeldTrigger extends Trigger, Omit<PaceState, 'gathering'>, Position {
  armed: boolean;
  beyond_since: Date | null;
  buckets: Buckets;
  now: Date;
}

const COLUMNS = ['name', 'description', 'type', 'config', 'action', 'enabled', 'max_per_hour', 'cooldown_seconds', 'coalesce_seconds', 'as_role', 'author'] as const;
export type TriggerValues = Pick<Trigger, (typeof COLUMNS)[number]>;
const valueOf = (row: TriggerValues, column: (typeof COLUMNS)[number]): unknown => (column === 'config' || column === 'action' ? JSON.stringify(row[column]) : row[column]);

/** Behind everything that has happened: what runs now will come. */
const END = `pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1, 999999999999999999`;

/** Of tenant `$1` what is enabled and waits for events. */
const FOLLOWING = `tenant_id = $1 and enabled and (type in ('event', 'webhook') or (type = 'threshold' and config ->> 'metric' in ('failed_tasks', 'error_rate')))`;
/** The mark where there is none. */
export const NONE = '0/0//';

/** Rows of `triggers` and `trigger_states`. */
@Injectable()
export class TriggersRepository {
  constructor(
    private readonly sql: Sql,
    private readonly tenants: TenantDatabase,
    private readonly database: SystemDatabase,
  ) {}

  async insert(tenantId: string, id: string, by: { kind: string; id: string }, values: TriggerValues): Promise<void> {
    await this.sql.execute(
      `insert into triggers (tenant_id, id, created_by_kind, created_by_id, ${COLUMNS.join(', ')}) values ($1, $2, $3, $4, ${COLUMNS.map((_, index) => `$${index + 5}`).join(', ')})`,
      [tenantId, id, by.kind, by.id, ...COLUMNS.map((column) => valueOf(values, column))],
    );
    await this.sql.execute(`insert into trigger_states (tenant_id, trigger_id, tx, seq) select $1, $2, ${END}`, [tenantId, id]);
  }

  async update(tenantId: string, id: string, values: TriggerValues): Promise<void> {
    await this.sql.execute(`update triggers set ${COLUMNS.map((column, index) => `${column} = $${index + 3}`).join(', ')}, revision = revision + 1, updated_at = now() where tenant_id = $1 and id = $2`, [
      tenantId, id, ...COLUMNS.map((column) => valueOf(values, column)),
    ]);
  }

  /** Forgets what was: what happens from now on counts. */
  async restart(tenantId: string, id: string): Promise<void> {
    await this.sql.execute(`update trigger_states set (tx, seq) = (select ${END}), armed = true, beyond_since = null, buckets = '{}' where tenant_id = $1 and trigger_id = $2`, [tenantId, id]);
  }

  async remove(tenantId: string, id: string): Promise<void> {
    await this.sql.execute('delete from triggers where tenant_id = $1 and id = $2', [tenantId, id]);
  }

  find(tenantId: string, id: string): Promise<Trigger | null> {
    return this.sql.manager.createQueryBuilder(Trigger, 'trigger').where('trigger.tenant_id = :tenantId and trigger.id = :id', { tenantId, id }).getOne();
  }

  lock(id: string): Promise<Trigger | null> {
    return lockRow(this.sql.manager, Trigger, 'trigger', id);
  }

  page(tenantId: string, filter: TriggerFilter, request: PageRequest): Promise<Page<Trigger>> {
    const query = this.sql.manager.createQueryBuilder(Trigger, 'trigger').where('trigger.tenant_id = :tenantId', { tenantId });
    if (filter.type !== undefined) query.andWhere('trigger.type = :type', { type: filter.type });
    if (filter.enabled !== undefined) query.andWhere('trigger.enabled = :enabled', { enabled: filter.enabled });
    return pageOfQuery(query, request);
  }

  async lastFired(tenantId: string, ids: readonly string[]): Promise<Map<string, Date | null>> {
    const rows = await this.sql.rows<{ trigger_id: string; last_fired_at: Date | null }>('select trigger_id, last_fired_at from trigger_states where tenant_id = $1 and trigger_id = any($2)', [tenantId, ids]);
    return new Map(rows.map(({ trigger_id, last_fired_at }) => [trigger_id, last_fired_at]));
  }

  /** Enabled, and waiting for events. In a transaction of its own. */
  following(tenantId: string): Promise<Trigger[]> {
    return this.tenants.statement<Trigger>(tenantId, `select * from triggers where ${FOLLOWING}`, [tenantId]);
  }

  /** Another whenever one of them is. */
  async markOfFollowing(tenantId: string): Promise<string> {
    const [row] = await this.tenants.statement<{ mark: string }>(tenantId, `select count(*) || '/' || coalesce(sum(revision), 0) || '/' || coalesce(max(updated_at)::text, '') || '/' || coalesce(max(id::text), '') as mark from triggers where ${FOLLOWING}`, [tenantId]);
    return row?.mark ?? NONE;
  }

  /** Tenants that work and have thresholds to look at. */
  async tenantsWithThresholds(): Promise<string[]> {
    const rows = await this.database.query<{ tenant_id: string }>(`select distinct g.tenant_id from triggers g join tenants t on t.id = g.tenant_id and t.status = 'active' where g.enabled and g.type = 'threshold'`);
    return rows.map(({ tenant_id }) => tenant_id);
  }

  thresholds(tenantId: string): Promise<Trigger[]> {
    return this.sql.rows<Trigger>(`select * from triggers where tenant_id = $1 and enabled and type = 'threshold' order by id`, [tenantId]);
  }

  /** Holds what a trigger remembers; undefined when it is gone or disabled. */
  hold(tenantId: string, id: string): Promise<HeldTrigger | undefined> {
    return this.sql.row<HeldTrigger>(
      `select g.*, s.tx::text, s.seq::text, s.last_fired_at, s.hour_at, s.hour_count, s.armed, s.beyond_since, s.buckets, clock_timestamp() as now
       from trigger_states s join triggers g on g.tenant_id = s.tenant_id and g.id = s.trigger_id
       where s.tenant_id = $1 and s.trigger_id = $2 and g.enabled for update of s`,
      [tenantId, id],
    );
  }

  async remember(tenantId: string, id: string, { tx, seq }: Position, { last_fired_at, hour_at, hour_count }: PaceState, buckets: Buckets): Promise<void> {
    await this.sql.execute('update trigger_states set tx = $3, seq = $4, last_fired_at = $5, hour_at = $6, hour_count = $7, buckets = $8 where tenant_id = $1 and trigger_id = $2', [
      tenantId, id, tx, seq, last_fired_at, hour_at, hour_count, JSON.stringify(buckets),
    ]);
  }

  async rememberValue(tenantId: string, id: string, value: number, { armed, beyond_since }: { armed: boolean; beyond_since: Date | null }): Promise<void> {
    await this.sql.execute('update trigger_states set value = $3, armed = $4, beyond_since = $5 where tenant_id = $1 and trigger_id = $2', [tenantId, id, value, armed, beyond_since]);
  }

  /** Holds a trigger as it is while its action is done: who turns it off waits for that, and none follows. */
  share(tenantId: string, id: string): Promise<Trigger | undefined> {
    return this.sql.row<Trigger>('select * from triggers where tenant_id = $1 and id = $2 and enabled for share', [tenantId, id]);
  }
}
