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
/** Of a log in which few are wanted. */
const MOST_LOOKED_AT = 200_000;
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

  /**
   * The newest `most` since a moment, oldest first. Goes back from the end of the log, batch by batch, and no further.
   * @param names of those that are wanted; left out, all are
   * @returns also from when on there are no others: later than asked for where there were too many
   */
  async newest(tenantId: string, since: Date, most: number, names?: readonly string[]): Promise<{ events: TenantEvent[]; from: Date }> {
    const found: TenantEvent[] = [];
    let from = since;
    let before: Position = { tx: '999999999999999999', seq: '0' };
    for (let looked = 0; looked < MOST_LOOKED_AT; looked += BATCH) {
      const rows = await this.database.statement<Position & { occurred_at: Date } & Omit<TenantEvent, 'occurred_at'>>(
        tenantId,
        `select tx::text, seq::text, id, name, case when $5::text[] is null or name = any($5) then data else '{}' end as data, occurred_at
         from events where tenant_id = $1 and (tx, seq) < ($2::bigint, $3::bigint) order by events.tx desc, events.seq desc limit $4`,
        [tenantId, before.tx, before.seq, BATCH, names ?? null],
      );
      const wanted = rows.filter(({ name, occurred_at }) => occurred_at >= since && (names?.includes(name) ?? true));
      found.push(...wanted.slice(0, most - found.length).map(({ id, name, data, occurred_at }) => ({ id, name, data, occurred_at: occurred_at.toISOString() })));
      const last = rows.at(-1);
      const isEnd = !last || rows.length < BATCH || last.occurred_at < since;
      from = isEnd ? since : last.occurred_at;
      if (isEnd || found.length === most) break;
      before = last;
    }
    const oldest = found.at(-1);
    return { events: found.reverse(), from: oldest && found.length === most ? new Date(oldest.occurred_at) : from };
  }
}
