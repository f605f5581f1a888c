import { Injectable } from '@nestjs/common';
import { Sql } from '../../platform/database/sql.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';

/** Rows of `board_agents`: which agent is on which board. Their count is only certain while the board's row is held. */
@Injectable()
export class BoardAgentsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: TenantDatabase,
  ) {}

  async has(tenantId: string, boardId: string, agentId: string): Promise<boolean> {
    const row = await this.sql.row('select 1 from board_agents where tenant_id = $1 and board_id = $2 and agent_id = $3', [tenantId, boardId, agentId]);
    return row !== undefined;
  }

  async count(tenantId: string, boardId: string): Promise<number> {
    const row = await this.sql.row<{ total: number }>('select count(*)::int as total from board_agents where tenant_id = $1 and board_id = $2', [tenantId, boardId]);
    return row?.total ?? 0;
  }

  async agentIds(tenantId: string, boardId: string): Promise<string[]> {
    const rows = await this.sql.rows<{ agent_id: string }>('select agent_id from board_agents where tenant_id = $1 and board_id = $2', [tenantId, boardId]);
    return rows.map(({ agent_id }) => agent_id);
  }

  async boardIds(tenantId: string, agentId: string): Promise<string[]> {
    const rows = await this.sql.rows<{ board_id: string }>('select board_id from board_agents where tenant_id = $1 and agent_id = $2', [tenantId, agentId]);
    return rows.map(({ board_id }) => board_id);
  }

  /** Outside of a transaction, in one round trip: for heartbeats. */
  async boardIdsNow(tenantId: string, agentId: string): Promise<string[]> {
    const rows = await this.database.statement<{ board_id: string }>(tenantId, 'select board_id from board_agents where tenant_id = $1 and agent_id = $2', [tenantId, agentId]);
    return rows.map(({ board_id }) => board_id);
  }

  async add(tenantId: string, boardId: string, agentId: string): Promise<void> {
    await this.sql.execute('insert into board_agents (tenant_id, board_id, agent_id) values ($1, $2, $3)', [tenantId, boardId, agentId]);
  }

  /** @returns whether the agent was on the board */
  async remove(tenantId: string, boardId: string, agentId: string): Promise<boolean> {
    return (await this.sql.execute('delete from board_agents where tenant_id = $1 and board_id = $2 and agent_id = $3', [tenantId, boardId, agentId])) > 0;
  }

  async removeAgent(tenantId: string, agentId: string): Promise<void> {
    await this.sql.execute('delete from board_agents where tenant_id = $1 and agent_id = $2', [tenantId, agentId]);
  }

  async removeBoard(tenantId: string, boardId: string): Promise<void> {
    await this.sql.execute('delete from board_agents where tenant_id = $1 and board_id = $2', [tenantId, boardId]);
  }
}
