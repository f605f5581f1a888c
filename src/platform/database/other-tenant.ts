import { Injectable } from '@nestjs/common';
import { RequestContext } from '../context/request-context.js';
import { Sql } from './sql.js';

/**
 * Acts for a second tenant in one transaction: the operator who makes a tenant makes its first account with it, and
 * either both are there or neither. Row-level security sees the other tenant meanwhile. Audit rows stay the operator's: the new
 * tenant has no key yet that one could be sealed under.
 */
@Injectable()
export class OtherTenant {
  constructor(
    private readonly sql: Sql,
    private readonly context: RequestContext,
  ) {}

  /** Runs `work` in the running transaction as in one of `tenantId`. What fails takes the whole transaction with it. */
  async actFor<T>(tenantId: string, work: () => Promise<T>): Promise<T> {
    const own = this.context.tenantId;
    await this.seeAs(tenantId);
    try {
      const result = await work();
      await this.seeAs(own);
      return result;
    } finally {
      this.context.set('tenantId', own);
    }
  }

  private async seeAs(tenantId: string): Promise<void> {
    await this.sql.execute(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
    this.context.set('tenantId', tenantId);
  }
}
