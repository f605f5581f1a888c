import { Injectable } from '@nestjs/common';
import { TenantDatabase } from '../database/tenant-database.js';
import { type Position, positionToken } from './event-log.js';

/** A fact as it is taken out of the log. */
export interface PastEvent {
  id: string;
  /** Its place in the log. */
  position: string;
  occurred_at: Date;
  name: string;
  data: Record<string, unknown>;
  request_id: string | null;
}

/** A fact by itself. */
export interface TenantEvent {
  id: string;
  name: string;
  occurred_at: string;
  data: Record<string, unknown>;
}

type Scanned = Position & (PastEvent | { id: null });

const BATCH = 1_000;
const BEGINNING: Position = { tx: '-999999999999999999', seq: '0' };

/**
 * The facts of a tenant in the order of the log, batch after batch. Each is read by itself: nothing is held open between
 * two of them, however slow the reader is. A batch looks at so many rows and no more, also where few are of the time
 * that is asked for: no statement runs long.
 */
@Injectable()
export class EventHistory {
  constructor(private readonly database: TenantDatabase) {}

  /** Those that were there when it began (and of what was under way then, what comes in time), `from` on, up to and without `to`. */
  async *batches(tenantId: string, { from, to }: { from?: Date | undefined; to?: Date | undefined }): AsyncGenerator<PastEvent[]> {
    const [end] = await this.database.statement<{ tx: string }>(tenantId, 'select pg_snapshot_xmax(pg_current_snapshot())::text as tx', []);
    let after: Position | undefined = BEGINNING;
    while (after) {
      const rows: Scanned[] = await this.database.statement<Scanned>(
        tenantId,
        `select tx::text, seq::text, wanted.* from (
           select * from events where tenant_id = $1 and (tx, seq) > ($2::bigint, $3::bigint) and tx < $4::bigint order by tx, seq limit $5
         ) scanned left join lateral (
           select scanned.id, scanned.occurred_at, scanned.name, scanned.data, scanned.request_id
           where scanned.occurred_at >= coalesce($6::timestamptz, '-infinity') and scanned.occurred_at < coalesce($7::timestamptz, 'infinity')
         ) wanted on true order by scanned.tx, scanned.seq`,
        [tenantId, after.tx, after.seq, end?.tx ?? '0', BATCH, from ?? null, to ?? null],
      );
      const wanted = rows.flatMap((row) => (row.id === null ? [] : [{ ...row, position: positionToken(row) }]));
      if (wanted.length > 0) yield wanted;
      after = rows.length === BATCH ? rows.at(-1) : undefined;
    }
  }

  /** The newest `most` since a moment, oldest first. Goes back from the end of the log, batch by batch, and no further. */
  async newest(tenantId: string, since: Date, most: number): Promise<TenantEvent[]> {
    const found: TenantEvent[] = [];
    let before: Position = { tx: '999999999999999999', seq: '0' };
    while (found.length < most) {
      const rows = await this.database.statement<Position & { occurred_at: Date } & Omit<TenantEvent, 'occurred_at'>>(
        tenantId,
        `select tx::text, seq::text, id, name, data, occurred_at from events where tenant_id = $1 and (tx, seq) < ($2::bigint, $3::bigint) order by events.tx desc, events.seq desc limit $4`,
        [tenantId, before.tx, before.seq, BATCH],
      );
      for (const { id, name, data, occurred_at } of rows) if (occurred_at >= since && found.length < most) found.push({ id, name, data, occurred_at: occurred_at.toISOString() });
      const last = rows.at(-1);
      if (!last || rows.length < BATCH || last.occurred_at < since) break;
      before = last;
    }
    return found.reverse();
  }
}
