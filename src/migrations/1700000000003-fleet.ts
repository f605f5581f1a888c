import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateTenants } from '../platform/database/tenant-table.js';

const STATEMENTS = [
  `create table agents (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    slug text not null,
    name text not null,
    description text,
    role text not null default 'specialist',
    status text not null default 'offline' check (status in ('offline', 'idle', 'busy', 'error', 'paused', 'maintenance')),
    status_changed_at timestamptz(3) not null default now(),
    control_state text not null default 'running' check (control_state in ('running', 'paused', 'killed')),
    control_reason text,
    is_active boolean not null default true,
    llm_provider text,
    llm_model text,
    system_prompt text,
    enabled_tools text[] not null default '{}',
    temperature double precision,
    max_tokens integer,
    worker_id text,
    metadata jsonb not null default '{}',
    autonomy_level text not null default 'supervised',
    max_concurrent_tasks integer not null default 10 check (max_concurrent_tasks between 1 and 10000),
    daily_budget_usd numeric(18, 6),
    deleted_at timestamptz(3),
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, id)
  )`,
  `create unique index agents_slug on agents (tenant_id, slug) where deleted_at is null`,
  `create index agents_status on agents (tenant_id, status, id) where deleted_at is null`,
  // The few that the sweeper for silent agents looks at.
  `create index agents_awake on agents (tenant_id, id) where status <> 'offline' and deleted_at is null`,
  ...isolateTenants('agents'),

  // Signs of life change often and matter little: apart from the agents, so that a heartbeat locks nothing.
  `create table agent_presence (
    tenant_id uuid not null,
    agent_id uuid not null,
    last_seen_at timestamptz(3) not null,
    last_heartbeat_at timestamptz(3),
    reported_status text,
    reported_name text,
    board_id uuid,
    primary key (tenant_id, agent_id),
    foreign key (tenant_id, agent_id) references agents (tenant_id, id) on delete cascade
  ) with (fillfactor = 70)`,
  ...isolateTenants('agent_presence'),

  `create table agent_tokens (
    tenant_id uuid not null,
    id uuid not null,
    agent_id uuid not null,
    prefix text not null,
    token_hash bytea not null,
    expires_at timestamptz(3),
    revoked_at timestamptz(3),
    created_at timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, agent_id) references agents (tenant_id, id) on delete cascade
  )`,
  `create unique index agent_tokens_hash on agent_tokens (token_hash)`,
  `create index agent_tokens_agent on agent_tokens (tenant_id, agent_id)`,
  ...isolateTenants('agent_tokens'),

  `create table agent_commands (
    tenant_id uuid not null,
    id uuid not null,
    agent_id uuid not null,
    command text not null check (command in ('pause', 'resume', 'kill', 'rotate_token')),
    reason text,
    created_at timestamptz(3) not null default now(),
    delivered_at timestamptz(3),
    primary key (tenant_id, id),
    foreign key (tenant_id, agent_id) references agents (tenant_id, id) on delete cascade
  )`,
  `create index agent_commands_waiting on agent_commands (tenant_id, agent_id, id) where delivered_at is null`,
  ...isolateTenants('agent_commands'),

  `create table boards (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    slug text not null,
    name text not null,
    description text,
    require_approval_for_done boolean not null default false,
    require_review_before_done boolean not null default false,
    comment_required_for_review boolean not null default false,
    block_status_changes_with_pending_approval boolean not null default false,
    only_lead_can_change_status boolean not null default false,
    max_agents integer check (max_agents > 0),
    lead_agent_id uuid,
    deleted_at timestamptz(3),
    revision integer not null default 1,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, lead_agent_id) references agents (tenant_id, id)
  )`,
  `create unique index boards_slug on boards (tenant_id, slug) where deleted_at is null`,
  ...isolateTenants('boards'),
  `create table board_agents (
    tenant_id uuid not null,
    board_id uuid not null,
    agent_id uuid not null,
    added_at timestamptz(3) not null default now(),
    primary key (tenant_id, board_id, agent_id),
    foreign key (tenant_id, board_id) references boards (tenant_id, id) on delete cascade,
    foreign key (tenant_id, agent_id) references agents (tenant_id, id) on delete cascade
  )`,
  `create index board_agents_agent on board_agents (tenant_id, agent_id)`,
  ...isolateTenants('board_agents'),
  `create table board_memory (
    tenant_id uuid not null,
    id uuid not null,
    board_id uuid not null,
    content text not null,
    tags text[] not null default '{}',
    source text,
    author_kind text not null,
    author_id text not null,
    created_at timestamptz(3) not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, board_id) references boards (tenant_id, id) on delete cascade
  )`,
  `create index board_memory_board on board_memory (tenant_id, board_id, id)`,
  ...isolateTenants('board_memory'),
];

/** Agents, their tokens and commands, and the boards they work on. */
export class Fleet1700000000003 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await queryRunner.query(statement);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['board_memory', 'board_agents', 'boards', 'agent_commands', 'agent_tokens', 'agent_presence', 'agents']) {
      await queryRunner.query(`drop table ${table}`);
    }
  }
}
