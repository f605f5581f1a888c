import { Injectable } from '@nestjs/common';
import { Sql } from '../database/sql.js';
import { SystemDatabase } from '../database/system-database.js';
import type { CronSchedule } from './cron-schedule.js';

/** What the ticks belong to. */
export interface TickOwner {
  owner_kind: string;
  owner_id: string;
}

export interface DueOwner extends TickOwner {
  tenant_id: string;
}

/** The schedule of an owner, and its tick that comes next. */
export interface TickRow extends CronSchedule {
  next_at: Date;
}

const OWNER = 'tenant_id = $1 and owner_kind = $2 and owner_id = $3';

/** Rows of `cron_ticks`. Time is the database's. */
@Injectable()
export class CronTicksRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  async now(): Promise<Date> {
    return (await this.sql.row<{ now: Date }>('select clock_timestamp() as now'))?.now ?? new Date();
  }

  find(tenantId: string, { owner_kind, owner_id }: TickOwner): Promise<TickRow | undefined> {
    return this.sql.row(`select expression, timezone, missed, next_at from cron_ticks where ${OWNER} for update`, [tenantId, owner_kind, owner_id]);
  }

  async save(tenantId: string, { owner_kind, owner_id }: TickOwner, { expression, timezone, missed }: CronSchedule, next: Date): Promise<void> {
    await this.sql.execute(
      `insert into cron_ticks (tenant_id, owner_kind, owner_id, expression, timezone, missed, next_at, due_at) values ($1, $2, $3, $4, $5, $6, $7, $7)
       on conflict (tenant_id, owner_kind, owner_id) do update
       set expression = $4, timezone = $5, missed = $6, next_at = $7, due_at = $7, failures = 0, last_error = null`,
      [tenantId, owner_kind, owner_id, expression, timezone, missed, next],
    );
  }

  async remove(tenantId: string, { owner_kind, owner_id }: TickOwner): Promise<void> {
    await this.sql.execute(`delete from cron_ticks where ${OWNER}`, [tenantId, owner_kind, owner_id]);
  }

  /** Whose time has come, of whatever tenant that works. */
  due(kinds: readonly string[], limit: number): Promise<DueOwner[]> {
    return this.database.query<DueOwner>(DUE_TICKS, [kinds, limit]);
  }

  /** Holds the row until the transaction ends; undefined when another process has it, or has dealt with it. */
  take(tenantId: string, { owner_kind, owner_id }: TickOwner): Promise<(TickRow & { failures: number; now: Date }) | undefined> {
    return this.sql.row(
      `select expression, timezone, missed, next_at, failures, clock_timestamp() as now from cron_ticks where ${OWNER} and due_at <= clock_timestamp() for update skip locked`,
      [tenantId, owner_kind, owner_id],
    );
  }

  async advance(tenantId: string, { owner_kind, owner_id }: TickOwner, next: Date): Promise<void> {
    await this.sql.execute(`update cron_ticks set next_at = $4, due_at = $4, failures = 0, last_error = null where ${OWNER}`, [tenantId, owner_kind, owner_id, next]);
  }

  /** Puts it off, longer each time. @returns how often in a row it has failed */
  async putOff(tenantId: string, { owner_kind, owner_id }: TickOwner, error: string): Promise<number> {
    const row = await this.sql.row<{ failures: number }>(
      `update cron_ticks set failures = failures + 1, last_error = $4, due_at = clock_timestamp() + least(interval '1 second' * 2 ^ failures, interval '5 minutes')
       where ${OWNER} returning failures`,
      [tenantId, owner_kind, owner_id, error],
    );
    return row?.failures ?? 0;
  }
}

/** Looked at twice a second: an index of the times, and the tenants of what is due, whose owners come in turns. */
export const DUE_TICKS = `select c.tenant_id, c.owner_kind, c.owner_id from cron_ticks c join tenants t on t.id = c.tenant_id and t.status = 'active'
  where c.due_at <= statement_timestamp() and c.owner_kind = any($1) order by row_number() over (partition by c.tenant_id order by c.due_at), c.due_at limit $2`;
