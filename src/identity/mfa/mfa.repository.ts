import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../platform/context/request-context.js';
import { Sql } from '../../platform/database/sql.js';
import { networkOf } from '../../platform/networks/ip-ranges.js';

/** A second factor as it is stored, and the database's time, which decides what a code is worth. */
export interface StoredFactor {
  sealed_secret: Buffer;
  enabled_at: Date | null;
  now: Date;
}

/** Minutes for which a secret waits for its first code. */
const SETUP_MINUTES = 15;

/** Rows of `user_mfa` and `mfa_recovery_codes`, of the context's tenant. */
@Injectable()
export class MfaRepository {
  constructor(
    private readonly sql: Sql,
    private readonly context: RequestContext,
  ) {}

  find(userId: string): Promise<StoredFactor | undefined> {
    return this.sql.row<StoredFactor>('select sealed_secret, enabled_at, clock_timestamp() as now from user_mfa where tenant_id = $1 and user_id = $2', [
      this.context.tenantId,
      userId,
    ]);
  }

  /** Counts a code before it is checked. @returns the factor, and how many were tried since the last right one, this one among them */
  tryCode(userId: string): Promise<(StoredFactor & { codes_tried: number }) | undefined> {
    return this.sql.row<StoredFactor & { codes_tried: number }>(
      `update user_mfa set codes_tried = least(codes_tried + 1, 1000000) where tenant_id = $1 and user_id = $2
       returning sealed_secret, enabled_at, clock_timestamp() as now, codes_tried`,
      [this.context.tenantId, userId],
    );
  }

  /** Whether the person was signed in from a network before. */
  async isKnownNetwork(userId: string, ip: string): Promise<boolean> {
    const row = await this.sql.row<{ known: boolean }>('select exists (select from sessions where tenant_id = $1 and user_id = $2 and ip <<= any($3::inet[])) as known', [
      this.context.tenantId,
      userId,
      [ip, networkOf(ip)],
    ]);
    return row?.known ?? false;
  }

  async forgetTries(userId: string): Promise<void> {
    await this.sql.execute('update user_mfa set codes_tried = 0 where tenant_id = $1 and user_id = $2 and codes_tried > 0', [this.context.tenantId, userId]);
  }

  async codesLeft(userId: string): Promise<number> {
    const row = await this.sql.row<{ left: number }>('select count(*)::integer as left from mfa_recovery_codes where tenant_id = $1 and user_id = $2 and used_at is null', [
      this.context.tenantId,
      userId,
    ]);
    return row?.left ?? 0;
  }

  /** Keeps a secret that waits for its first code, in the place of an earlier one. @returns false when a factor is on */
  async keepPending(userId: string, sealedSecret: Buffer): Promise<boolean> {
    const kept = await this.sql.execute(
      `insert into user_mfa as m (tenant_id, user_id, sealed_secret) values ($1, $2, $3)
       on conflict (tenant_id, user_id) do update set sealed_secret = excluded.sealed_secret, created_at = now() where m.enabled_at is null`,
      [this.context.tenantId, userId, sealedSecret],
    );
    return kept > 0;
  }

  /** Turns on the factor whose secret the code was of. @returns false when it is on, gone, replaced or too old */
  async enable(userId: string, sealedSecret: Buffer, step: number): Promise<boolean> {
    const enabled = await this.sql.execute(
      `update user_mfa set enabled_at = now(), last_step = $4
       where tenant_id = $1 and user_id = $2 and sealed_secret = $3 and enabled_at is null and created_at > now() - make_interval(mins => $5)`,
      [this.context.tenantId, userId, sealedSecret, step, SETUP_MINUTES],
    );
    return enabled > 0;
  }

  /** Uses up the code of a time step, and of all before it. @returns false when it was used, or the factor is another by now */
  async useStep(userId: string, sealedSecret: Buffer, step: number): Promise<boolean> {
    const used = await this.sql.execute(
      `update user_mfa set last_step = $4 where tenant_id = $1 and user_id = $2 and sealed_secret = $3 and enabled_at is not null and last_step < $4`,
      [this.context.tenantId, userId, sealedSecret, step],
    );
    return used > 0;
  }

  async useRecoveryCode(userId: string, codeHash: Buffer): Promise<boolean> {
    const used = await this.sql.execute(
      `update mfa_recovery_codes set used_at = now() where tenant_id = $1 and user_id = $2 and code_hash = $3 and used_at is null`,
      [this.context.tenantId, userId, codeHash],
    );
    return used > 0;
  }

  async replaceCodes(userId: string, hashes: readonly Buffer[]): Promise<void> {
    await this.sql.execute('delete from mfa_recovery_codes where tenant_id = $1 and user_id = $2', [this.context.tenantId, userId]);
    await this.sql.execute('insert into mfa_recovery_codes (tenant_id, user_id, code_hash) select $1, $2, unnest($3::bytea[])', [
      this.context.tenantId,
      userId,
      hashes,
    ]);
  }

  /** The factor that is on, held until the transaction ends. */
  async lockEnabled(userId: string): Promise<boolean> {
    const rows = await this.sql.rows('select 1 from user_mfa where tenant_id = $1 and user_id = $2 and enabled_at is not null for update', [
      this.context.tenantId,
      userId,
    ]);
    return rows.length > 0;
  }

  /** Holds the account, which every sign-in writes: one that is under way is over, or waits. @returns whether there is one */
  async lockUser(userId: string): Promise<boolean> {
    const rows = await this.sql.rows('select 1 from users where tenant_id = $1 and id = $2 for no key update', [this.context.tenantId, userId]);
    return rows.length > 0;
  }

  /** Takes the factor away, with its recovery codes and the sign-ins that wait for it. @returns whether it was on */
  async remove(userId: string): Promise<boolean> {
    await this.sql.execute('delete from mfa_challenges where tenant_id = $1 and user_id = $2', [this.context.tenantId, userId]);
    const removed = await this.sql.rows<{ enabled: boolean }>('delete from user_mfa where tenant_id = $1 and user_id = $2 returning enabled_at is not null as enabled', [
      this.context.tenantId,
      userId,
    ]);
    return removed[0]?.enabled ?? false;
  }
}
