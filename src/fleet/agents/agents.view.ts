import { ApiProperty } from '@nestjs/swagger';
import type { Agent } from './agent.entity.js';
import type { PresenceRow } from './agent-presence.repository.js';
import { AGENT_STATUSES, type AgentStatus, AUTONOMY_LEVELS, type AutonomyLevel, CONTROL_STATES, type ControlState } from './agent-status.js';

/** An agent. */
export class AgentView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /**
   * The tenant it works for.
   * @example 00000000-0000-7000-8000-000000000001
   */
  tenant_id!: string;
  /**
   * Unique in the tenant.
   * @example code-reviewer
   */
  slug!: string;
  /** @example "Code reviewer" */
  name!: string;
  /** @example "Reviews pull requests" */
  description!: string | null;
  /** @example specialist */
  role!: string;
  /**
   * What it is doing now.
   * @example idle
   */
  @ApiProperty({ enum: AGENT_STATUSES })
  status!: AgentStatus;
  /** @example 2026-01-31T09:30:00.000Z */
  status_changed_at!: string;
  /**
   * What an operator decided: a paused agent gets no new task, a killed one is cut off until it is resumed.
   * @example running
   */
  @ApiProperty({ enum: CONTROL_STATES })
  control_state!: ControlState;
  /** @example null */
  control_reason!: string | null;
  /** @example true */
  is_active!: boolean;
  /** @example anthropic */
  llm_provider!: string | null;
  /** @example claude-sonnet-4-6 */
  llm_model!: string | null;
  /** @example "You review code for mistakes." */
  system_prompt!: string | null;
  /** @example ["git", "shell"] */
  enabled_tools!: string[];
  /** @example 0.2 */
  temperature!: number | null;
  /** @example 4096 */
  max_tokens!: number | null;
  /** @example worker-1 */
  worker_id!: string | null;
  /** @example { "team": "platform" } */
  metadata!: Record<string, unknown>;
  /**
   * How much it may do without being asked.
   * @example supervised
   */
  @ApiProperty({ enum: AUTONOMY_LEVELS })
  autonomy_level!: AutonomyLevel;
  /** @example 10 */
  max_concurrent_tasks!: number;
  /**
   * Most that it may spend in a day, in USD.
   * @example 25.5
   */
  daily_budget_usd!: number | null;
  /**
   * Grows with each change; part of the ETag.
   * @example 1
   */
  revision!: number;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
  /** @example 2026-01-31T09:30:00.000Z */
  updated_at!: string;
}

/** An agent that was just made, with its token. */
export class CreatedAgentView extends AgentView {
  /**
   * The agent's token. It is shown this once and stored hashed.
   * @example wha_0bC2dE4fG6hI8jK0lM2nO4pQ6rS8tU0vW1xY3zA
   */
  token!: string;
}

/** A new token. */
export class RotatedTokenView {
  /**
   * The agent's new token. It is shown this once and stored hashed.
   * @example wha_0bC2dE4fG6hI8jK0lM2nO4pQ6rS8tU0vW1xY3zA
   */
  token!: string;
  /**
   * Until when the token before this one works: the present moment when there is no overlap.
   * @example 2026-01-31T09:35:00.000Z
   */
  previous_valid_until!: string;
}

/** When an agent was last heard, and what it said. */
export class AgentPresenceView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  agent_id!: string;
  /**
   * Its last call of any kind; exact to a quarter of the heartbeat interval.
   * @example 2026-01-31T09:30:00.000Z
   */
  last_seen_at!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  last_heartbeat_at!: string | null;
  /**
   * The status in its last heartbeat.
   * @example online
   */
  reported_status!: string | null;
  /**
   * The name in its last heartbeat that had one.
   * @example Tessa
   */
  reported_name!: string | null;
  /**
   * The board in its last heartbeat that had one.
   * @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00
   */
  board_id!: string | null;
}

export function toAgentView(agent: Agent): AgentView {
  const { id, tenant_id, slug, name, description, role, status, control_state, control_reason, is_active } = agent;
  const { llm_provider, llm_model, system_prompt, enabled_tools, temperature, max_tokens, worker_id, metadata } = agent;
  return {
    id,
    tenant_id,
    slug,
    name,
    description,
    role,
    status,
    status_changed_at: agent.status_changed_at.toISOString(),
    control_state,
    control_reason,
    is_active,
    llm_provider,
    llm_model,
    system_prompt,
    enabled_tools,
    temperature,
    max_tokens,
    worker_id,
    metadata,
    autonomy_level: agent.autonomy_level,
    max_concurrent_tasks: agent.max_concurrent_tasks,
    daily_budget_usd: agent.daily_budget_usd === null ? null : Number(agent.daily_budget_usd),
    revision: agent.revision,
    created_at: agent.created_at.toISOString(),
    updated_at: agent.updated_at.toISOString(),
  };
}

export function toPresenceView(agentId: string, presence: PresenceRow | undefined): AgentPresenceView {
  return {
    agent_id: agentId,
    last_seen_at: presence?.last_seen_at.toISOString() ?? null,
    last_heartbeat_at: presence?.last_heartbeat_at?.toISOString() ?? null,
    reported_status: presence?.reported_status ?? null,
    reported_name: presence?.reported_name ?? null,
    board_id: presence?.board_id ?? null,
  };
}
