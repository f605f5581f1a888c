import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // What a tenant has chosen, group by group; what it has not chosen has the value that the code gives it.
  `create table security_policies (
    tenant_id uuid primary key references tenants (id) on delete cascade,
    mfa jsonb not null default '{}',
    sso jsonb not null default '{}',
    session jsonb not null default '{}',
    password jsonb not null default '{}',
    lockout jsonb not null default '{}',
    revision integer not null default 1,
    updated_at timestamptz(3) not null default now()
  )`,
  ...isolateTenants('security_policies'),

  // Earlier passwords of people, so that they are not taken up again; no more of them than the policy looks at.
  `create table password_history (
    tenant_id uuid not null,
    user_id uuid not null,
    id uuid not null,
    password_hash text not null,
    replaced_at timestamptz(3) not null default now(),
    primary key (tenant_id, user_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
  )`,
  ...isolateTenants('password_history'),

  // A session in a browser is held by a cookie, which is never shown; all others by an access and a refresh token.
  `alter table sessions add column kind text not null default 'bearer' check (kind in ('bearer', 'cookie'))`,
  `create index sessions_open on sessions (tenant_id, id) where ended_at is null`,
];

/** The security policy of tenants, earlier passwords, and sessions that a cookie holds. */
export class AccessPolicy1700000000027 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`drop index sessions_open`);
    await queryRunner.query(`alter table sessions drop column kind`);
    await queryRunner.query(`drop table password_history`);
    await queryRunner.query(`drop table security_policies`);
  }
}
