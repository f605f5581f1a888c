import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // Rows belong to the operator tenant: whoever fills in the form has none yet.
  `create table intake_submissions (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    full_name text not null,
    email text not null,
    priorities text,
    automation_wish text,
    channels text[] not null,
    ip inet,
    status text not null default 'new' check (status in ('new', 'converted')),
    converted_tenant_id uuid references tenants (id) on delete set null,
    converted_at timestamptz(3),
    created_at timestamptz(3) not null default now(),
    primary key (tenant_id, id)
  )`,
  `create index intake_submissions_status on intake_submissions (tenant_id, status, id)`,
  `create index intake_submissions_converted on intake_submissions (converted_tenant_id) where converted_tenant_id is not null`,
  ...isolateTenants('intake_submissions'),
];

/** What people who want to become a tenant have sent. */
export class Intake1700000000028 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table intake_submissions');
  }
}
