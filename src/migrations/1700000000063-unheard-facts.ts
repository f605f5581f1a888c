import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // What happened to runs and could not be taken in, as it came: they were given up for it.
  `create table workflow_unheard_facts (
    tenant_id uuid not null,
    id uuid not null,
    run_id uuid not null,
    path text collate "C" not null,
    attempt integer,
    outcome text not null check (outcome in ('completed', 'failed', 'cancelled')),
    output jsonb,
    error jsonb,
    reason text,
    happened_at timestamptz(3) not null,
    primary key (tenant_id, run_id, id),
    foreign key (tenant_id, run_id) references workflow_runs (tenant_id, id) on delete cascade
  )`,
  ...isolateTenants('workflow_unheard_facts'),
];

/** What breaks a run is kept when it is given up. */
export class UnheardFacts1700000000063 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table workflow_unheard_facts');
  }
}
