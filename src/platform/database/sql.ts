import { Injectable } from '@nestjs/common';
import { TransactionHost } from '@nestjs-cls/transactional';
import type { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import type { EntityManager } from 'typeorm';

/** Plain SQL in the request's transaction, for repositories. Outside of one it sees no tenant's rows. */
@Injectable()
export class Sql {
  constructor(private readonly host: TransactionHost<TransactionalAdapterTypeOrm>) {}

  /** The transaction's entity manager. */
  get manager(): EntityManager {
    return this.host.tx;
  }

  async rows<T extends object>(text: string, values: unknown[] = []): Promise<T[]> {
    const result: unknown = await this.run(text, values);
    return (result as { records: T[] }).records ?? [];
  }

  /** The first row, or undefined. */
  async row<T extends object>(text: string, values: unknown[] = []): Promise<T | undefined> {
    return (await this.rows<T>(text, values))[0];
  }

  /** The number of rows that were changed. */
  async execute(text: string, values: unknown[] = []): Promise<number> {
    const result: unknown = await this.run(text, values);
    return (result as { affected?: number }).affected ?? 0;
  }

  private async run(text: string, values: unknown[]): Promise<unknown> {
    const runner = this.host.tx.queryRunner ?? this.host.tx.dataSource.createQueryRunner();
    try {
      return await runner.query(text, values, true);
    } finally {
      if (!this.host.tx.queryRunner) await runner.release();
    }
  }
}
