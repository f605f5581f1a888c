import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';
import type { PolicyChoices } from './security-policies.reader.js';

/** A row of `security_policies`. Its id is the tenant's: a tenant has one. */
export type PolicyRow = PolicyChoices & { id: string; revision: number; updated_at: Date };

const COLUMNS = 'tenant_id as id, mfa, sso, session, password, lockout, revision, updated_at';

/** The security policy of the context's tenant. */
@Injectable()
export class AccessPolicyRepository {
  constructor(
    private readonly sql: Sql,
    private readonly context: RequestContext,
  ) {}

  find(): Promise<PolicyRow | undefined> {
    return this.sql.row<PolicyRow>(`select ${COLUMNS} from security_policies where tenant_id = $1`, [this.context.tenantId]);
  }

  /** The row, locked; made when there is none, so that of two first changes one waits for the other. */
  async lock(): Promise<PolicyRow> {
    await this.sql.execute('insert into security_policies (tenant_id) values ($1) on conflict do nothing', [this.context.tenantId]);
    const row = await this.sql.row<PolicyRow>(`select ${COLUMNS} from security_policies where tenant_id = $1 for update`, [this.context.tenantId]);
    return row as PolicyRow;
  }

  async update({ mfa, sso, session, password, lockout }: PolicyChoices): Promise<PolicyRow> {
    const row = await this.sql.row<PolicyRow>(
      `update security_policies set mfa = $2, sso = $3, session = $4, password = $5, lockout = $6, revision = revision + 1, updated_at = now()
       where tenant_id = $1 returning ${COLUMNS}`,
      [this.context.tenantId, ...[mfa, sso, session, password, lockout].map((group) => JSON.stringify(group))],
    );
    return row as PolicyRow;
  }

  /** Whether the account can get in when the provider of single sign-on is away. Held, so that it stays so until the commit. */
  async canBreakGlass(userId: string): Promise<boolean> {
    const rows = await this.sql.rows(
      `select 1 from users where tenant_id = $1 and id = $2 and is_active and role = 'admin' and password_hash is not null for share`,
      [this.context.tenantId, userId],
    );
    return rows.length > 0;
  }
}
