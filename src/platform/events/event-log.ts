import { Injectable } from '@nestjs/common';
import type { StoredEvent } from '../../core/event.js';
import { SystemDatabase } from '../database/system-database.js';

/** A place in the log: after the row with this transaction and sequence number. */
export interface Position {
  tx: string;
  seq: string;
}

export interface LoggedEvent extends StoredEvent {
  position: Position;
  request_id: string | null;
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

/**
 * Reads the log in the order of transaction ids, up to the oldest transaction that still runs: a transaction that
 * commits late has an id above that horizon, so no reader has passed it.
 */
@Injectable()
export class EventLog {
  constructor(private readonly database: SystemDatabase) {}

  /** Facts after `position` in order, at most `limit`. */
  async after(position: Position, limit: number): Promise<LoggedEvent[]> {
    const rows = await this.database.query<EventRow>(
      `select id, tx::text, seq::text, tenant_id, name, data, request_id, occurred_at from events
       where (tx, seq) > ($1::bigint, $2::bigint) and tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
       order by tx, seq limit $3`,
      [position.tx, position.seq, limit],
    );
    return rows.map(({ tx, seq, occurred_at, ...row }) => ({ ...row, occurred_at: occurred_at.toISOString(), position: { tx, seq } }));
  }

  /** The place after which everything is yet to come: nothing that runs now will be missed. */
  async end(): Promise<Position> {
    const rows = await this.database.query<{ tx: string }>(`select (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text as tx`);
    return { tx: rows[0]?.tx ?? '0', seq: '9223372036854775807' };
  }
}
