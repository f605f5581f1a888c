import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { Secret } from './secret.entity.js';

export type NewSecret = Pick<
  Secret,
  'tenant_id' | 'id' | 'name' | 'category' | 'description' | 'version' | 'expires_at' | 'rotate_every_days' | 'grace_seconds' | 'generator' | 'outbound_origins' | 'created_by_kind' | 'created_by_id'
>;
export type SecretPatch = Partial<Pick<Secret, 'name' | 'category' | 'description' | 'version' | 'expires_at' | 'rotate_every_days' | 'grace_seconds' | 'generator' | 'outbound_origins'>>;

const NEW_COLUMNS = [
  'tenant_id', 'id', 'name', 'category', 'description', 'version', 'expires_at', 'rotate_every_days', 'grace_seconds', 'generator', 'outbound_origins', 'created_by_kind', 'created_by_id',
] as const satisfies readonly (keyof NewSecret)[];
/** Most tenants that one round of the rotation visits. */
const TENANTS_AT_ONCE = 200;
const SECRETS_AT_ONCE = 50;

const stored = (row: Partial<NewSecret>, column: keyof NewSecret): unknown => (column === 'generator' && row.generator ? JSON.stringify(row.generator) : row[column]);

/** The secrets of a tenant that its plan counts. */
export const COUNTED_SECRETS = 'from secrets where tenant_id = $1';

/** Rows of `secrets`. Whether something has run out is decided by the database's clock. */
@Injectable()
export class SecretsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  async insert(row: NewSecret): Promise<void> {
    await this.sql.execute(
      `insert into secrets (${NEW_COLUMNS.join(', ')}, next_rotation_at)
       values (${NEW_COLUMNS.map((_, index) => `$${index + 1}`).join(', ')}, clock_timestamp() + make_interval(days => $8::int))`,
      NEW_COLUMNS.map((column) => stored(row, column)),
    );
  }

  find(tenantId: string, id: string): Promise<Secret | null> {
    return this.of(tenantId).andWhere('secret.id = :id', { id }).getOne();
  }

  findByName(tenantId: string, name: string): Promise<Secret | null> {
    return this.of(tenantId).andWhere('secret.name = :name', { name }).getOne();
  }

  lock(tenantId: string, id: string): Promise<Secret | null> {
    return this.of(tenantId).andWhere('secret.id = :id', { id }).setLock('pessimistic_write').getOne();
  }

  page(tenantId: string, category: string | undefined, request: PageRequest): Promise<Page<Secret>> {
    const query = this.of(tenantId);
    if (category !== undefined) query.andWhere('secret.category = :category', { category });
    return pageOfQuery(query, request);
  }

  expiring(tenantId: string, days: number, request: PageRequest): Promise<Page<Secret>> {
    return pageOfQuery(this.of(tenantId).andWhere('secret.expires_at <= clock_timestamp() + make_interval(days => :days::int)', { days }), request);
  }

  async isExpired(tenantId: string, id: string): Promise<boolean> {
    return (await this.sql.row('select 1 from secrets where tenant_id = $1 and id = $2 and expires_at <= clock_timestamp()', [tenantId, id])) !== undefined;
  }

  /** @param rotated whether its value changed: the clock of its rotation begins anew */
  async update(tenantId: string, id: string, patch: SecretPatch, rotated: boolean): Promise<void> {
    const columns = Object.keys(patch) as (keyof SecretPatch)[];
    const rotation = rotated || 'rotate_every_days' in patch;
    await this.sql.execute(
      `update secrets set ${columns.map((column, index) => `${column} = $${index + 3}, `).join('')}revision = revision + 1, updated_at = clock_timestamp()
         ${rotated ? ', rotated_at = clock_timestamp()' : ''} where tenant_id = $1 and id = $2`,
      [tenantId, id, ...columns.map((column) => stored(patch, column))],
    );
    if (rotation) {
      await this.sql.execute('update secrets set next_rotation_at = rotated_at + make_interval(days => rotate_every_days), rotation_failures = 0, rotation_error = null where tenant_id = $1 and id = $2', [tenantId, id]);
    }
  }

  async delete(tenantId: string, id: string): Promise<void> {
    await this.sql.execute('delete from secrets where tenant_id = $1 and id = $2', [tenantId, id]);
  }

  /** Secrets of the tenant whose rotation is due. */
  async due(tenantId: string): Promise<string[]> {
    const rows = await this.sql.rows<{ id: string }>('select id from secrets where tenant_id = $1 and next_rotation_at <= clock_timestamp() order by next_rotation_at limit $2', [tenantId, SECRETS_AT_ONCE]);
    return rows.map(({ id }) => id);
  }

  async isDue(tenantId: string, id: string): Promise<boolean> {
    return (await this.sql.row('select 1 from secrets where tenant_id = $1 and id = $2 and next_rotation_at <= clock_timestamp()', [tenantId, id])) !== undefined;
  }

  /** Puts a rotation off that failed: from two minutes on, each time for twice as long, up to an hour. @returns how often it has failed in a row */
  async putOff(tenantId: string, id: string, error: string): Promise<number | undefined> {
    const row = await this.sql.row<{ failures: number }>(
      `update secrets set rotation_failures = rotation_failures + 1, rotation_error = $3, revision = revision + 1, updated_at = clock_timestamp(),
         next_rotation_at = clock_timestamp() + least(interval '1 hour', interval '2 minutes' * 2 ^ least(rotation_failures, 10))
       where tenant_id = $1 and id = $2 and next_rotation_at <= clock_timestamp() returning rotation_failures as failures`,
      [tenantId, id, error],
    );
    return row?.failures;
  }

  /** Tenants that have such secrets, and work. */
  async tenantsWithDue(): Promise<string[]> {
    const rows = await this.database.query<{ tenant_id: string }>(
      `select distinct secret.tenant_id from secrets secret join tenants on tenants.id = secret.tenant_id and tenants.status = 'active'
       where secret.next_rotation_at <= clock_timestamp() limit $1`,
      [TENANTS_AT_ONCE],
    );
    return rows.map((row) => row.tenant_id);
  }

  private of(tenantId: string) {
    return this.sql.manager.createQueryBuilder(Secret, 'secret').where('secret.tenant_id = :tenantId', { tenantId });
  }
}
