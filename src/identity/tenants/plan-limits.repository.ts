import { Injectable } from '@nestjs/common';
import type { LimitedThing } from '../../core/plan-limits.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import type { Tenant } from './tenant.entity.js';

export type TenantPlan = Pick<Tenant, 'id' | 'plan' | 'limits'>;

/** What tenants may have, and how much of it they have. */
@Injectable()
export class PlanLimitsRepository {
  constructor(
    private readonly database: SystemDatabase,
    private readonly sql: Sql,
  ) {}

  /** Outside of a transaction, for whoever keeps the answer. */
  async find(tenantId: string): Promise<TenantPlan | undefined> {
    const [plan] = await this.database.query<TenantPlan>('select id, plan, limits from tenants where id = $1', [tenantId]);
    return plan;
  }

  /** As the running transaction sees it. */
  read(tenantId: string): Promise<TenantPlan | undefined> {
    return this.sql.row('select id, plan, limits from tenants where id = $1', [tenantId]);
  }

  /** Until the end of the transaction nobody else counts these things of the tenant. What is read after it is newer than it. */
  async lock(tenantId: string, things: readonly LimitedThing[]): Promise<void> {
    for (const thing of things) await this.sql.execute('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`plan:${tenantId}:${thing}`]);
  }

  /** @param from the thing's rows, as its domain says them; `$1` is the tenant */
  async count(tenantId: string, from: string, upTo: number | null = null): Promise<number> {
    const row = await this.sql.row<{ count: number }>(`select count(*)::int as count from (select 1 ${from} limit $2) as counted`, [tenantId, upTo]);
    return row?.count ?? 0;
  }
}
