import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OPERATOR_TENANT_ID } from '../core/ids.js';
import { APP_ROLE, isolateTenants, SYSTEM_ROLE } from '../platform/database/tenant-table.js';

const ROLES = [APP_ROLE, SYSTEM_ROLE].map(
  (role) => `do $$ begin
    if not exists (select from pg_roles where rolname = '${role}') then create role ${role} nologin nosuperuser nobypassrls; end if;
  exception when duplicate_object or unique_violation then null; end $$`,
);

/**
 * Whoever migrates must be able to become both roles: the pools do so when they connect. It does not inherit them, so
 * that the owner by itself sees no tenant's rows (PostgreSQL 15 knows no such option).
 */
const MEMBERSHIP = [APP_ROLE, SYSTEM_ROLE].map(
  (role) => `do $$ begin
    if current_setting('server_version_num')::int >= 160000
    then execute format('grant ${role} to %I with inherit false, set true', current_user);
    else execute format('grant ${role} to %I', current_user); end if;
  end $$`,
);

const STATEMENTS = [
  ...ROLES,
  ...MEMBERSHIP,
  `grant usage on schema public to ${APP_ROLE}, ${SYSTEM_ROLE}`,

  `create table installation (
    singleton boolean primary key default true check (singleton),
    id uuid not null default gen_random_uuid(),
    system_identifier text not null,
    setup_completed_at timestamptz(3),
    setup_token_hash bytea,
    created_at timestamptz(3) not null default now()
  )`,
  `insert into installation (system_identifier) select system_identifier::text from pg_control_system()`,
  `grant select on schema_migrations to ${APP_ROLE}, ${SYSTEM_ROLE}`,
  `grant select on installation to ${APP_ROLE}`,
  `grant select, update on installation to ${SYSTEM_ROLE}`,

  `create table tenants (
    id uuid primary key,
    slug text not null unique,
    name text not null,
    plan text not null default 'free',
    status text not null default 'active' check (status in ('active', 'suspended')),
    suspended_reason text,
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now()
  )`,
  `grant select on tenants to ${APP_ROLE}`,
  `grant select, insert, update, delete on tenants to ${SYSTEM_ROLE}`,
  `insert into tenants (id, slug, name, plan) values ('${OPERATOR_TENANT_ID}', 'default', 'Default', 'operator')`,

  // No foreign keys where every write of a tenant would lock the same parent row (events, tasks, attempts).
  // The log of facts. "tx" orders it: readers go up to the oldest transaction still running, so a late commit is never skipped.
  `create table events (
    id uuid not null,
    tx bigint not null default (pg_current_xact_id()::text::bigint),
    seq bigint generated always as identity,
    tenant_id uuid not null,
    name text not null,
    data jsonb not null,
    request_id text,
    occurred_at timestamptz(3) not null default clock_timestamp(),
    primary key (tx, seq)
  )`,
  `create index events_by_tenant on events (tenant_id, tx, seq)`,
  `create index events_by_age on events (occurred_at)`,
  ...isolateTenants('events'),
  `create table event_consumers (
    name text primary key,
    tx bigint not null,
    seq bigint not null,
    failures integer not null default 0,
    last_error text,
    updated_at timestamptz(3) not null default now()
  )`,
  `grant select, insert, update on event_consumers to ${SYSTEM_ROLE}`,
  `create table event_dead_letters (
    consumer text not null,
    event_id uuid not null,
    tenant_id uuid not null references tenants (id) on delete cascade,
    name text not null,
    data jsonb not null,
    error text not null,
    created_at timestamptz(3) not null default now(),
    primary key (consumer, event_id)
  )`,
  ...isolateTenants('event_dead_letters'),

  `create table idempotency_keys (
    tenant_id uuid not null references tenants (id) on delete cascade,
    key_hash bytea not null,
    request_hash bytea not null,
    state text not null check (state in ('running', 'done')),
    owner uuid not null,
    status integer,
    body bytea,
    locked_until timestamptz(3) not null,
    created_at timestamptz(3) not null default now(),
    primary key (tenant_id, key_hash)
  )`,
  `create index idempotency_keys_by_age on idempotency_keys (created_at)`,
  ...isolateTenants('idempotency_keys'),

  // Processes that cache credentials, so that a revocation knows whose answer to wait for.
  `create table processes (
    id uuid primary key,
    role text not null,
    started_at timestamptz(3) not null default now(),
    seen_at timestamptz(3) not null default now()
  )`,
  `grant select, insert, update, delete on processes to ${SYSTEM_ROLE}`,

  `create table settings (
    tenant_id uuid not null references tenants (id) on delete cascade,
    category text not null,
    key text not null,
    value jsonb not null,
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, category, key)
  )`,
  ...isolateTenants('settings'),
];

/** Roles, tenants, the event log, idempotency keys: what every domain stands on. */
export class Platform1700000000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(): Promise<void> {
    throw new Error('The first migration is undone by dropping the database.');
  }
}
