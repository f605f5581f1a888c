import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `alter table webhooks
    add column slug text,
    add column agent_id uuid,
    add column signature_form text not null default 'any' check (signature_form in ('any', 'sha256', 'github', 'stripe', 'slack', 'gitlab', 'standard')),
    add column replay_seconds integer not null default 300,
    add check ((direction = 'inbound') = (slug is not null))`,
  // Whoever calls names no tenant.
  `create unique index webhooks_slug on webhooks (slug) where slug is not null`,

  `create table webhook_payloads (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    webhook_id uuid not null,
    -- Hash of what its sender calls the delivery, where that is said.
    delivery_hash bytea,
    body_hash bytea not null,
    -- Headers and body, sealed.
    content bytea not null,
    content_type text,
    size integer not null,
    form text not null,
    ip inet,
    status text not null default 'received' check (status in ('received', 'done', 'failed')),
    task_id uuid,
    error text,
    replays integer not null default 0,
    received_at timestamptz(3) not null default now(),
    handled_at timestamptz(3),
    primary key (tenant_id, id),
    foreign key (tenant_id, webhook_id) references webhooks (tenant_id, id) on delete cascade
  )`,
  `create unique index webhook_payloads_delivery on webhook_payloads (tenant_id, webhook_id, delivery_hash) where delivery_hash is not null`,
  `create index webhook_payloads_body on webhook_payloads (tenant_id, webhook_id, body_hash, received_at)`,
  `create index webhook_payloads_webhook on webhook_payloads (tenant_id, webhook_id, id)`,
  `create index webhook_payloads_received on webhook_payloads (received_at)`,
  ...isolateTenants('webhook_payloads'),
];

/** Endpoints that others call, and what they were sent. */
export class InboundWebhooks1700000000050 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table webhook_payloads');
    await queryRunner.query(`delete from webhooks where direction = 'inbound'`);
    await queryRunner.query('alter table webhooks drop column slug, drop column agent_id, drop column signature_form, drop column replay_seconds');
  }
}
