import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // When and how the person behind a session last proved who they are (RFC 8176). Sessions from before had a
  // password alone, and are taken to be old.
  `alter table sessions add column authenticated_at timestamptz(3) not null default 'epoch', add column amr text[] not null default '{pwd}'`,
  `alter table sessions alter column authenticated_at set default now()`,

  // The second factor of a person: its secret, sealed, and the last time step of which a code was used. Not yet
  // enabled, it waits for the first right code.
  `create table user_mfa (
    tenant_id uuid not null,
    user_id uuid not null,
    sealed_secret bytea not null,
    last_step bigint not null default 0,
    enabled_at timestamptz(3),
    created_at timestamptz(3) not null default now(),
    primary key (tenant_id, user_id),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
  )`,
  ...isolateTenants('user_mfa'),
  `create table mfa_recovery_codes (
    tenant_id uuid not null,
    user_id uuid not null,
    code_hash bytea not null,
    used_at timestamptz(3),
    primary key (tenant_id, user_id, code_hash),
    foreign key (tenant_id, user_id) references user_mfa (tenant_id, user_id) on delete cascade
  )`,
  ...isolateTenants('mfa_recovery_codes'),

  // A sign-in that waits for its second factor. `checked` is a digest of the password hash that was right, so that a new
  // password ends it.
  `create table mfa_challenges (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    token_hash bytea not null,
    checked bytea,
    amr text[] not null,
    session_kind text not null,
    attempts integer not null default 0,
    created_at timestamptz(3) not null default now(),
    expires_at timestamptz(3) not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
  )`,
  `create unique index mfa_challenges_token on mfa_challenges (token_hash)`,
  `create index mfa_challenges_user on mfa_challenges (tenant_id, user_id)`,
  `create index mfa_challenges_expiry on mfa_challenges (expires_at)`,
  ...isolateTenants('mfa_challenges'),
];

/** Second factors, and when a session was last proved. */
export class Mfa1700000000022 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['mfa_challenges', 'mfa_recovery_codes', 'user_mfa']) await queryRunner.query(`drop table ${table}`);
    await queryRunner.query('alter table sessions drop column authenticated_at, drop column amr');
  }
}
