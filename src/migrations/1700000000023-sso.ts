import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `create table sso_providers (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null,
    issuer text not null,
    client_id text not null,
    client_secret bytea,
    scopes text[] not null,
    signing_algorithm text not null,
    is_active boolean not null default true,
    create_users boolean not null default false,
    allowed_domains text[] not null default '{}',
    group_claim text,
    role_mappings jsonb not null default '[]',
    default_role text check (default_role in ('admin', 'user', 'client')),
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, id)
  )`,
  `create index sso_providers_id on sso_providers (id)`,
  ...isolateTenants('sso_providers'),

  // Who somebody is to an issuer. It outlives the provider's row: set up anew, the same issuer finds the same people.
  `create table sso_identities (
    tenant_id uuid not null,
    issuer text not null,
    subject text not null,
    id uuid not null,
    user_id uuid not null,
    provider_id uuid,
    id_token bytea,
    last_login_at timestamptz(3),
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    primary key (tenant_id, issuer, subject),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
  )`,
  `create unique index sso_identities_id on sso_identities (tenant_id, id)`,
  `create index sso_identities_user on sso_identities (tenant_id, user_id)`,
  ...isolateTenants('sso_identities'),

  // A sign-in under way: from the redirect to the provider until its answer comes back, once.
  `create table sso_flows (
    tenant_id uuid not null,
    state_hash bytea not null,
    provider_id uuid not null,
    browser_hash bytea not null,
    nonce text not null,
    code_verifier text not null,
    redirect_uri text not null,
    return_to text,
    link_user_id uuid,
    expires_at timestamptz(3) not null,
    primary key (tenant_id, state_hash),
    foreign key (tenant_id, provider_id) references sso_providers (tenant_id, id) on delete cascade
  )`,
  `create unique index sso_flows_state on sso_flows (state_hash)`,
  `create index sso_flows_expiry on sso_flows (expires_at)`,
  ...isolateTenants('sso_flows'),

  // What a sign-in that has come back is worth: tokens, once, to the browser that began it.
  `create table sso_codes (
    tenant_id uuid not null,
    code_hash bytea not null,
    browser_hash bytea not null,
    provider_id uuid not null,
    user_id uuid not null,
    amr text[] not null,
    expires_at timestamptz(3) not null,
    primary key (tenant_id, code_hash),
    foreign key (tenant_id, provider_id) references sso_providers (tenant_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
  )`,
  `create unique index sso_codes_hash on sso_codes (code_hash)`,
  `create index sso_codes_expiry on sso_codes (expires_at)`,
  ...isolateTenants('sso_codes'),
];

/** Single sign-on: providers of tenants, whom their subjects are, and sign-ins under way. */
export class Sso1700000000023 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['sso_codes', 'sso_flows', 'sso_identities', 'sso_providers']) await queryRunner.query(`drop table ${table}`);
  }
}
