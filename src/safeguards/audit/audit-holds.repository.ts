import { Injectable } from '@nestjs/common';
import type { FindingKind } from '../../core/audit/log-verifier.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import type { Page, PageRequest } from '../../core/page.js';

/** A log that is not sealed any further. */
export interface AuditHold {
  tenant_id: string;
  kind: FindingKind;
  /** Where what was sealed ends, or is another. */
  seq: number;
  detail: string;
  /** The checkpoint that it was measured against. */
  mark: string | null;
  held_at: Date;
}

type StoredHold = Omit<AuditHold, 'seq'> & { seq: string };

const COLUMNS = 'tenant_id, kind, seq::text as seq, detail, mark, held_at';
const toHold = (row: StoredHold): AuditHold => ({ ...row, seq: Number(row.seq) });

/** Holds as the sequencer wrote them, and what the operator accepts. */
@Injectable()
export class AuditHoldsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly tenants: TenantDatabase,
    private readonly database: SystemDatabase,
  ) {}

  async of(tenantId: string): Promise<AuditHold | undefined> {
    const [row] = await this.tenants.statement<StoredHold>(tenantId, `select ${COLUMNS} from audit_holds where tenant_id = $1`, [tenantId]);
    return row && toHold(row);
  }

  /** @param tenantId one alone; undefined for all of them */
  async page(tenantId: string | undefined, { limit, offset }: PageRequest): Promise<Page<AuditHold>> {
    const condition = '($1::uuid is null or tenant_id = $1)';
    const [rows, [counted]] = await Promise.all([
      this.database.query<StoredHold>(`select ${COLUMNS} from audit_holds where ${condition} order by tenant_id limit $2 offset $3`, [tenantId ?? null, limit, offset]),
      this.database.query<{ total: number }>(`select count(*)::int as total from audit_holds where ${condition}`, [tenantId ?? null]),
    ]);
    return { items: rows.map(toHold), total: counted?.total ?? 0, limit, offset, next_cursor: null };
  }

  /** By the clock that checkpoints have their times from. */
  async now(): Promise<Date> {
    const [row] = await this.database.query<{ now: Date }>('select clock_timestamp() as now');
    return row?.now ?? new Date();
  }

  /** Whether there is such a tenant: a log may be held of one that the database knew once. */
  async isTenant(tenantId: string): Promise<boolean> {
    return (await this.database.query('select 1 from tenants where id = $1', [tenantId])).length > 0;
  }

  /** In the running transaction. */
  async accept(tenantId: string, id: string, note: string): Promise<void> {
    await this.sql.execute('insert into audit_restores (tenant_id, id, note) values ($1, $2, $3)', [tenantId, id, note]);
  }
}
