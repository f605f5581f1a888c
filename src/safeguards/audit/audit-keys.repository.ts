import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import { ADVISORY_LOCKS } from '../../platform/database/advisory-locks.js';
import { SystemDatabase } from '../../platform/database/system-database.js';

export type AuditKeyPurpose = 'checkpoint' | 'label';

/** A key as it is stored. One that is used no more has lost its secret. */
export interface AuditKeyRow {
  id: string;
  purpose: AuditKeyPurpose;
  public_key: Buffer | null;
  sealed_key: Buffer | null;
  /** The public key once more, as only this installation can write it; for those without a secret. */
  sealed_public: Buffer | null;
  handover: string | null;
}

export type HeldKeyRow = AuditKeyRow & { sealed_key: Buffer };

const COLUMNS = 'id, purpose, public_key, sealed_key, sealed_public, handover';
const INSERT = `insert into audit_keys (${COLUMNS}) select $1::uuid, $2::text, $3::bytea, $4::bytea, $5::bytea, $6::text`;
/** Now; or as late as the newest checkpoint, where the clock was set back a little since that was signed. */
const AFTER_ALL = `select greatest(clock_timestamp(), (
  select max(c.created_at) from audit_trees t join audit_checkpoints c on c.tenant_id = t.tenant_id and c.size = t.size where c.created_at < clock_timestamp() + interval '1 hour')) as time`;
const valuesOf = (row: AuditKeyRow): unknown[] => [row.id, row.purpose, row.public_key, row.sealed_key, row.sealed_public, row.handover];

/** Rows of `audit_keys`. Whoever writes the database can add some: none is believed for being there. */
@Injectable()
export class AuditKeysRepository {
  constructor(private readonly database: SystemDatabase) {}

  /** Those that are used, and those that were, the oldest first. */
  all(purpose: AuditKeyPurpose): Promise<AuditKeyRow[]> {
    return this.database.query<AuditKeyRow>(`select ${COLUMNS} from audit_keys where purpose = $1 order by created_at, id`, [purpose]);
  }

  /** Of several processes that start at once, one makes it for all. */
  async insertFirst(row: HeldKeyRow): Promise<void> {
    await this.database.transaction(async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCKS.auditKeys]);
      await client.query(`${INSERT} where not exists (select from audit_keys where purpose = $2 and sealed_key is not null)`, valuesOf(row));
    });
  }

  /**
   * Puts one key in the place of another, in the caller's transaction. No batch is being sealed meanwhile, and none that is begun later is
   * signed with the one before.
   * @param next given the time of it, by the clock that checkpoints have theirs from: nothing that the old key signed says a later one
   * @returns that time; undefined when the old key is in use no more
   */
  async replace(client: pg.ClientBase, old: { id: string; sealed_public: Buffer }, next: (time: Date) => HeldKeyRow): Promise<Date | undefined> {
    await client.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCKS.auditKeys]);
    await client.query('select 1 from audit_sequencer for update');
    const { rowCount } = await client.query('update audit_keys set sealed_key = null, sealed_public = $2 where id = $1 and sealed_key is not null', [old.id, old.sealed_public]);
    if (rowCount !== 1) return undefined;
    const { rows: [now] } = await client.query<{ time: Date }>(AFTER_ALL);
    if (now) await client.query(INSERT, valuesOf(next(now.time)));
    return now?.time;
  }

  /** Whether a key signs still, as the caller's transaction sees it. */
  async isHeld(client: pg.ClientBase, id: string): Promise<boolean> {
    const { rowCount } = await client.query('select 1 from audit_keys where id = $1 and sealed_key is not null', [id]);
    return rowCount === 1;
  }
}
