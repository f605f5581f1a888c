import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `alter table approvals drop constraint approvals_status_check`,
  `alter table approvals
    add constraint approvals_status_check check (status in ('pending', 'approved', 'rejected', 'expired', 'withdrawn')),
    add column cost_usd numeric(18, 6),
    -- What rules look at beyond the rest of the row: the tool, the agent's autonomy, the board.
    add column facts jsonb not null default '{}',
    -- Who may decide; nobody named is everybody who may decide at all.
    add column approver_users uuid[] not null default '{}',
    add column approver_roles text[] not null default '{}',
    add column min_approvals integer not null default 1 check (min_approvals between 1 and 20),
    add column on_expire text not null default 'reject' check (on_expire in ('reject', 'approve', 'escalate')),
    -- Whom it goes to when nobody has decided by then.
    add column escalation jsonb,
    add column escalates_at timestamptz(3),
    add column escalated_at timestamptz(3),
    -- What asked, when it was no request of somebody's.
    add column source_kind text,
    add column source_id text,
    -- The rules, by id and version, that made it so.
    add column trace jsonb not null default '[]',
    -- Everybody's word, each under a seal of its own.
    add column decisions jsonb not null default '[]',
    add column grant_seconds integer not null default 3600,
    add column grant_expires_at timestamptz(3),
    add column redeemed_at timestamptz(3),
    -- Seals under the tenant's key over what was asked, and over what was decided.
    add column request_seal bytea,
    add column grant_seal bytea,
    add constraint approvals_source check ((source_kind is null) = (source_id is null))`,
  // A step asks once. Others may ask again when they have been answered.
  `create unique index approvals_step on approvals (tenant_id, source_kind, source_id) where source_kind = 'workflow_step'`,
  `create unique index approvals_waiting on approvals (tenant_id, source_kind, source_id, requester, action_hash) where status = 'pending' and source_kind is not null and source_kind <> 'workflow_step'`,
  `create index approvals_source on approvals (tenant_id, source_kind, source_id) where source_kind is not null`,
  `create index approvals_escalation on approvals (escalates_at) where status = 'pending' and escalates_at is not null`,

  `create table approval_rules (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null,
    description text,
    enabled boolean not null default true,
    -- The lower, the earlier it is looked at; the first that fits decides.
    priority integer not null default 100,
    effect text not null check (effect in ('require', 'allow')),
    match jsonb not null,
    demand jsonb not null,
    auto_approve jsonb not null default '[]',
    escalation jsonb,
    version integer not null default 1,
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, name)
  )`,
  ...isolateTenants('approval_rules'),

  // Each version as it was, for the traces that name it; also of rules that are gone.
  `create table approval_rule_versions (
    tenant_id uuid not null references tenants (id) on delete cascade,
    rule_id uuid not null,
    version integer not null,
    definition jsonb not null,
    changed_by_kind text not null,
    changed_by_id text not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, rule_id, version)
  )`,
  ...isolateTenants('approval_rule_versions'),

  // What was let through because no rule asked for approval: what a new rule is tried on.
  `create table approval_passes (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    agent_id uuid,
    facts jsonb not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, id)
  )`,
  `create index approval_passes_age on approval_passes (created_at)`,
  ...isolateTenants('approval_passes'),

  // Links that decide, each for one person and one decision. Of the token there is the hash alone.
  `create table approval_links (
    tenant_id uuid not null,
    id uuid not null,
    approval_id uuid not null,
    user_id uuid not null,
    decision text not null check (decision in ('approved', 'rejected')),
    token_hash bytea not null unique,
    -- Whether it was made in a session with a second factor.
    mfa boolean not null,
    expires_at timestamptz(3) not null,
    used_at timestamptz(3),
    seal bytea not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, id),
    foreign key (tenant_id, approval_id) references approvals (tenant_id, id) on delete cascade
  )`,
  `create index approval_links_approval on approval_links (tenant_id, approval_id)`,
  ...isolateTenants('approval_links'),
];

/** Approvals that bind: who may decide and how many, seals, rules, links that decide once. */
export class Approvals1700000000048 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table approval_links, approval_passes, approval_rule_versions, approval_rules');
    await queryRunner.query(`update approvals set status = 'expired' where status = 'withdrawn'`);
    await queryRunner.query(`alter table approvals drop constraint approvals_source, drop constraint approvals_status_check,
      add constraint approvals_status_check check (status in ('pending', 'approved', 'rejected', 'expired')),
      drop column cost_usd, drop column facts, drop column approver_users, drop column approver_roles, drop column min_approvals, drop column on_expire, drop column escalation,
      drop column escalates_at, drop column escalated_at, drop column source_kind, drop column source_id, drop column trace, drop column decisions, drop column grant_seconds,
      drop column grant_expires_at, drop column redeemed_at, drop column request_seal, drop column grant_seal`);
  }
}
