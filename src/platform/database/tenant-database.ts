import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { isId } from '../../core/ids.js';
import { inTransaction } from './system-database.js';

/**
 * The hot paths' way to the database: plain SQL on a pooled connection of the running role, in a transaction whose
 * tenant is set in the same round trip that begins it. Everything else uses `@Transactional()` and `Sql`.
 */
@Injectable()
export class TenantDatabase {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** The running role's pool, for metrics. */
  get pool(): pg.Pool {
    return (this.dataSource.driver as unknown as { master: pg.Pool }).master;
  }

  /** Runs `work` in one transaction that sees `tenantId` alone. */
  async transaction<T>(tenantId: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    // The id becomes part of the statement's text: a batch of two statements takes no parameters.
    if (!isId(tenantId)) throw new Error('A tenant id must be a UUID.');
    return inTransaction(this.pool, `begin; set local app.tenant_id = '${tenantId}'`, work);
  }
}
