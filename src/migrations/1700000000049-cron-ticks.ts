import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `create table cron_ticks (
    tenant_id uuid not null references tenants (id) on delete cascade,
    owner_kind text not null,
    owner_id uuid not null,
    expression text not null,
    timezone text not null,
    missed text not null check (missed in ('skip', 'once', 'all')),
    -- The first tick that has not been dealt with.
    next_at timestamptz(3) not null,
    -- When somebody is to look: the same, or later after a failure.
    due_at timestamptz(3) not null,
    failures integer not null default 0,
    last_error text,
    primary key (tenant_id, owner_kind, owner_id)
  )`,
  `create index cron_ticks_due on cron_ticks (due_at)`,
  ...isolateTenants('cron_ticks'),
];

/** What comes again and again by the clock, with the tick that comes next. */
export class CronTicks1700000000049 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table cron_ticks');
  }
}
