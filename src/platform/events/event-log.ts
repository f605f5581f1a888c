import { Injectable } from '@nestjs/common';
import type pg from 'pg';
import type { StoredEvent } from '../../core/event.js';
import { SystemDatabase } from '../database/system-database.js';

/** A place in the log: after the row with this transaction and sequence number. */
export interface Position {
  tx: string;
  seq: string;
}

/** Behind every row of a transaction; as long as `parsePosition` takes it. */
const LAST_SEQ = '999999999999999999';

export interface LoggedEvent extends StoredEvent {
  position: Position;
  request_id: string | null;
}

/** Whether `a` stands after `b` in the log. */
export function isAfter(a: Position, b: Position): boolean {
  const [ta, tb] = [BigInt(a.tx), BigInt(b.tx)];
  return ta === tb ? BigInt(a.seq) > BigInt(b.seq) : ta > tb;
}

/** A place as one word, for the id of a server-sent event. */
export function positionToken({ tx, seq }: Position): string {
  return `${tx}-${seq}`;
}

/** Reads a place that `positionToken` wrote; undefined for anything else. After a restore old transactions are negative. */
export function parsePosition(token: string | undefined): Position | undefined {
  const match = /^(-?\d{1,18})-(\d{1,18})$/.exec(token ?? '');
  return match?.[1] && match[2] ? { tx: match[1], seq: match[2] } : undefined;
}

interface EventRow {
  id: string;
  tx: string;
  seq: string;
  tenant_id: string;
  name: string;
  data: Record<string, unknown>;
  request_id: string | null;
  occurred_at: Date;
}

const toLoggedEvent = ({ tx, seq, occurred_at, ...row }: EventRow): LoggedEvent => ({ ...row, occurred_at: occurred_at.toISOString(), position: { tx, seq } });

/**
 * Reads the log in the order of transaction ids, up to the oldest transaction that still runs: a transaction that
 * commits late has an id above that horizon, so no reader has passed it.
 */
@Injectable()
export class EventLog {
  constructor(private readonly database: SystemDatabase) {}

  // The orders below name the table: `tx` alone would be the text of the answer, in which 1000 stands before 999.

  /** Facts after `position` in order, at most `limit`. */
  async after(position: Position, limit: number): Promise<LoggedEvent[]> {
    const rows = await this.database.query<EventRow>(
      `select id, tx::text, seq::text, tenant_id, name, data, request_id, occurred_at from events
       where (tx, seq) > ($1::bigint, $2::bigint) and tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
       order by events.tx, events.seq limit $3`,
      [position.tx, position.seq, limit],
    );
    return rows.map(toLoggedEvent);
  }

  /** Like `after`, for one tenant, and for the named facts alone when there are names. @param client of whoever has a connection: it needs no second one */
  async ofTenantAfter(tenantId: string, position: Position, limit: number, names?: readonly string[], client?: pg.PoolClient): Promise<LoggedEvent[]> {
    const rows = await this.rows(
      `select id, tx::text, seq::text, tenant_id, name, data, request_id, occurred_at from events
       where tenant_id = $1 and (tx, seq) > ($2::bigint, $3::bigint) and tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
         and ($5::text[] is null or name = any($5))
       order by events.tx, events.seq limit $4`,
      [tenantId, position.tx, position.seq, limit, names ?? null],
      client,
    );
    return rows.map(toLoggedEvent);
  }

  private async rows(text: string, values: unknown[], client?: pg.PoolClient): Promise<EventRow[]> {
    return client ? (await client.query<EventRow>(text, values)).rows : this.database.query<EventRow>(text, values);
  }

  /** The place after which everything is yet to come: nothing that runs now will be missed. */
  async end(): Promise<Position> {
    const rows = await this.database.query<{ tx: string }>(`select (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text as tx`);
    return { tx: rows[0]?.tx ?? '0', seq: LAST_SEQ };
  }
}
