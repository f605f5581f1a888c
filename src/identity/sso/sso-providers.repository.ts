import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { SsoProvider } from './sso-provider.entity.js';

const COLUMNS =
  'tenant_id, id, name, issuer, client_id, client_secret, scopes, signing_algorithm, is_active, create_users, allowed_domains, group_claim, role_mappings, default_role, revision, created_at, updated_at';

export type ProviderFields = Omit<SsoProvider, 'tenant_id' | 'id' | 'revision' | 'created_at' | 'updated_at'>;

/** Rows of `sso_providers`. */
@Injectable()
export class SsoProvidersRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
    private readonly context: RequestContext,
  ) {}

  /** Before the tenant is known: a provider that may be used now. */
  async usable(id: string): Promise<SsoProvider | undefined> {
    const rows = await this.database.query<SsoProvider>(
      `select ${COLUMNS.split(', ').map((column) => `p.${column}`).join(', ')} from sso_providers p join tenants t on t.id = p.tenant_id
       where p.id = $1 and p.is_active and t.status = 'active'`,
      [id],
    );
    return rows[0];
  }

  /** Before the tenant is known: what a sign-in page offers. */
  offered(tenantId: string): Promise<{ id: string; name: string }[]> {
    return this.database.query<{ id: string; name: string }>(
      `select p.id, p.name from sso_providers p join tenants t on t.id = p.tenant_id
       where p.tenant_id = $1 and p.is_active and t.status = 'active' order by p.id limit 100`,
      [tenantId],
    );
  }

  page(page: PageRequest): Promise<Page<SsoProvider>> {
    return pageOfQuery(this.sql.manager.createQueryBuilder(SsoProvider, 'p').where('p.tenant_id = :tenantId', { tenantId: this.context.tenantId }), page);
  }

  find(id: string): Promise<SsoProvider | undefined> {
    return this.sql.row<SsoProvider>(`select ${COLUMNS} from sso_providers where tenant_id = $1 and id = $2`, [this.context.tenantId, id]);
  }

  lock(id: string): Promise<SsoProvider | undefined> {
    return this.sql.row<SsoProvider>(`select ${COLUMNS} from sso_providers where tenant_id = $1 and id = $2 for update`, [this.context.tenantId, id]);
  }

  async insert(id: string, fields: ProviderFields): Promise<SsoProvider> {
    const rows = await this.sql.rows<SsoProvider>(
      `insert into sso_providers (tenant_id, id, name, issuer, client_id, client_secret, scopes, signing_algorithm, is_active, create_users, allowed_domains, group_claim, role_mappings, default_role)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning ${COLUMNS}`,
      [this.context.tenantId, id, ...this.values(fields)],
    );
    return rows[0] as SsoProvider;
  }

  async update(id: string, fields: ProviderFields): Promise<SsoProvider> {
    const rows = await this.sql.rows<SsoProvider>(
      `update sso_providers set name = $3, issuer = $4, client_id = $5, client_secret = $6, scopes = $7, signing_algorithm = $8, is_active = $9, create_users = $10,
         allowed_domains = $11, group_claim = $12, role_mappings = $13, default_role = $14, revision = revision + 1, updated_at = now()
       where tenant_id = $1 and id = $2 returning ${COLUMNS}`,
      [this.context.tenantId, id, ...this.values(fields)],
    );
    return rows[0] as SsoProvider;
  }

  /** Sign-ins that are under way with it go with it. */
  async remove(id: string): Promise<void> {
    await this.sql.execute('delete from sso_providers where tenant_id = $1 and id = $2', [this.context.tenantId, id]);
  }

  private values(fields: ProviderFields): unknown[] {
    return [
      fields.name,
      fields.issuer,
      fields.client_id,
      fields.client_secret,
      fields.scopes,
      fields.signing_algorithm,
      fields.is_active,
      fields.create_users,
      fields.allowed_domains,
      fields.group_claim,
      JSON.stringify(fields.role_mappings),
      fields.default_role,
    ];
  }
}
