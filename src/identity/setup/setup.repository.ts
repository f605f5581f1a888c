import { Injectable } from '@nestjs/common';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';

/** The one row of `installation`, as far as setup goes. */
@Injectable()
export class SetupRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  async state(): Promise<{ done: boolean; tokenHash: Buffer | null }> {
    const rows = await this.database.query<{ done: boolean; token_hash: Buffer | null }>(
      'select setup_completed_at is not null as done, setup_token_hash as token_hash from installation',
    );
    return { done: rows[0]?.done ?? false, tokenHash: rows[0]?.token_hash ?? null };
  }

  /** @returns whether setup still waits for it */
  async keepToken(hash: Buffer | null): Promise<boolean> {
    return (await this.database.execute('update installation set setup_token_hash = $1 where setup_completed_at is null', [hash])) > 0;
  }

  /** In the running transaction of the operator tenant. @returns whether this is the one that completes it */
  async complete(): Promise<boolean> {
    return (
      (await this.sql.execute(
        'update installation set setup_completed_at = now(), setup_token_hash = null where setup_completed_at is null',
      )) > 0
    );
  }
}
