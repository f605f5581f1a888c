import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  // A lane is one kind of demand: for this agent (or any), on this board (or none), with these tools. A claim looks at
  // the few lanes an agent may serve, each an ordered index range, and never scans past tasks it could not take.
  `create table task_lanes (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id bigint generated always as identity,
    key bytea not null,
    agent_id uuid,
    board_id uuid,
    required_tools text[] not null,
    primary key (tenant_id, id),
    unique (tenant_id, key),
    foreign key (tenant_id, agent_id) references agents (tenant_id, id) on delete cascade,
    foreign key (tenant_id, board_id) references boards (tenant_id, id) on delete cascade
  )`,
  `create index task_lanes_agent on task_lanes (tenant_id, agent_id)`,
  ...isolateTenants('task_lanes'),

  // No foreign keys to the tenant and the lane: every insert would take a lock on the same parent row.
  `create table tasks (
    tenant_id uuid not null,
    id uuid not null,
    title text not null,
    description text,
    instructions text,
    payload jsonb,
    status text not null check (status in ('inbox', 'queued', 'in_progress', 'review', 'completed', 'failed', 'dead_letter', 'blocked', 'cancelled')),
    priority text not null check (priority in ('critical', 'high', 'medium', 'low')),
    priority_rank smallint not null,
    agent_id uuid,
    board_id uuid,
    lane_id bigint not null,
    required_tools text[] not null default '{}',
    parent_task_id uuid,
    deadline timestamptz(3),
    deadline_exceeded boolean not null default false,
    max_retries integer not null default 3,
    retry_count integer not null default 0,
    attempts integer not null default 0,
    fence bigint not null default 0,
    ready boolean not null default false,
    available_at timestamptz(3) not null default now(),
    waiting_for integer not null default 0,
    claimed_by uuid,
    claimed_at timestamptz(3),
    lease_seconds integer,
    lease_expires_at timestamptz(3),
    progress_percent smallint,
    progress_note text,
    result jsonb,
    output_files jsonb,
    error text,
    created_by_kind text not null,
    created_by_id text not null,
    retried_from uuid,
    cancel_reason text,
    started_at timestamptz(3),
    completed_at timestamptz(3),
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, agent_id) references agents (tenant_id, id),
    foreign key (tenant_id, board_id) references boards (tenant_id, id),
    foreign key (tenant_id, parent_task_id) references tasks (tenant_id, id),
    check (ready = false or status = 'queued'),
    check ((status = 'in_progress') = (claimed_by is not null))
  ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05)`,
  `create index tasks_ready on tasks (tenant_id, lane_id, priority_rank, created_at, id) where ready`,
  `create index tasks_held on tasks (tenant_id, claimed_by) where status = 'in_progress'`,
  `create index tasks_lease on tasks (lease_expires_at) where status = 'in_progress'`,
  `create index tasks_delayed on tasks (available_at) where status = 'queued' and not ready`,
  `create index tasks_deadline on tasks (deadline) where deadline is not null and not deadline_exceeded and status not in ('completed', 'cancelled', 'dead_letter')`,
  `create index tasks_status on tasks (tenant_id, status, id)`,
  `create index tasks_agent on tasks (tenant_id, agent_id, id) where agent_id is not null`,
  `create index tasks_board on tasks (tenant_id, board_id, id) where board_id is not null`,
  `create index tasks_parent on tasks (tenant_id, parent_task_id) where parent_task_id is not null`,
  ...isolateTenants('tasks'),

  `create table task_dependencies (
    tenant_id uuid not null,
    task_id uuid not null,
    depends_on uuid not null,
    primary key (tenant_id, task_id, depends_on),
    foreign key (tenant_id, task_id) references tasks (tenant_id, id) on delete cascade,
    foreign key (tenant_id, depends_on) references tasks (tenant_id, id) on delete cascade,
    check (task_id <> depends_on)
  )`,
  `create index task_dependencies_reverse on task_dependencies (tenant_id, depends_on)`,
  ...isolateTenants('task_dependencies'),

  // One row per ended attempt; the running one is in the task itself.
  `create table task_attempts (
    tenant_id uuid not null,
    task_id uuid not null,
    fence bigint not null,
    attempt integer not null,
    agent_id uuid,
    outcome text not null check (outcome in ('completed', 'failed', 'expired', 'released', 'cancelled', 'killed')),
    error text,
    started_at timestamptz(3) not null,
    ended_at timestamptz(3) not null default clock_timestamp(),
    answer jsonb,
    primary key (tenant_id, task_id, fence)
  )`,
  ...isolateTenants('task_attempts'),

  `create table task_comments (
    tenant_id uuid not null,
    id uuid not null,
    task_id uuid not null,
    body text not null,
    author_kind text not null,
    author_id text not null,
    created_at timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, task_id) references tasks (tenant_id, id) on delete cascade
  )`,
  `create index task_comments_task on task_comments (tenant_id, task_id, id)`,
  ...isolateTenants('task_comments'),

  `create table dead_letters (
    tenant_id uuid not null,
    id uuid not null,
    task_id uuid not null,
    title text not null,
    reason text not null,
    attempts jsonb not null,
    retry_requested_at timestamptz(3),
    retried_at timestamptz(3),
    created_at timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, task_id) references tasks (tenant_id, id) on delete cascade
  )`,
  `create unique index dead_letters_open on dead_letters (tenant_id, task_id) where retried_at is null`,
  `create index dead_letters_to_retry on dead_letters (retry_requested_at) where retry_requested_at is not null and retried_at is null`,
  ...isolateTenants('dead_letters'),
];

/** Tasks, the lanes they wait in, their attempts, and the dead letters. */
export class Work1700000000004 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['dead_letters', 'task_comments', 'task_attempts', 'task_dependencies', 'tasks', 'task_lanes']) {
      await queryRunner.query(`drop table ${table}`);
    }
  }
}
