import { Injectable } from '@nestjs/common';
import { Sql } from '../../../platform/database/sql.js';
import { SystemDatabase } from '../../../platform/database/system-database.js';

/** A run that ended long enough ago. */
export interface OldRun {
  tenant_id: string;
  id: string;
}

/** What an archive holds: rows as they stood in their tables, by the names of their columns. */
export interface ArchivedRows {
  steps: readonly object[];
  attempts: readonly object[];
}

/** Columns that older archives do not know of, as they were then. */
const LATER_COLUMNS = JSON.stringify({ undone_tries: 0 });

/** Moves steps of runs between their tables and archives. */
@Injectable()
export class RunArchiveRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  /** Of all tenants, the oldest first. @param but ids of runs that are left out */
  oldest(days: number, most: number, but: readonly string[]): Promise<OldRun[]> {
    return this.database.query<OldRun>('select tenant_id, id from workflow_runs where archived_at is null and ended_at < now() - make_interval(days => $1) and id <> all($3) order by ended_at limit $2', [days, most, but]);
  }

  /** Holds a run that is still to be archived, until the transaction ends. */
  async hold(tenantId: string, id: string): Promise<boolean> {
    const rows = await this.sql.rows('select id from workflow_runs where tenant_id = $1 and id = $2 and archived_at is null and ended_at is not null for update', [tenantId, id]);
    return rows.length > 0;
  }

  async rowsOf(tenantId: string, runId: string): Promise<ArchivedRows> {
    const rowsIn = async (table: string): Promise<object[]> => (await this.sql.rows<{ row: object }>(`select to_jsonb(t) as row from ${table} t where tenant_id = $1 and run_id = $2`, [tenantId, runId])).map(({ row }) => row);
    return { steps: await rowsIn('workflow_steps'), attempts: await rowsIn('workflow_attempts') };
  }

  /** Agents that worked on tasks of the run. */
  async agentsOf(tenantId: string, runId: string): Promise<string[]> {
    const rows = await this.sql.rows<{ agent_id: string }>(
      `select distinct ta.agent_id from workflow_attempts a join task_attempts ta on ta.tenant_id = $1 and ta.task_id = (case when a.made_kind = 'task' then a.made_id::uuid end)
       where a.tenant_id = $1 and a.run_id = $2 and ta.agent_id is not null`,
      [tenantId, runId],
    );
    return rows.map(({ agent_id }) => agent_id);
  }

  /** In one transaction with `hold`: the rows go, the archive is there. */
  async store(tenantId: string, runId: string, agents: readonly string[], content: Buffer): Promise<void> {
    await this.sql.execute('insert into workflow_run_archives (tenant_id, run_id, agents, content) values ($1, $2, $3, $4)', [tenantId, runId, agents, content]);
    await this.sql.execute('delete from workflow_attempts where tenant_id = $1 and run_id = $2', [tenantId, runId]);
    await this.sql.execute('delete from workflow_steps where tenant_id = $1 and run_id = $2', [tenantId, runId]);
    await this.sql.execute('update workflow_runs set archived_at = now() where tenant_id = $1 and id = $2', [tenantId, runId]);
  }

  async find(tenantId: string, runId: string): Promise<Buffer | undefined> {
    const row = await this.sql.row<{ content: Buffer | null }>('select content from workflow_run_archives where tenant_id = $1 and run_id = $2', [tenantId, runId]);
    return row?.content ?? undefined;
  }

  /** Puts rows back where they were. */
  async restore(tenantId: string, runId: string, { steps, attempts }: ArchivedRows): Promise<void> {
    await this.sql.execute(`insert into workflow_steps select step.* from jsonb_array_elements($1::jsonb) e, jsonb_populate_record(null::workflow_steps, '${LATER_COLUMNS}' || e) step`, [JSON.stringify(steps)]);
    await this.sql.execute('insert into workflow_attempts select * from jsonb_populate_recordset(null::workflow_attempts, $1::jsonb)', [JSON.stringify(attempts)]);
    await this.sql.execute('delete from workflow_run_archives where tenant_id = $1 and run_id = $2', [tenantId, runId]);
    await this.sql.execute('update workflow_runs set archived_at = null where tenant_id = $1 and id = $2', [tenantId, runId]);
  }
}
