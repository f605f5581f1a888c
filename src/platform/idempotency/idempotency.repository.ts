import { Injectable } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Problem } from '../../core/problem.js';
import { Sql } from '../database/sql.js';

export interface StoredRequest {
  request_hash: Buffer;
  state: 'running' | 'done';
  owner: string;
  status: number | null;
  body: Buffer | null;
  expired: boolean;
}

/** How long a first request may run before another with its key may take over. */
const LOCK_SECONDS = 60;
const MOST_TRIES = 5;

/** Rows of `idempotency_keys`; the tenant is the transaction's. */
@Injectable()
export class IdempotencyRepository {
  constructor(private readonly sql: Sql) {}

  /**
   * Makes the row when there is none, in a transaction of its own, so that others see it at once.
   * @returns the row of another request; undefined when the row is this caller's
   */
  @Transactional()
  async begin(tenantId: string, keyHash: Buffer, requestHash: Buffer, owner: string): Promise<StoredRequest | undefined> {
    // The other request may fail, and its row be gone, between the two statements.
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      if (await this.insert(tenantId, keyHash, requestHash, owner)) return undefined;
      const stored = await this.find(tenantId, keyHash);
      if (stored) return stored;
    }
    throw new Problem('idempotency_in_progress', { retryAt: new Date(Date.now() + 1000) });
  }

  /** Takes over from a request whose process died. @returns whether this caller is the one who did */
  @Transactional()
  async takeOver(tenantId: string, keyHash: Buffer, owner: string): Promise<boolean> {
    const changed = await this.sql.execute(
      `update idempotency_keys set owner = $3, locked_until = now() + make_interval(secs => $4)
       where tenant_id = $1 and key_hash = $2 and state = 'running' and locked_until < now()`,
      [tenantId, keyHash, owner, LOCK_SECONDS],
    );
    return changed > 0;
  }

  /** Stores the answer in the running transaction. @returns false when another has taken over */
  async finish(tenantId: string, keyHash: Buffer, owner: string, status: number, body: Buffer): Promise<boolean> {
    const changed = await this.sql.execute(
      `update idempotency_keys set state = 'done', status = $4, body = $5 where tenant_id = $1 and key_hash = $2 and owner = $3 and state = 'running'`,
      [tenantId, keyHash, owner, status, body],
    );
    return changed > 0;
  }

  @Transactional()
  async finishAlone(tenantId: string, keyHash: Buffer, owner: string, status: number, body: Buffer): Promise<void> {
    await this.finish(tenantId, keyHash, owner, status, body);
  }

  /** Forgets a request that failed on our side, so that the same key may be tried again. */
  @Transactional()
  async abandon(tenantId: string, keyHash: Buffer, owner: string): Promise<void> {
    await this.sql.execute(`delete from idempotency_keys where tenant_id = $1 and key_hash = $2 and owner = $3 and state = 'running'`, [tenantId, keyHash, owner]);
  }

  private async insert(tenantId: string, keyHash: Buffer, requestHash: Buffer, owner: string): Promise<boolean> {
    const inserted = await this.sql.execute(
      `insert into idempotency_keys (tenant_id, key_hash, request_hash, state, owner, locked_until)
       values ($1, $2, $3, 'running', $4, now() + make_interval(secs => $5)) on conflict do nothing`,
      [tenantId, keyHash, requestHash, owner, LOCK_SECONDS],
    );
    return inserted > 0;
  }

  private find(tenantId: string, keyHash: Buffer): Promise<StoredRequest | undefined> {
    return this.sql.row<StoredRequest>(
      `select request_hash, state, owner, status, body, locked_until < now() as expired from idempotency_keys where tenant_id = $1 and key_hash = $2`,
      [tenantId, keyHash],
    );
  }
}
