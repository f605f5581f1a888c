import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // One set of rules per tenant, changed as a whole: what is refused follows from all of them together.
  `create table ip_rules (
    tenant_id uuid primary key references tenants (id) on delete cascade,
    rules jsonb not null default '[]' check (jsonb_typeof(rules) = 'array'),
    revision integer not null default 1,
    updated_at timestamptz(3) not null default now()
  )`,
  ...isolateTenants('ip_rules'),

  `alter table api_keys add column allowed_addresses text[] not null default '{}'`,
  // The value before the last rotation, for as long as the two overlap.
  `alter table api_keys add column previous_hash bytea`,
  `alter table api_keys add column previous_valid_until timestamptz(3)`,
  `alter table api_keys add constraint api_keys_previous check ((previous_hash is null) = (previous_valid_until is null))`,
  `create unique index api_keys_previous_hash on api_keys (previous_hash) where previous_hash is not null`,
];

/** From which addresses tenants and API keys are used, and the overlap of an API key's rotation. */
export class Networks1700000000026 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`alter table api_keys drop column previous_valid_until, drop column previous_hash, drop column allowed_addresses`);
    await queryRunner.query(`drop table ip_rules`);
  }
}
