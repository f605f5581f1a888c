import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OPERATOR_TENANT_ID } from '../core/ids.js';
import { APP_ROLE, isolateTenants, SYSTEM_ROLE } from '../platform/database/tenant-table.js';

const CURRENT_TENANT = `(select nullif(current_setting('app.tenant_id', true), '')::uuid)`;
const OPERATOR_ACTS = `(${CURRENT_TENANT} = '${OPERATOR_TENANT_ID}')`;

const STATEMENTS = [
  // Tenants are made, changed and suspended in the operator tenant's own transactions, beside their audit rows; the
  // database lets nobody else write them, and shows every other tenant its own row alone.
  `alter table tenants enable row level security`,
  `alter table tenants force row level security`,
  `create policy tenants_read on tenants for select to ${APP_ROLE} using (id = ${CURRENT_TENANT} or ${OPERATOR_ACTS})`,
  `create policy tenants_insert on tenants for insert to ${APP_ROLE} with check ${OPERATOR_ACTS}`,
  `create policy tenants_update on tenants for update to ${APP_ROLE} using ${OPERATOR_ACTS} with check ${OPERATOR_ACTS}`,
  `create policy system_access on tenants for all to ${SYSTEM_ROLE} using (true) with check (true)`,
  `grant insert, update (name, plan, status, suspended_reason, revision, updated_at) on tenants to ${APP_ROLE}`,
  // Setup is completed in the transaction that makes the first administrator. Not forced: start-up reads and re-bases as the owner.
  `alter table installation enable row level security`,
  `create policy installation_read on installation for select to ${APP_ROLE} using (true)`,
  `create policy installation_update on installation for update to ${APP_ROLE} using ${OPERATOR_ACTS} with check ${OPERATOR_ACTS}`,
  `create policy system_access on installation for all to ${SYSTEM_ROLE} using (true) with check (true)`,
  `grant update (setup_completed_at, setup_token_hash) on installation to ${APP_ROLE}`,

  `create table users (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    email text not null,
    full_name text not null,
    role text not null check (role in ('admin', 'user', 'client')),
    password_hash text,
    is_active boolean not null default true,
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

  // Failed attempts by what is guessed at: the hash of an address, whether or not it has an account, so that nothing shows
  // which it is. No tenant: it is not known yet.
  `create table sign_in_attempts (
    subject bytea primary key,
    failures integer not null,
    locked_until timestamptz(3),
    last_at timestamptz(3) not null default now()
  )`,
  `create index sign_in_attempts_age on sign_in_attempts (last_at)`,
  `grant select, insert, update, delete on sign_in_attempts to ${SYSTEM_ROLE}`,

  // A session is a family of refresh tokens: one current, all others spent.
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
  `create index sessions_user on sessions (tenant_id, user_id, ip)`,
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
  `create index spent_refresh_tokens_age on spent_refresh_tokens (spent_at)`,
  ...isolateTenants('spent_refresh_tokens'),

  `create table api_keys (
    tenant_id uuid not null,
    id uuid not null,
    owner_id uuid not null,
    parent_id uuid,
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
    foreign key (tenant_id, owner_id) references users (tenant_id, id) on delete cascade,
    foreign key (tenant_id, parent_id) references api_keys (tenant_id, id) on delete cascade
  )`,
  `create index api_keys_parent on api_keys (tenant_id, parent_id) where parent_id is not null`,
  `create unique index api_keys_hash on api_keys (key_hash)`,
  `create index api_keys_owner on api_keys (tenant_id, owner_id)`,
  ...isolateTenants('api_keys'),
];

const POLICIES = [
  ['tenants_read', 'tenants'],
  ['tenants_insert', 'tenants'],
  ['tenants_update', 'tenants'],
  ['system_access', 'tenants'],
  ['installation_read', 'installation'],
  ['installation_update', 'installation'],
  ['system_access', 'installation'],
] as const;

/** Users, their sessions and their API keys. */
export class Identity1700000000002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['api_keys', 'spent_refresh_tokens', 'sessions', 'sign_in_attempts', 'users'])
      await queryRunner.query(`drop table ${table}`);
    for (const [policy, table] of POLICIES) await queryRunner.query(`drop policy ${policy} on ${table}`);
    for (const table of ['tenants', 'installation'])
      await queryRunner.query(`alter table ${table} no force row level security, disable row level security`);
    await queryRunner.query(`revoke insert, update on tenants from ${APP_ROLE}`);
    await queryRunner.query(`revoke update on installation from ${APP_ROLE}`);
  }
}
