import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants, SYSTEM_ROLE } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // Which master key new tenant keys are wrapped under: one at a time, the same for all processes. Keys themselves are never here.
  `create table master_keys (
    id text primary key,
    created_at timestamptz(3) not null default now(),
    retiring_at timestamptz(3),
    retired_at timestamptz(3)
  )`,
  `create unique index master_keys_current on master_keys ((true)) where retiring_at is null`,
  `grant select, insert, update on master_keys to ${SYSTEM_ROLE}`,

  // "wrapped" is null once the key was destroyed: what was sealed under it is gone, wherever copies of it lie.
  `create table tenant_keys (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    subject_type text not null check (subject_type in ('tenant', 'agent')),
    subject_id uuid not null,
    wrapped bytea,
    master_key_id text not null references master_keys (id),
    created_at timestamptz(3) not null default now(),
    destroyed_at timestamptz(3),
    primary key (tenant_id, id),
    check ((wrapped is null) = (destroyed_at is not null))
  )`,
  `create unique index tenant_keys_subject on tenant_keys (tenant_id, subject_type, subject_id) where destroyed_at is null`,
  `create index tenant_keys_master on tenant_keys (master_key_id, tenant_id, id) where destroyed_at is null`,
  ...isolateTenants('tenant_keys'),

  `create table secrets (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text collate "C" not null,
    category text,
    description text,
    version integer not null,
    expires_at timestamptz(3),
    rotate_every_days integer check (rotate_every_days > 0),
    grace_seconds integer not null default 0 check (grace_seconds >= 0),
    generator jsonb,
    next_rotation_at timestamptz(3),
    rotated_at timestamptz(3) not null default clock_timestamp(),
    created_by_kind text not null,
    created_by_id text not null,
    revision integer not null default 1,
    created_at timestamptz(3) not null default clock_timestamp(),
    updated_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, id)
  )`,
  `create unique index secrets_name on secrets (tenant_id, name)`,
  `create index secrets_category on secrets (tenant_id, category, id) where category is not null`,
  `create index secrets_expiry on secrets (tenant_id, expires_at, id) where expires_at is not null`,
  `create index secrets_rotation on secrets (next_rotation_at) where next_rotation_at is not null`,
  ...isolateTenants('secrets'),

  // "sealed" is null once the version was destroyed. "works_until": the end of its grace time; null for the current one.
  `create table secret_versions (
    tenant_id uuid not null,
    id uuid not null,
    secret_id uuid not null,
    version integer not null,
    sealed bytea,
    origin text not null check (origin in ('given', 'generated', 'rolled_back')),
    works_until timestamptz(3),
    created_by_kind text not null,
    created_by_id text not null,
    created_at timestamptz(3) not null default clock_timestamp(),
    destroyed_at timestamptz(3),
    primary key (tenant_id, secret_id, version),
    foreign key (tenant_id, secret_id) references secrets (tenant_id, id) on delete cascade,
    check ((sealed is null) = (destroyed_at is not null))
  )`,
  ...isolateTenants('secret_versions'),

  `create table secret_grants (
    tenant_id uuid not null,
    id uuid not null,
    secret_id uuid not null,
    agent_id uuid,
    board_id uuid,
    expires_at timestamptz(3),
    max_uses integer check (max_uses > 0),
    uses integer not null default 0 check (max_uses is null or uses <= max_uses),
    last_used_at timestamptz(3),
    revoked_at timestamptz(3),
    created_by_kind text not null,
    created_by_id text not null,
    revision integer not null default 1,
    created_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, id),
    foreign key (tenant_id, secret_id) references secrets (tenant_id, id) on delete cascade,
    foreign key (tenant_id, agent_id) references agents (tenant_id, id) on delete cascade,
    foreign key (tenant_id, board_id) references boards (tenant_id, id) on delete cascade,
    check ((agent_id is null) <> (board_id is null))
  )`,
  `create index secret_grants_secret on secret_grants (tenant_id, secret_id, id)`,
  `create index secret_grants_agent on secret_grants (tenant_id, agent_id) where agent_id is not null`,
  `create index secret_grants_board on secret_grants (tenant_id, board_id) where board_id is not null`,
  ...isolateTenants('secret_grants'),
];

/** Keys of tenants, wrapped under a master key that is not in the database, and the vault that stands on them. */
export class Vault1700000000021 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['secret_grants', 'secret_versions', 'secrets', 'tenant_keys', 'master_keys']) await queryRunner.query(`drop table ${table}`);
  }
}
