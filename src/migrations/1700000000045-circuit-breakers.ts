import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `create table circuit_breakers (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null,
    scope text not null default 'tenant' check (scope in ('tenant', 'global')),
    target_kind text not null check (target_kind in ('host', 'llm_provider', 'tool', 'mcp_server', 'agent')),
    target_name text not null,
    failure_threshold integer,
    failure_rate double precision,
    slow_call_ms integer,
    slow_call_rate double precision,
    minimum_calls integer not null,
    window_seconds integer not null,
    open_seconds integer not null,
    open_factor double precision not null,
    max_open_seconds integer not null,
    half_open_max integer not null,
    success_threshold integer not null,
    state text not null default 'closed' check (state in ('closed', 'open', 'half_open')),
    forced boolean not null default false,
    -- Grows with every change of the state: what belongs to an earlier one counts no more.
    epoch integer not null default 0,
    -- Times in a row that it has opened without closing between.
    openings integer not null default 0,
    opened_at timestamptz(3),
    next_probe_at timestamptz(3),
    half_open_successes integer not null default 0,
    -- The failures of the window, no more than the threshold: [when in ms, key or null].
    failures jsonb not null default '[]',
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, name),
    check (state <> 'half_open' or not forced)
  )`,
  `create index circuit_breakers_global on circuit_breakers (id) where scope = 'global'`,
  ...isolateTenants('circuit_breakers'),

  `create table circuit_breaker_transitions (
    tenant_id uuid not null,
    breaker_id uuid not null,
    id bigint generated always as identity,
    from_state text not null,
    to_state text not null,
    forced boolean not null,
    reason text not null,
    by_kind text not null,
    by_id text,
    counts jsonb,
    created_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, breaker_id, id),
    foreign key (tenant_id, breaker_id) references circuit_breakers (tenant_id, id) on delete cascade
  )`,
  ...isolateTenants('circuit_breaker_transitions'),

  // Calls that were let through to see whether the target is well again.
  `create table circuit_breaker_probes (
    tenant_id uuid not null,
    breaker_id uuid not null,
    id uuid not null,
    -- The process that makes the call, or the task that is the call: with either one gone, the probe may be made again.
    process_id uuid,
    task_id uuid,
    expires_at timestamptz(3) not null,
    primary key (tenant_id, breaker_id, id),
    foreign key (tenant_id, breaker_id) references circuit_breakers (tenant_id, id) on delete cascade
  )`,
  ...isolateTenants('circuit_breaker_probes'),
];

/** Circuit breakers, what became of them and why, and the probes that are under way. */
export class CircuitBreakers1700000000045 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table circuit_breaker_probes, circuit_breaker_transitions, circuit_breakers');
  }
}
