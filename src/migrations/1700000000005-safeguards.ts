import type { MigrationInterface, QueryRunner } from 'typeorm';
import { APP_ROLE, isolateTenants, SYSTEM_ROLE } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `create table audit_log (
    tenant_id uuid not null references tenants (id),
    id uuid not null,
    actor_kind text not null,
    actor_id text not null,
    actor_label text not null,
    action text collate "C" not null,
    outcome text not null check (outcome in ('done', 'denied', 'failed')),
    resource_type text,
    resource_id text,
    ip inet,
    user_agent text,
    request_id text,
    before jsonb,
    after jsonb,
    detail jsonb,
    occurred_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, id)
  )`,
  `create index audit_log_action on audit_log (tenant_id, action, id)`,
  `create index audit_log_actor on audit_log (tenant_id, actor_id, id)`,
  `create index audit_log_actor_label on audit_log (tenant_id, actor_label, id)`,
  `create index audit_log_request on audit_log (tenant_id, request_id) where request_id is not null`,
  `create index audit_log_resource on audit_log (tenant_id, resource_type, resource_id, id)`,
  `create index audit_log_time on audit_log (tenant_id, occurred_at)`,
  ...isolateTenants('audit_log'),
  // Rows are only ever added: neither role may change or remove one. ("C" makes an action's beginning an index range.)
  `revoke update, delete on audit_log from ${APP_ROLE}, ${SYSTEM_ROLE}`,

  `create table approvals (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    title text not null,
    description text,
    action jsonb not null,
    action_hash text not null,
    status text not null default 'pending' check (status in ('pending', 'approved', 'rejected', 'expired')),
    agent_id uuid,
    task_id uuid,
    confidence double precision,
    risk text,
    requested_by_kind text not null,
    requested_by_id text not null,
    requester text not null,
    decided_by_kind text,
    decided_by_id text,
    decided_at timestamptz(3),
    reviewer_note text,
    expires_at timestamptz(3),
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, agent_id) references agents (tenant_id, id),
    foreign key (tenant_id, task_id) references tasks (tenant_id, id) on delete cascade
  )`,
  `create index approvals_task on approvals (tenant_id, task_id) where task_id is not null`,
  `create index approvals_status on approvals (tenant_id, status, id)`,
  `create index approvals_agent on approvals (tenant_id, agent_id, id) where agent_id is not null`,
  `create index approvals_expiry on approvals (expires_at) where status = 'pending' and expires_at is not null`,
  ...isolateTenants('approvals'),
];

/** The audit log, and approvals as far as boards need them. */
export class Safeguards1700000000005 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['approvals', 'audit_log']) await queryRunner.query(`drop table ${table}`);
  }
}
