import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `create table workflow_runs (
    tenant_id uuid not null,
    id uuid not null,
    workflow_id uuid not null,
    version integer not null,
    status text not null check (status in ('pending', 'running', 'paused', 'compensating', 'completed', 'failed', 'cancelled')),
    input jsonb,
    output jsonb,
    error jsonb,
    ends_as text check (ends_as in ('failed', 'cancelled')),
    open integer not null default 0,
    seq integer not null default 0,
    steps integer not null default 0,
    started_by_kind text not null,
    started_by_id text not null,
    -- One run for each: of a schedule, a trigger, a step of another run.
    start_key text collate "C",
    -- Who wants it: they approve nothing that it asks for.
    requester text,
    parent_run_id uuid,
    parent_path text collate "C",
    parent_attempt integer,
    -- How many runs it stands in, one within the other.
    depth integer not null default 0,
    timeout_at timestamptz(3),
    -- A run that breaks the engine is left alone for a growing while, and says why.
    broken_until timestamptz(3),
    breakages integer not null default 0,
    breakage text,
    revision integer not null default 1,
    created_at timestamptz(3) not null default clock_timestamp(),
    started_at timestamptz(3),
    ended_at timestamptz(3),
    -- Since then its steps are in workflow_run_archives.
    archived_at timestamptz(3),
    primary key (tenant_id, id),
    foreign key (tenant_id, workflow_id) references workflows (tenant_id, id) on delete cascade
  )`,
  `create unique index workflow_runs_key on workflow_runs (tenant_id, workflow_id, start_key) where start_key is not null`,
  `create index workflow_runs_of on workflow_runs (tenant_id, workflow_id, id)`,
  `create index workflow_runs_status on workflow_runs (tenant_id, status, id)`,
  `create index workflow_runs_new on workflow_runs (created_at) where status = 'pending'`,
  `create index workflow_runs_late on workflow_runs (timeout_at) where timeout_at is not null`,
  `create index workflow_runs_open on workflow_runs (tenant_id) where ended_at is null`,
  `create index workflow_runs_ended on workflow_runs (ended_at) where ended_at is not null and archived_at is null`,
  `create index workflow_runs_parent on workflow_runs (tenant_id, parent_run_id) where parent_run_id is not null`,
  ...isolateTenants('workflow_runs'),

  // A step of a run, or a scope that was entered. "scope" is the path without its last part: what stands together is found by it.
  `create table workflow_steps (
    tenant_id uuid not null,
    run_id uuid not null,
    path text collate "C" not null,
    scope text collate "C" not null,
    type text not null,
    status text not null check (status in ('pending', 'ready', 'waiting', 'retrying', 'completed', 'failed', 'skipped', 'cancelled')),
    attempt integer not null default 0,
    arrived integer not null default 0,
    taken integer not null default 0,
    absent integer not null default 0,
    open integer not null default 0,
    done integer not null default 0,
    lost integer not null default 0,
    next integer not null default 0,
    branch text,
    waiting_kind text,
    waiting_id text collate "C",
    due_at timestamptz(3),
    timeout_at timestamptz(3),
    input jsonb,
    output jsonb,
    error jsonb,
    reason text,
    ended_seq integer,
    undoable boolean not null default false,
    undoes text collate "C",
    undone boolean not null default false,
    started_at timestamptz(3),
    ended_at timestamptz(3),
    primary key (tenant_id, run_id, path),
    foreign key (tenant_id, run_id) references workflow_runs (tenant_id, id) on delete cascade
  )`,
  `create index workflow_steps_scope on workflow_steps (tenant_id, run_id, scope)`,
  `create index workflow_steps_open on workflow_steps (tenant_id, run_id, path) where status in ('pending', 'ready', 'waiting', 'retrying')`,
  `create index workflow_steps_due on workflow_steps (least(due_at, timeout_at)) where due_at is not null or timeout_at is not null`,
  `create index workflow_steps_waiting on workflow_steps (tenant_id, waiting_kind, waiting_id) where waiting_id is not null`,
  `create index workflow_steps_undoable on workflow_steps (tenant_id, run_id, ended_seq) where undoable`,
  `create index workflow_steps_undone on workflow_steps (tenant_id, run_id) where undone`,
  ...isolateTenants('workflow_steps'),

  `create table workflow_attempts (
    tenant_id uuid not null,
    run_id uuid not null,
    path text collate "C" not null,
    attempt integer not null,
    outcome text not null check (outcome in ('completed', 'failed', 'cancelled')),
    error jsonb,
    -- What it waited for: its task, its approval, its child run.
    made_kind text,
    made_id text collate "C",
    -- What a try that failed was answered.
    output jsonb,
    started_at timestamptz(3),
    ended_at timestamptz(3) not null,
    primary key (tenant_id, run_id, path, attempt),
    foreign key (tenant_id, run_id) references workflow_runs (tenant_id, id) on delete cascade
  )`,
  `create index workflow_attempts_made on workflow_attempts (tenant_id, made_kind, made_id) where made_id is not null`,
  ...isolateTenants('workflow_attempts'),

  // Steps and tries of runs that ended long ago, as compressed JSON: one row instead of thousands.
  `create table workflow_run_archives (
    tenant_id uuid not null,
    run_id uuid not null,
    -- Whose words may be in it.
    agents uuid[] not null,
    content bytea,
    created_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, run_id),
    foreign key (tenant_id, run_id) references workflow_runs (tenant_id, id) on delete cascade
  )`,
  `create index workflow_run_archives_agents on workflow_run_archives using gin (agents)`,
  ...isolateTenants('workflow_run_archives'),

  // What happened outside of a run and concerns a step of it; gone with the transaction that takes it in.
  `create table workflow_facts (
    tenant_id uuid not null,
    id uuid not null,
    run_id uuid not null,
    path text collate "C" not null,
    attempt integer,
    outcome text not null check (outcome in ('completed', 'failed', 'cancelled')),
    output jsonb,
    error jsonb,
    created_at timestamptz(3) not null default clock_timestamp(),
    primary key (tenant_id, run_id, id),
    foreign key (tenant_id, run_id) references workflow_runs (tenant_id, id) on delete cascade
  )`,
  `create index workflow_facts_new on workflow_facts (created_at)`,
  ...isolateTenants('workflow_facts'),
];

/** Runs of workflows, and all that a run consists of. */
export class WorkflowRuns1700000000052 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['workflow_facts', 'workflow_run_archives', 'workflow_attempts', 'workflow_steps', 'workflow_runs']) await queryRunner.query(`drop table ${table}`);
  }
}
