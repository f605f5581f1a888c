import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { RequestContext } from '../../platform/context/request-context.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';

interface Row {
  id: string;
  required_tools: string[];
}

const TOOLS = 'select id, required_tools from tasks where tenant_id = $1 and id = any($2::uuid[])';
const AWAITED = `select tool from unnest($2::text[]) as tool where exists (
  select from task_lanes lane where lane.tenant_id = $1 and tool = any(lane.required_tools) and exists (select from tasks where tenant_id = $1 and lane_id = lane.id and ready))`;

/** Which tools tasks need. */
@Injectable()
export class TaskToolsRepository {
  constructor(
    private readonly context: RequestContext,
    private readonly database: TenantDatabase,
  ) {}

  async of(ids: readonly string[]): Promise<Map<string, string[]>> {
    return byId(await this.database.statement<Row>(this.context.tenantId, TOOLS, [this.context.tenantId, ids]));
  }

  /** Which of these tools a task needs that could be handed out. */
  async awaited(tenantId: string, tools: readonly string[]): Promise<string[]> {
    const rows = await this.database.statement<{ tool: string }>(tenantId, AWAITED, [tenantId, tools]);
    return rows.map(({ tool }) => tool);
  }

  /** The same as `of` on the connection of a transaction that is under way. */
  async within(client: PoolClient, tenantId: string, ids: readonly string[]): Promise<Map<string, string[]>> {
    return byId((await client.query<Row>(TOOLS, [tenantId, ids])).rows);
  }
}

const byId = (rows: readonly Row[]): Map<string, string[]> => new Map(rows.map(({ id, required_tools: tools }) => [id, tools]));
