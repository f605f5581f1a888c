import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { newId } from '../../core/ids.js';
import { Sql } from '../../platform/database/sql.js';

export const AGENT_COMMANDS = ['pause', 'resume', 'kill', 'rotate_token'] as const;
export type AgentCommandName = (typeof AGENT_COMMANDS)[number];

/** Something that an agent is told to do. */
export interface AgentCommand {
  id: string;
  agent_id: string;
  command: AgentCommandName;
  reason: string | null;
  created_at: Date;
}

/** Rows of `agent_commands`: what waits for an agent until a heartbeat delivers it, once. */
@Injectable()
export class AgentCommandsRepository {
  constructor(private readonly sql: Sql) {}

  /** Adds a command. A new control command takes the place of one that was not delivered yet: only the last decision counts. */
  async add(tenantId: string, agentId: string, command: AgentCommandName, reason: string | null): Promise<void> {
    if (command !== 'rotate_token') await this.dropWaiting(tenantId, agentId, ['pause', 'resume', 'kill']);
    await this.sql.execute('insert into agent_commands (tenant_id, id, agent_id, command, reason) values ($1, $2, $3, $4, $5)', [tenantId, newId(), agentId, command, reason]);
  }

  async dropWaiting(tenantId: string, agentId: string, commands: readonly AgentCommandName[]): Promise<void> {
    await this.sql.execute('delete from agent_commands where tenant_id = $1 and agent_id = $2 and delivered_at is null and command = any($3::text[])', [tenantId, agentId, commands]);
  }

  /** What waits for the agents, oldest first, on the connection of the caller's transaction. */
  async waiting(client: PoolClient, tenantId: string, agentIds: readonly string[]): Promise<AgentCommand[]> {
    const { rows } = await client.query<AgentCommand>(
      `select id, agent_id, command, reason, created_at from agent_commands
       where tenant_id = $1 and agent_id = any($2::uuid[]) and delivered_at is null order by id`,
      [tenantId, agentIds],
    );
    return rows;
  }
}
