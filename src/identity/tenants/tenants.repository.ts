import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { Tenant, type TenantStatus } from './tenant.entity.js';

/** What of a tenant can change. */
export type TenantState = Pick<Tenant, 'name' | 'plan' | 'limits' | 'status' | 'suspended_reason'>;

/**
 * Rows of `tenants`. In the operator tenant's transactions row-level security shows all of them and lets them be
 * written; in every other tenant's it shows that tenant alone. Purged ones are seen by no one.
 */
@Injectable()
export class TenantsRepository {
  constructor(private readonly sql: Sql) {}

  page(status: TenantStatus | undefined, page: PageRequest): Promise<Page<Tenant>> {
    const query = this.sql.manager.createQueryBuilder(Tenant, 't').where('t.purged_at is null');
    if (status !== undefined) query.andWhere('t.status = :status', { status });
    return pageOfQuery(query, page);
  }

  find(id: string): Promise<Tenant | undefined> {
    return this.sql.row<Tenant>('select * from tenants where id = $1 and purged_at is null', [id]);
  }

  lock(id: string): Promise<Tenant | undefined> {
    return this.sql.row<Tenant>('select * from tenants where id = $1 and purged_at is null for update', [id]);
  }

  lockPurgedToo(id: string): Promise<Pick<Tenant, 'id' | 'slug' | 'name'> | undefined> {
    return this.sql.row('select id, slug, name from tenants where id = $1 for update', [id]);
  }

  /** For good: what is left of it has no name. */
  async close(id: string, name: string): Promise<void> {
    await this.sql.execute(
      `update tenants set slug = 'erased-' || id, name = $2, plan = 'free', limits = '{}', status = 'suspended', suspended_reason = null, purged_at = now(), revision = revision + 1, updated_at = now() where id = $1`,
      [id, name],
    );
  }

  async insert(tenant: { id: string; slug: string; name: string; plan: string }): Promise<Tenant> {
    const rows = await this.sql.rows<Tenant>('insert into tenants (id, slug, name, plan) values ($1, $2, $3, $4) returning *', [
      tenant.id,
      tenant.slug,
      tenant.name,
      tenant.plan,
    ]);
    return rows[0] as Tenant;
  }

  async update(id: string, { name, plan, limits, status, suspended_reason }: TenantState): Promise<Tenant> {
    const rows = await this.sql.rows<Tenant>(
      `update tenants set name = $2, plan = $3, limits = $4::jsonb, status = $5, suspended_reason = $6, revision = revision + 1, updated_at = now() where id = $1 returning *`,
      [id, name, plan, JSON.stringify(limits), status, suspended_reason],
    );
    return rows[0] as Tenant;
  }
}
