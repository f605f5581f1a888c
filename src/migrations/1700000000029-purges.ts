import type { MigrationInterface, QueryRunner } from 'typeorm';
import { APP_ROLE, isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // What was asked to be purged, and what came of it. A purged tenant's own row stays, without its names, for what refers to it.
  `create table compliance_purges (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    entity_type text not null check (entity_type in ('agent', 'tenant')),
    entity_id uuid not null,
    reason text,
    requested_by_kind text not null,
    requested_by_id text not null,
    status text not null default 'running' check (status in ('running', 'done')),
    tx bigint not null default (pg_current_xact_id()::text::bigint),
    erased jsonb not null default '{}',
    tree_before jsonb,
    certificate jsonb,
    revision integer not null default 1,
    requested_at timestamptz(3) not null default clock_timestamp(),
    completed_at timestamptz(3),
    primary key (tenant_id, id)
  )`,
  `create unique index compliance_purges_entity on compliance_purges (entity_type, entity_id)`,
  ...isolateTenants('compliance_purges'),

  `alter table tenants add column purged_at timestamptz(3)`,
  `grant update (slug, purged_at) on tenants to ${APP_ROLE}`,
  // For a subject with a final key no other is ever made: nothing is sealed about it again.
  `alter table tenant_keys add column final boolean not null default false, add constraint tenant_keys_final check (not final or destroyed_at is not null)`,
];

/** Purges: the content of agents and tenants erased on demand. */
export class Purges1700000000029 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table tenant_keys drop column final');
    await queryRunner.query('alter table tenants drop column purged_at');
    await queryRunner.query('drop table compliance_purges');
  }
}
