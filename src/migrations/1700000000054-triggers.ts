import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `create table triggers (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null,
    description text,
    type text not null check (type in ('event', 'cron', 'webhook', 'threshold')),
    config jsonb not null,
    action jsonb not null,
    enabled boolean not null,
    max_per_hour integer not null check (max_per_hour > 0),
    cooldown_seconds integer not null check (cooldown_seconds >= 0),
    coalesce_seconds integer not null check (coalesce_seconds >= 0),
    as_role text not null,
    created_by_kind text not null,
    created_by_id text not null,
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, id)
  )`,
  `create index triggers_enabled on triggers (tenant_id, type) where enabled`,
  `create index triggers_threshold on triggers (tenant_id) where enabled and type = 'threshold'`,
  ...isolateTenants('triggers'),

  // What a trigger remembers from one event to the next: its row is held by whoever deals with an event of it.
  `create table trigger_states (
    tenant_id uuid not null,
    trigger_id uuid not null,
    -- The last place of the event log that was dealt with.
    tx bigint not null,
    seq bigint not null,
    last_fired_at timestamptz(3),
    hour_at timestamptz(3),
    hour_count integer not null default 0,
    -- Of thresholds: whether a crossing would fire, since when the value is beyond, and what was counted: { "<second>": [failed, completed] }.
    armed boolean not null default true,
    beyond_since timestamptz(3),
    value double precision,
    buckets jsonb not null default '{}',
    primary key (tenant_id, trigger_id),
    foreign key (tenant_id, trigger_id) references triggers (tenant_id, id) on delete cascade
  ) with (fillfactor = 70)`,
  ...isolateTenants('trigger_states'),

  `create table trigger_firings (
    tenant_id uuid not null,
    id uuid not null,
    trigger_id uuid not null,
    status text not null check (status in ('pending', 'fired', 'skipped', 'failed')),
    reason text,
    event_id uuid,
    event jsonb not null,
    count integer not null default 1,
    chain uuid[] not null,
    due_at timestamptz(3) not null,
    attempts integer not null default 0,
    result jsonb,
    created_at timestamptz(3) not null default now(),
    ended_at timestamptz(3),
    primary key (tenant_id, id),
    foreign key (tenant_id, trigger_id) references triggers (tenant_id, id) on delete cascade
  )`,
  `create unique index trigger_firings_event on trigger_firings (tenant_id, trigger_id, event_id) where event_id is not null`,
  `create index trigger_firings_history on trigger_firings (tenant_id, trigger_id, id)`,
  `create index trigger_firings_due on trigger_firings (due_at) where status = 'pending'`,
  `create index trigger_firings_age on trigger_firings (created_at)`,
  ...isolateTenants('trigger_firings'),
];

/** Triggers, what they remember, and their firings. */
export class Triggers1700000000054 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table trigger_firings, trigger_states, triggers');
  }
}
