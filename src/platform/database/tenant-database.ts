import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { isId } from '../../core/ids.js';
import { asNamed, isPlanOutdated, type Prepared } from './prepared.js';
import { retryConflicts } from './retry-conflicts.js';
import { inTransaction, type Work } from './system-database.js';

/** One statement with its values. */
export interface Statement {
  statement: Prepared | string;
  values: unknown[];
}

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
  async transaction<T>(tenantId: string, work: Work<T>): Promise<T> {
    return inTransaction(this.pool, beginFor(tenantId), work);
  }

  /** Runs one statement in a transaction of its own. */
  async statement<T extends object>(tenantId: string, statement: Prepared | string, values: unknown[]): Promise<T[]> {
    const [rows] = await this.statements(tenantId, [{ statement, values }]);
    return rows as T[];
  }

  /**
   * Runs statements that do not depend on each other in a transaction of their own. Begin, statements and commit leave
   * in one message (the pool's connections pipeline), so all of it is one round trip.
   * @returns the rows of each
   */
  statements(tenantId: string, statements: readonly Statement[]): Promise<object[][]> {
    return retryConflicts(() => this.tryStatements(tenantId, statements));
  }

  private async tryStatements(tenantId: string, statements: readonly Statement[]): Promise<object[][]> {
    const opening = beginFor(tenantId);
    const client = await this.pool.connect();
    const sent = [opening, ...statements.map(({ statement, values }) => ({ ...asNamed(statement), values })), 'commit'].map((query) => client.query<object>(query));
    const settled = await Promise.allSettled(sent);
    const rejected = settled.filter((outcome) => outcome.status === 'rejected');
    // After a failed statement the commit is a rollback and succeeds; when it fails too, the connection is unusable.
    client.release(settled.at(-1)?.status === 'rejected' || rejected.some(({ reason }) => isPlanOutdated(reason)));
    // What follows a statement that failed fails too, and says less.
    if (rejected[0]) throw rejected[0].reason;
    return settled.slice(1, -1).map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.rows : []));
  }

  /**
   * Like `transaction`, with rows of a table held from its first round trip on. What `work` reads is younger than the
   * lock; rows are taken in the order of their ids, so that two holders never wait for each other.
   */
  async transactionHolding<T>(tenantId: string, table: 'agents', ids: readonly string[], work: Work<T>): Promise<T> {
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
