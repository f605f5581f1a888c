import { Injectable } from '@nestjs/common';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import type { ReportedStatus } from './agent-status.js';

export interface AgentKey {
  tenant_id: string;
  agent_id: string;
}

/** An agent that counts as offline and is heard again, with what it said last. */
export interface ReturnedAgent extends AgentKey {
  reported_status: ReportedStatus;
}

export interface PresenceRow {
  last_seen_at: Date;
  last_heartbeat_at: Date | null;
  reported_status: string | null;
  reported_name: string | null;
  board_id: string | null;
}

/** Rows of `agent_presence`. Signs of life of all tenants are written together, so they go through the system's door. */
@Injectable()
export class AgentPresenceRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  find(tenantId: string, agentId: string): Promise<PresenceRow | undefined> {
    return this.sql.row<PresenceRow>('select last_seen_at, last_heartbeat_at, reported_status, reported_name, board_id from agent_presence where tenant_id = $1 and agent_id = $2', [
      tenantId,
      agentId,
    ]);
  }

  async lastSeen(tenantId: string, agentIds: readonly string[]): Promise<Map<string, Date>> {
    const rows = await this.sql.rows<{ agent_id: string; last_seen_at: Date }>('select agent_id, last_seen_at from agent_presence where tenant_id = $1 and agent_id = any($2::uuid[])', [tenantId, agentIds]);
    return new Map(rows.map(({ agent_id, last_seen_at }) => [agent_id, last_seen_at]));
  }

  /**
   * Writes signs of life, in one statement. A row younger than `seconds` is left as it is: it is exact enough, and a
   * busy agent then costs one write in a while.
   * @returns the agents among them that count as offline, although they have not signed off
   */
  touch(agents: readonly AgentKey[], seconds: number): Promise<ReturnedAgent[]> {
    return this.database.query<ReturnedAgent>(
      `with seen as materialized (
         select agent.tenant_id, agent.id as agent_id, agent.status, agent.is_active, agent.control_state
         from unnest($1::uuid[], $2::uuid[]) as sign (tenant_id, agent_id)
         join agents agent on agent.tenant_id = sign.tenant_id and agent.id = sign.agent_id and agent.deleted_at is null
       ), touched as (
         insert into agent_presence (tenant_id, agent_id, last_seen_at) select tenant_id, agent_id, now() from seen order by tenant_id, agent_id
         on conflict (tenant_id, agent_id) do update set last_seen_at = excluded.last_seen_at
           where agent_presence.last_seen_at < excluded.last_seen_at - make_interval(secs => $3)
       )
       select seen.tenant_id, seen.agent_id, coalesce(presence.reported_status, 'online') as reported_status from seen
       left join agent_presence presence on presence.tenant_id = seen.tenant_id and presence.agent_id = seen.agent_id
       where seen.status = 'offline' and seen.is_active and seen.control_state <> 'killed' and presence.reported_status is distinct from 'offline'`,
      [agents.map(({ tenant_id }) => tenant_id), agents.map(({ agent_id }) => agent_id), seconds],
    );
  }
}
