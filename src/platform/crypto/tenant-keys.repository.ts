import { Injectable } from '@nestjs/common';
import { Sql } from '../database/sql.js';
import { SystemDatabase } from '../database/system-database.js';
import type { KeySubject } from './tenant-cipher.js';

/** A tenant's key as it is stored: wrapped, or destroyed. */
export interface TenantKeyRow {
  tenant_id: string;
  id: string;
  subject_type: KeySubject['type'];
  subject_id: string;
  wrapped: Buffer | null;
  master_key_id: string;
}

/** A key that is no more. */
export interface DestroyedKey {
  id: string;
  subject_type: KeySubject['type'];
  subject_id: string;
  destroyed_at: Date;
}

const COLUMNS = 'tenant_id, id, subject_type, subject_id, wrapped, master_key_id';

/**
 * Rows of `tenant_keys`. They are read and made beside the caller's transaction: a key that sealed something must not go
 * with a rollback. They are destroyed in it.
 */
@Injectable()
export class TenantKeysRepository {
  constructor(
    private readonly database: SystemDatabase,
    private readonly sql: Sql,
  ) {}

  async ofSubject(tenantId: string, { type, id }: KeySubject): Promise<TenantKeyRow | undefined> {
    const rows = await this.database.query<TenantKeyRow>(
      `select ${COLUMNS} from tenant_keys where tenant_id = $1 and subject_type = $2 and subject_id = $3 and destroyed_at is null`,
      [tenantId, type, id],
    );
    return rows[0];
  }

  async byId(tenantId: string, id: string): Promise<TenantKeyRow | undefined> {
    return (await this.database.query<TenantKeyRow>(`select ${COLUMNS} from tenant_keys where tenant_id = $1 and id = $2`, [tenantId, id]))[0];
  }

  /** The master key that new keys are wrapped under now, the same for all processes. */
  async currentMasterId(): Promise<string> {
    const rows = await this.database.query<{ id: string }>('select id from master_keys where retiring_at is null');
    if (!rows[0]) throw new Error('The database names no master key.');
    return rows[0].id;
  }

  /**
   * Adds a key, unless its subject has one already, or had its last one.
   * @returns false when its master key is being retired: a rotation looks for what is under it, and must find all
   */
  async insert(row: TenantKeyRow): Promise<boolean> {
    return this.database.transaction(async (client) => {
      const { rows } = await client.query('select 1 from master_keys where id = $1 and retiring_at is null for share', [row.master_key_id]);
      if (rows.length === 0) return false;
      await client.query(
        `insert into tenant_keys (${COLUMNS}) select $1::uuid, $2::uuid, $3, $4::uuid, $5::bytea, $6
         where not exists (
           select from tenant_keys last where last.tenant_id = $1 and last.final and ((last.subject_type = $3 and last.subject_id = $4) or (last.subject_type = 'tenant' and last.subject_id = $1))
         )
         on conflict (tenant_id, subject_type, subject_id) where destroyed_at is null do nothing`,
        [row.tenant_id, row.id, row.subject_type, row.subject_id, row.wrapped, row.master_key_id],
      );
      return true;
    });
  }

  /** In the caller's transaction. @param forGood whether the subject gets no other @returns how many there were */
  destroy(tenantId: string, subject: KeySubject | 'all', forGood = false): Promise<number> {
    return this.sql.execute(
      `update tenant_keys set wrapped = null, destroyed_at = clock_timestamp(), final = $4 where ${OF_SUBJECT} and destroyed_at is null`,
      [...valuesOf(tenantId, subject), forGood],
    );
  }

  async destroyed(tenantId: string, subject: KeySubject | 'all'): Promise<DestroyedKey[]> {
    return this.database.query<DestroyedKey>(
      `select id, subject_type, subject_id, destroyed_at from tenant_keys where ${OF_SUBJECT} and destroyed_at is not null order by destroyed_at, id`,
      valuesOf(tenantId, subject),
    );
  }
}

const OF_SUBJECT = 'tenant_id = $1 and ($2::text is null or (subject_type = $2 and subject_id = $3::uuid))';

const valuesOf = (tenantId: string, subject: KeySubject | 'all'): unknown[] => [tenantId, ...(subject === 'all' ? [null, null] : [subject.type, subject.id])];
