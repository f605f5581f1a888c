import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import type { Agent } from './agent.entity.js';
import type { AgentCommandName } from './agent-commands.repository.js';
import type { ReportedStatus } from './agent-status.js';

export interface DeliveredCommand {
  id: string;
  command: AgentCommandName;
  reason: string | null;
  created_at: Date;
}

export interface SilentAgent {
  tenant_id: string;
  id: string;
  name: string;
  previous_status: string;
  is_active: boolean;
  control_state: string;
}

interface HeartbeatRow extends Agent {
  commands: (Omit<DeliveredCommand, 'created_at'> & { created_ms: number })[];
}

interface Sign {
  tenantId: string;
  agentId: string;
  status: ReportedStatus;
  name: string | null;
  boardId: string | null;
}

const MOST_SILENT = 500;

/** The hot statement of a heartbeat, and the sweep for agents that send none. */
@Injectable()
export class HeartbeatsRepository {
  constructor(
    private readonly database: TenantDatabase,
    private readonly system: SystemDatabase,
  ) {}

  /**
   * Writes the sign of life, takes the waiting commands, marking them delivered, and reads the agent: one statement, one
   * round trip. Of two heartbeats at once one gets a command, never both.
   */
  async beat({ tenantId, agentId, status, name, boardId }: Sign): Promise<{ agent: Agent; commands: DeliveredCommand[] } | undefined> {
    const rows = await this.database.statement<HeartbeatRow>(
      tenantId,
      `with sign as (
         insert into agent_presence as presence (tenant_id, agent_id, last_seen_at, last_heartbeat_at, reported_status, reported_name, board_id)
         values ($1, $2, now(), now(), $3, $4, $5)
         on conflict (tenant_id, agent_id) do update set last_seen_at = now(), last_heartbeat_at = now(), reported_status = excluded.reported_status,
           reported_name = coalesce(excluded.reported_name, presence.reported_name), board_id = coalesce(excluded.board_id, presence.board_id)
       ), waiting as materialized (
         select id from agent_commands where tenant_id = $1 and agent_id = $2 and delivered_at is null order by id for update skip locked
       ), delivered as (
         update agent_commands set delivered_at = now() where tenant_id = $1 and id in (select id from waiting)
         returning id, command, reason, created_at
       )
       select agents.*, (
         select coalesce(json_agg(json_build_object('id', id, 'command', command, 'reason', reason, 'created_ms', extract(epoch from created_at) * 1000) order by id), '[]')
         from delivered
       ) as commands
       from agents where tenant_id = $1 and id = $2 and deleted_at is null`,
      [tenantId, agentId, status, name, boardId],
    );
    const row = rows[0];
    if (!row) return undefined;
    const { commands, ...agent } = row;
    return { agent, commands: commands.map(({ created_ms, ...command }) => ({ ...command, created_at: new Date(created_ms) })) };
  }

  /** Turns agents offline that gave no sign of life for `seconds`; what another process is turning is left to it. */
  async sweep(seconds: number, publish: (client: PoolClient, silent: SilentAgent[]) => Promise<void>): Promise<number> {
    return this.system.transaction(async (client) => {
      const { rows } = await client.query<SilentAgent>(
        `with silent as materialized (
           select agent.tenant_id, agent.id, agent.status from agents agent
           left join agent_presence presence on presence.tenant_id = agent.tenant_id and presence.agent_id = agent.id
           where agent.status <> 'offline' and agent.deleted_at is null
             and greatest(agent.status_changed_at, presence.last_seen_at) < now() - make_interval(secs => $1)
           order by agent.tenant_id, agent.id limit ${MOST_SILENT} for no key update of agent skip locked
         )
         update agents set status = 'offline', status_changed_at = now(), revision = revision + 1, updated_at = now()
         from silent where agents.tenant_id = silent.tenant_id and agents.id = silent.id
         returning agents.tenant_id, agents.id, agents.name, silent.status as previous_status, agents.is_active, agents.control_state`,
        [seconds],
      );
      if (rows.length > 0) await publish(client, rows);
      return rows.length;
    });
  }
}
