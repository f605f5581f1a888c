import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { isId } from '../../core/ids.js';
import { retryConflicts } from './retry-conflicts.js';
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
    return inTransaction(this.pool, beginFor(tenantId), work);
  }

  /**
   * Runs one statement in a transaction of its own. Begin, statement and commit leave together (the pool's connections
   * pipeline), so all of it is one round trip.
   */
  statement<T extends object>(tenantId: string, text: string, values: unknown[]): Promise<T[]> {
    return retryConflicts(() => this.tryStatement<T>(tenantId, text, values));
  }

  private async tryStatement<T extends object>(tenantId: string, text: string, values: unknown[]): Promise<T[]> {
    const opening = beginFor(tenantId);
    const client = await this.pool.connect();
    const [begun, result, committed] = await Promise.allSettled([client.query(opening), client.query(text, values), client.query('commit')]);
    // After a failed statement the commit is a rollback and succeeds; when it fails too, the connection is unusable.
    client.release(committed.status === 'rejected');
    if (result.status === 'rejected') throw result.reason;
    if (begun.status === 'rejected') throw begun.reason;
    if (committed.status === 'rejected') throw committed.reason;
    return result.value.rows as T[];
  }

  /**
   * Like `transaction`, with rows of a table held from its first round trip on. What `work` reads is younger than the
   * lock; rows are taken in the order of their ids, so that two holders never wait for each other.
   */
  async transactionHolding<T>(tenantId: string, table: 'agents', ids: readonly string[], work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (!ids.every(isId)) throw new Error('Row ids must be UUIDs.');
    const hold = `select 1 from ${table} where tenant_id = '${tenantId}' and id in (${ids.map((id) => `'${id}'`).join(', ')}) order by id for no key update`;
    return inTransaction(this.pool, `${beginFor(tenantId)}; ${hold}`, work);
  }
}

/** Whatever the server's default is: everything here is written for this level. */
export const BEGIN = 'begin isolation level read committed';

/** The id becomes part of the statement's text, because a batch of statements takes no parameters: so it must be one. */
export function beginFor(tenantId: string): string {
  if (!isId(tenantId)) throw new Error('A tenant id must be a UUID.');
  return `${BEGIN}; set local app.tenant_id = '${tenantId}'`;
}
