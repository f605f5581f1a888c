import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `create table users (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    email text not null,
    full_name text not null,
    role text not null check (role in ('admin', 'user', 'client')),
    password_hash text,
    is_active boolean not null default true,
    failed_logins integer not null default 0,
    locked_until timestamptz(3),
    last_login_at timestamptz(3),
    password_changed_at timestamptz(3),
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, id)
  )`,
  // One address is one account in the whole installation: login names no tenant.
  `create unique index users_email on users (lower(email))`,
  ...isolateTenants('users'),

  // A session is a family of refresh tokens: one current, one being replaced, all others spent.
  `create table sessions (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    refresh_hash bytea not null,
    generation integer not null default 1,
    ip inet,
    user_agent text,
    created_at timestamptz(3) not null default now(),
    last_used_at timestamptz(3) not null default now(),
    expires_at timestamptz(3) not null,
    ended_at timestamptz(3),
    ended_reason text,
    primary key (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
  )`,
  `create unique index sessions_refresh on sessions (refresh_hash)`,
  `create index sessions_user on sessions (tenant_id, user_id) where ended_at is null`,
  `create index sessions_expiry on sessions (expires_at)`,
  ...isolateTenants('sessions'),
  `create table spent_refresh_tokens (
    tenant_id uuid not null,
    refresh_hash bytea not null,
    session_id uuid not null,
    spent_at timestamptz(3) not null default now(),
    primary key (tenant_id, refresh_hash),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
  )`,
  `create index spent_refresh_tokens_hash on spent_refresh_tokens (refresh_hash)`,
  ...isolateTenants('spent_refresh_tokens'),

  `create table api_keys (
    tenant_id uuid not null,
    id uuid not null,
    owner_id uuid not null,
    name text not null,
    prefix text not null,
    key_hash bytea not null,
    scopes text[] not null,
    expires_at timestamptz(3),
    last_used_at timestamptz(3),
    revoked_at timestamptz(3),
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, owner_id) references users (tenant_id, id) on delete cascade
  )`,
  `create unique index api_keys_hash on api_keys (key_hash)`,
  `create index api_keys_owner on api_keys (tenant_id, owner_id)`,
  ...isolateTenants('api_keys'),
];

/** Users, their sessions and their API keys. */
export class Identity1700000000002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['api_keys', 'spent_refresh_tokens', 'sessions', 'users']) await queryRunner.query(`drop table ${table}`);
  }
}
