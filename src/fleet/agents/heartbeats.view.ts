import { ApiProperty } from '@nestjs/swagger';
import type { Agent } from './agent.entity.js';
import { AGENT_COMMANDS, type AgentCommandName } from './agent-commands.repository.js';
import { AgentView, toAgentView } from './agents.view.js';
import type { DeliveredCommand } from './heartbeats.repository.js';

/** Something that the agent is told to do; it is told once. */
export class AgentCommandView {
  /** @example 0199f0a2-5c1e-7cc3-98a4-6a3d2f8e1b00 */
  id!: string;
  /**
   * pause: take no new task; resume: go on; kill: drop everything; rotate_token: fetch the new token from the operator
   * before the present one ends.
   * @example pause
   */
  @ApiProperty({ enum: AGENT_COMMANDS })
  command!: AgentCommandName;
  /** @example "Maintenance window" */
  reason!: string | null;
  /** @example 2026-01-31T09:30:00.000Z */
  created_at!: string;
}

/** What an agent hears back. */
export class HeartbeatView {
  agent!: AgentView;
  /** What waited for the agent, oldest first. Each command is delivered exactly once. */
  commands!: AgentCommandView[];
  /**
   * When the next heartbeat is due; after three missed the agent is offline.
   * @example 20
   */
  next_heartbeat_seconds!: number;
}

export function toHeartbeatView(agent: Agent, commands: readonly DeliveredCommand[], seconds: number): HeartbeatView {
  return {
    agent: toAgentView(agent),
    commands: commands.map(({ id, command, reason, created_at }) => ({ id, command, reason, created_at: created_at.toISOString() })),
    next_heartbeat_seconds: seconds,
  };
}
