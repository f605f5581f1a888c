import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `create table workflows (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null,
    description text,
    status text not null check (status in ('draft', 'active', 'disabled')),
    is_template boolean not null default false,
    -- The newest one; a run keeps the one that it started with.
    version integer not null,
    trigger_type text not null default 'manual' check (trigger_type in ('manual', 'cron')),
    trigger_config jsonb not null default '{}',
    -- Data of those who made it; nothing here reads them.
    config jsonb not null default '{}',
    -- Workflows that steps of the newest version run by their ids: none of them may lead back here.
    children uuid[] not null default '{}',
    -- What it was made from.
    template_id uuid,
    template_version integer,
    last_run_at timestamptz(3),
    created_by_kind text not null,
    created_by_id text not null,
    revision integer not null default 1,
    created_at timestamptz(3) not null default clock_timestamp(),
    updated_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, id)
  )`,
  `create index workflows_status on workflows (tenant_id, status, id)`,
  `create index workflows_children on workflows using gin (children) where children <> '{}'`,
  ...isolateTenants('workflows'),

  // Never changed: runs of a version that is not the newest go on by it.
  `create table workflow_versions (
    tenant_id uuid not null,
    id uuid not null,
    workflow_id uuid not null,
    version integer not null,
    -- As it was written: steps, nodes and edges, or a prompt for an agent.
    form text not null check (form in ('steps', 'nodes', 'prompt')),
    graph jsonb not null,
    step_count integer not null,
    input_schema jsonb,
    parameters_schema jsonb,
    created_by_kind text not null,
    created_by_id text not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, workflow_id, version),
    foreign key (tenant_id, workflow_id) references workflows (tenant_id, id) on delete cascade
  )`,
  `create unique index workflow_versions_id on workflow_versions (tenant_id, workflow_id, id)`,
  ...isolateTenants('workflow_versions'),
];

/** Workflows and their versions. */
export class Workflows1700000000051 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['workflow_versions', 'workflows']) await queryRunner.query(`drop table ${table}`);
  }
}
