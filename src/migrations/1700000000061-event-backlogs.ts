import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // Facts of a tenant after (tx, seq), up to (until_tx, until_seq), that a consumer has left to the tenant's turns. Who was served first is next.
  `create table event_backlogs (
    consumer text not null,
    tenant_id uuid not null references tenants (id) on delete cascade,
    tx bigint not null,
    seq bigint not null,
    until_tx bigint not null,
    until_seq bigint not null,
    failures integer not null default 0,
    last_error text,
    due_at timestamptz(3) not null default now(),
    served_at timestamptz not null default clock_timestamp(),
    primary key (consumer, tenant_id)
  ) with (fillfactor = 50)`,
  `create index event_backlogs_by_tenant on event_backlogs (tenant_id)`,
  ...isolateTenants('event_backlogs'),
];

/** Tenants have turns where facts are handled whose work grows with what a tenant has made. */
export class EventBacklogs1700000000061 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table event_backlogs');
  }
}
