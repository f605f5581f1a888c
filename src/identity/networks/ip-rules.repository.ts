import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';
import type { IpRule } from './ip-rule.js';

/** A row of `ip_rules`. Its id is the tenant's: a tenant has one. */
export interface IpRulesRow {
  id: string;
  rules: IpRule[];
  revision: number;
  updated_at: Date;
}

const COLUMNS = 'tenant_id as id, rules, revision, updated_at';

/** The rules of the context's tenant. */
@Injectable()
export class IpRulesRepository {
  constructor(
    private readonly sql: Sql,
    private readonly context: RequestContext,
  ) {}

  find(): Promise<IpRulesRow | undefined> {
    return this.sql.row<IpRulesRow>(`select ${COLUMNS} from ip_rules where tenant_id = $1`, [this.context.tenantId]);
  }

  /** The row, locked; made when there is none, so that of two first changes one waits for the other. */
  async lock(): Promise<IpRulesRow> {
    await this.sql.execute('insert into ip_rules (tenant_id) values ($1) on conflict do nothing', [this.context.tenantId]);
    return (await this.sql.row<IpRulesRow>(`select ${COLUMNS} from ip_rules where tenant_id = $1 for update`, [this.context.tenantId])) as IpRulesRow;
  }

  async update(rules: readonly IpRule[]): Promise<IpRulesRow> {
    const row = await this.sql.row<IpRulesRow>(
      `update ip_rules set rules = $2, revision = revision + 1, updated_at = now() where tenant_id = $1 returning ${COLUMNS}`,
      [this.context.tenantId, JSON.stringify(rules)],
    );
    return row as IpRulesRow;
  }
}
