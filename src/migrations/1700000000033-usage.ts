import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // What agents have used, as it comes in: an insert beside what it was used for, which waits for nobody. It is emptied
  // into the sums by day every other second; both together are always the whole.
  `create table usage_entries (
    tenant_id uuid not null,
    id bigint generated always as identity,
    agent_id uuid not null,
    source text not null,
    model text not null default '',
    cost_usd numeric(18, 6) not null check (cost_usd >= 0),
    input_tokens bigint not null check (input_tokens >= 0),
    output_tokens bigint not null check (output_tokens >= 0),
    occurred_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, id)
  ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05)`,
  ...isolateTenants('usage_entries'),
  `create table usage_daily (
    tenant_id uuid not null,
    day date not null,
    agent_id uuid not null,
    source text not null,
    model text not null,
    entries bigint not null,
    cost_usd numeric(24, 6) not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    primary key (tenant_id, day, agent_id, source, model)
  )`,
  ...isolateTenants('usage_daily'),

  // As the agent said it, with the attempt that it was used for.
  `alter table task_attempts add column usage jsonb`,
];

/** What agents have used: models, tokens, money. */
export class Usage1700000000033 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table task_attempts drop column usage');
    for (const table of ['usage_daily', 'usage_entries']) await queryRunner.query(`drop table ${table}`);
  }
}
