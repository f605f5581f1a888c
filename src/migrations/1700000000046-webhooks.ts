import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `create table webhooks (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    direction text not null check (direction in ('outbound', 'inbound')),
    name text not null,
    url text,
    events text[] not null default '{}',
    order_by text,
    max_concurrent integer not null default 4,
    timeout_seconds integer not null default 15,
    -- Whose sight it has: the role of who last said where it sends what.
    sees_as text not null check (sees_as in ('admin', 'user')),
    -- Sealed. Without one nothing is signed and nothing is believed, so there is none without.
    secret bytea not null,
    secret_version integer not null default 1,
    previous_secret bytea,
    previous_secret_until timestamptz(3),
    is_enabled boolean not null default true,
    disabled_reason text check (disabled_reason in ('gone', 'failing')),
    created_by_kind text not null,
    created_by_id text not null,
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    check (direction = 'inbound' or url is not null)
  )`,
  `create index webhooks_subscriptions on webhooks (tenant_id) where direction = 'outbound' and is_enabled`,
  ...isolateTenants('webhooks'),

  // Where deliveries wait: one for each subscription, and one for each address that is called without one. One process at a time works on it.
  `create table webhook_lanes (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id text not null,
    webhook_id uuid,
    -- Of a subscription that is disabled: nothing leaves.
    held boolean not null default false,
    -- When somebody should look at it.
    wake_at timestamptz(3),
    holder uuid,
    lease_until timestamptz(3),
    -- In a row, and since when.
    failures integer not null default 0,
    failing_since timestamptz(3),
    primary key (tenant_id, id),
    foreign key (tenant_id, webhook_id) references webhooks (tenant_id, id) on delete cascade
  )`,
  `create index webhook_lanes_wake on webhook_lanes (wake_at) where wake_at is not null and not held`,
  `create index webhook_lanes_webhook on webhook_lanes (tenant_id, webhook_id)`,
  ...isolateTenants('webhook_lanes'),

  `create table webhook_deliveries (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    position bigint generated always as identity,
    lane text not null,
    webhook_id uuid,
    -- What it is about: there is one delivery of it in a lane.
    key text not null,
    type text not null,
    order_key text,
    data jsonb not null,
    occurred_at timestamptz(3) not null,
    -- Of a call without a subscription; the secret sealed.
    url text,
    secret bytea,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
    -- Since it was made or redelivered.
    tries integer not null default 0,
    max_tries integer not null,
    -- Null while an earlier one of its order key is under way.
    due_at timestamptz(3),
    attempt_count integer not null default 0,
    -- The last ones.
    attempts jsonb not null default '[]',
    waiting_for text,
    request_id text,
    created_at timestamptz(3) not null default now(),
    ended_at timestamptz(3),
    primary key (tenant_id, id),
    foreign key (tenant_id, lane) references webhook_lanes (tenant_id, id) on delete cascade
  )`,
  `create unique index webhook_deliveries_key on webhook_deliveries (tenant_id, lane, key)`,
  `create index webhook_deliveries_due on webhook_deliveries (tenant_id, lane, due_at, position) where status = 'pending' and due_at is not null`,
  `create index webhook_deliveries_order on webhook_deliveries (tenant_id, lane, order_key, position) where status = 'pending' and order_key is not null`,
  `create index webhook_deliveries_webhook on webhook_deliveries (tenant_id, webhook_id, id)`,
  `create index webhook_deliveries_dead on webhook_deliveries (tenant_id, id) where status = 'dead'`,
  `create index webhook_deliveries_ended on webhook_deliveries (ended_at) where ended_at is not null`,
  ...isolateTenants('webhook_deliveries'),
];

/** Webhooks, and what they have sent and are to send. */
export class Webhooks1700000000046 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table webhook_deliveries, webhook_lanes, webhooks');
  }
}
