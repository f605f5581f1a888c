import { Injectable } from '@nestjs/common';
import { TransactionHost } from '@nestjs-cls/transactional';
import type { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import type { Client, PoolClient, QueryResult } from 'pg';
import type { EntityManager } from 'typeorm';
import { asNamed, isPlanOutdated, type Prepared } from './prepared.js';
import { assertNotOver } from './transaction-scope.js';

/** Plain SQL in the request's transaction, for repositories. Outside of one it sees no tenant's rows. */
@Injectable()
export class Sql {
  constructor(private readonly host: TransactionHost<TransactionalAdapterTypeOrm>) {}

  /** The transaction's entity manager. */
  get manager(): EntityManager {
    assertNotOver();
    return this.host.tx;
  }

  async rows<T extends object>(statement: Prepared | string, values: unknown[] = []): Promise<T[]> {
    return (await this.run<T>(statement, values)).rows;
  }

  /** The first row, or undefined. */
  async row<T extends object>(statement: Prepared | string, values: unknown[] = []): Promise<T | undefined> {
    return (await this.rows<T>(statement, values))[0];
  }

  /** The number of rows that were changed. */
  async execute(statement: Prepared | string, values: unknown[] = []): Promise<number> {
    return (await this.run(statement, values)).rowCount ?? 0;
  }

  private async run<T extends object>(statement: Prepared | string, values: unknown[]): Promise<QueryResult<T>> {
    assertNotOver();
    const runner = this.host.tx.queryRunner ?? this.host.tx.dataSource.createQueryRunner();
    try {
      const client = (await runner.connect()) as PoolClient;
      return await client.query<T>({ ...asNamed(statement), values }).catch((error: unknown) => {
        // Ended here, it is not used again: the pool makes another.
        if (isPlanOutdated(error)) void (client as unknown as Client).end();
        throw error;
      });
    } finally {
      if (!this.host.tx.queryRunner) await runner.release();
    }
  }
}
