import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `create table notifications (
    tenant_id uuid not null references tenants (id) on delete cascade,
    -- The user, or the nil UUID: what the tenant's administrators without an account see.
    inbox uuid not null,
    id uuid not null,
    user_id uuid,
    type text not null,
    severity text not null check (severity in ('info', 'warning', 'high', 'critical')),
    title text not null,
    body text,
    link text,
    metadata jsonb not null default '{}',
    key text,
    agent_id uuid,
    read_at timestamptz(3),
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    primary key (tenant_id, inbox, id),
    check (inbox = coalesce(user_id, '00000000-0000-0000-0000-000000000000')),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
  )`,
  `create unique index notifications_key on notifications (tenant_id, inbox, key) where key is not null`,
  `create index notifications_unread on notifications (tenant_id, inbox, id) where read_at is null`,
  `create index notifications_by_key on notifications (tenant_id, key) where read_at is null and key is not null`,
  `create index notifications_age on notifications (created_at)`,
  ...isolateTenants('notifications'),
];

/** What people are told in the application. */
export class Notifications1700000000047 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table notifications');
  }
}
