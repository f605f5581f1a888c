import type { MigrationInterface, QueryRunner } from 'typeorm';
import { APP_ROLE, isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // What the operator allows this tenant beside its plan: name of a limit to a number, or to null for "no limit".
  `alter table tenants add column limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object')`,
  `grant update (limits) on tenants to ${APP_ROLE}`,

  // Jobs that came up while their tenant was suspended. Their queue would throw them away after a while; here they wait.
  `create table parked_jobs (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null,
    request_id text,
    data jsonb not null,
    singleton_key text,
    parked_at timestamptz(3) not null default now(),
    primary key (tenant_id, id)
  )`,
  ...isolateTenants('parked_jobs'),
];

/** What tenants may have at most, and the jobs of those that are suspended. */
export class TenantLimits1700000000030 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table parked_jobs');
    await queryRunner.query('alter table tenants drop column limits');
  }
}
