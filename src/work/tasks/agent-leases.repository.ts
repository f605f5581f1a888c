import { Injectable } from '@nestjs/common';
import type { HeldLease } from '../../fleet/agents/agent-leases.port.js';
import { Sql } from '../../platform/database/sql.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';

interface TakenBack {
  id: string;
  lane_id: string;
  agent_id: string | null;
  board_id: string | null;
}

/** SQL of taking leases back by agent. */
@Injectable()
export class AgentLeasesRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: TenantDatabase,
  ) {}

  takeBackAll(tenantId: string, agentId: string, reason: string): Promise<TakenBack[]> {
    return this.sql.rows<TakenBack>(
      `with held as (
         select id, fence, attempts, claimed_at from tasks
         where tenant_id = $1 and claimed_by = $2 and status = 'in_progress' order by id for update
       ), ended as (
         insert into task_attempts (tenant_id, task_id, fence, attempt, agent_id, outcome, error, started_at)
         select $1, id, fence, attempts, $2, 'killed', $3, claimed_at from held
       )
       update tasks set status = 'queued', ready = true, available_at = now(), attempts = tasks.attempts - 1,
         claimed_by = null, claimed_at = null, lease_expires_at = null, lease_seconds = null, progress_percent = null, progress_note = null,
         revision = revision + 1, updated_at = now()
       from held where tasks.tenant_id = $1 and tasks.id = held.id
       returning tasks.id, tasks.lane_id, tasks.agent_id, tasks.board_id`,
      [tenantId, agentId, reason],
    );
  }

  async countHeld(tenantId: string, agentIds: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.sql.rows<{ claimed_by: string; held: number }>(
      `select claimed_by, count(*)::int as held from tasks
       where tenant_id = $1 and status = 'in_progress' and claimed_by = any($2::uuid[]) group by claimed_by`,
      [tenantId, agentIds],
    );
    return new Map(rows.map((row) => [row.claimed_by, row.held]));
  }

  leasesOf(tenantId: string, agentId: string): Promise<HeldLease[]> {
    return this.sql.rows<HeldLease>(
      `select id as task_id, board_id from tasks
       where tenant_id = $1 and claimed_by = $2 and status = 'in_progress' and lease_expires_at > clock_timestamp() order by id`,
      [tenantId, agentId],
    );
  }

  async heldNow(tenantId: string, agentId: string): Promise<number> {
    const text = `select count(*)::int as held from tasks where tenant_id = $1 and status = 'in_progress' and claimed_by = $2`;
    const rows = await this.database.statement<{ held: number }>(tenantId, text, [tenantId, agentId]);
    return rows[0]?.held ?? 0;
  }
}
