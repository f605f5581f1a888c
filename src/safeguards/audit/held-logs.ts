import { Logger } from '@nestjs/common';
import type pg from 'pg';
import type { LeafRow } from '../../core/audit/leaf.js';
import type { Mark } from '../../core/audit/restore-statement.js';
import type { AuditMarks } from './audit-marks.js';
import type { SealedUpTo } from './mark-file.js';
import { leafRowOf } from './seal-batch.js';
import type { findingOf } from './tree-findings.js';

/** Why a log is held. */
export interface HoldReason {
  tenantId: string;
  mark: Mark | undefined;
  finding: NonNullable<ReturnType<typeof findingOf>>;
}

export interface PassedRow {
  row: LeafRow;
  sealed: boolean;
}

/** Rows of all tenants that are looked through at once for those of one. */
const WINDOW = 20_000;
const WHAT_TO_DO = 'Nothing more is sealed in this log. Put the right database back, or have the operator accept this one: POST /api/v1/audit/holds/{tenant_id}/accept.';
const AT_ONCE = 500;

/** The holds on logs that are not sealed any further, in the session of the leading sequencer. */
export class HeldLogs {
  private readonly logger = new Logger(HeldLogs.name);

  constructor(
    private readonly client: pg.Client,
    private readonly marks: AuditMarks,
  ) {}

  /** In the running transaction. @param place up to where the log is sealed; less far when it was held already and somebody took the hold away */
  async hold({ tenantId, mark, finding: { kind, seq, detail } }: HoldReason, place: SealedUpTo): Promise<void> {
    const { tx, id } = earlier(this.marks.holds.get(tenantId), place);
    const { rowCount } = await this.client.query(
      `insert into audit_holds (tenant_id, tx, row_id, kind, seq, detail, mark) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (tenant_id) do nothing`,
      [tenantId, tx, id, kind, seq, `${detail} ${WHAT_TO_DO}`, mark?.note ?? null],
    );
    if (rowCount !== 1) return;
    this.marks.setHold(tenantId, { tx, id });
    this.logger.error({ tenant: tenantId, finding: kind, row: seq }, `The audit log of a tenant is held. ${detail} ${WHAT_TO_DO}`);
  }

  /**
   * Holds that are known and are not in the database, or with a later place, are put back: rows of meanwhile would stay behind. Where the log is right
   * again each ends as ever, which seals them.
   */
  async putBack(): Promise<void> {
    const { rows } = await this.client.query<SealedUpTo & { tenant_id: string }>('select tenant_id, tx::text as tx, row_id as id from audit_holds');
    const stored = new Map(rows.map(({ tenant_id: tenantId, tx, id }) => [tenantId, { tx, id }]));
    for (const [tenantId, known] of this.marks.holds) {
      const place = stored.get(tenantId);
      if (place && earlier(place, known) === place) continue;
      await this.client.query(
        `insert into audit_holds (tenant_id, tx, row_id, kind, seq, detail) values ($1, $2, $3, 'rewritten', 0, $4) on conflict (tenant_id) do update set tx = excluded.tx, row_id = excluded.row_id`,
        [tenantId, known.tx, known.id, `The hold on this log was not there any more. ${WHAT_TO_DO}`],
      );
      this.logger.error({ tenant: tenantId }, 'The hold on the audit log of a tenant was taken away or moved: by another process that found the log right, or by somebody in the database. It is put back, and the log looked at.');
    }
    for (const [tenantId, place] of stored) if (!this.marks.holds.has(tenantId)) this.marks.setHold(tenantId, place);
  }

  /** What a log that is still held is found to be now: it may be another one meanwhile, and who writes the database can write a hold. */
  async renew({ tenantId, mark, finding: { kind, seq, detail } }: HoldReason): Promise<void> {
    const { rowCount } = await this.client.query(
      'update audit_holds set kind = $2, seq = $3, detail = $4, mark = $5 where tenant_id = $1 and (kind, seq, detail, mark) is distinct from ($2, $3::bigint, $4, $5)',
      [tenantId, kind, seq, `${detail} ${WHAT_TO_DO}`, mark?.note ?? null],
    );
    if (rowCount === 1) this.logger.warn({ tenant: tenantId, finding: kind, row: seq }, `The audit log of a tenant that is held is another than it was, or somebody changed the hold. ${detail}`);
  }

  /** Tenants whose logs are held, some at a time. */
  async tenants(after: string | null): Promise<string[]> {
    const { rows } = await this.client.query<{ tenant_id: string }>(
      'select tenant_id from audit_holds where $1::uuid is null or tenant_id > $1 order by tenant_id limit $2', [after, AT_ONCE],
    );
    return rows.map(({ tenant_id: id }) => id);
  }

  /** Holds the sequencer's place, so that nobody else moves it. @returns it */
  async place(): Promise<SealedUpTo> {
    const { rows } = await this.client.query<SealedUpTo>('select tx::text as tx, id from audit_sequencer for update');
    if (!rows[0]) throw new Error('The sequencer has no place.');
    return rows[0];
  }

  /** What the sequencer passed by while the log was held, a piece at a time. @returns rows of the tenant, and where the piece ends; nothing when there is no more */
  async passed(tenantId: string): Promise<{ rows: PassedRow[]; upTo: SealedUpTo | undefined }> {
    const { rows } = await this.client.query<SealedUpTo & { row: LeafRow | null; sealed: boolean }>(
      `select l.tx::text as tx, l.id, case when l.tenant_id = $1 then ${leafRowOf('l')} end as row,
         l.tenant_id = $1 and exists (select from audit_leaves f where f.tenant_id = l.tenant_id and f.row_id = l.id) as sealed
       from audit_holds h, audit_sequencer s, lateral (
         select * from audit_log where (tx, id) > (h.tx, h.row_id) and (tx, id) <= (s.tx, s.id) order by tx, id limit $2
       ) l where h.tenant_id = $1 order by l.tx, l.id`,
      [tenantId, WINDOW],
    );
    const last = rows.length < WINDOW ? undefined : rows.at(-1);
    return { rows: rows.flatMap(({ row, sealed }) => (row ? [{ row, sealed }] : [])), upTo: last };
  }

  /** In the running transaction; `moved` when it has committed. */
  async move(tenantId: string, { tx, id }: SealedUpTo): Promise<void> {
    await this.client.query('update audit_holds set tx = $2, row_id = $3 where tenant_id = $1', [tenantId, tx, id]);
  }

  /** In the running transaction: from its commit on the log is sealed with the others. */
  async lift(tenantId: string): Promise<void> {
    await this.client.query('delete from audit_holds where tenant_id = $1', [tenantId]);
  }

  /** What had left of a log that is no more has not left of this one. */
  async forgetPushed(tenantId: string, size: number): Promise<void> {
    await this.client.query('update audit_pushes set size = $2 where tenant_id = $1 and size > $2', [tenantId, size]);
  }

  /** @param place undefined when the hold has ended */
  moved(tenantId: string, place: SealedUpTo | undefined): void {
    this.marks.setHold(tenantId, place);
    if (!place) this.logger.warn({ tenant: tenantId }, 'The audit log of a tenant is sealed again, with the rows of meanwhile.');
  }
}

/** In the order of the rows. The ids compare as texts as they do in the database: all are of one form. */
function earlier(known: SealedUpTo | undefined, place: SealedUpTo): SealedUpTo {
  if (!known) return place;
  const [one, other] = [BigInt(known.tx), BigInt(place.tx)];
  return one < other || (one === other && known.id <= place.id) ? known : place;
}
