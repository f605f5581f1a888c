import { Injectable } from '@nestjs/common';
import { RequestContext } from '../../../platform/context/request-context.js';
import { Sql } from '../../../platform/database/sql.js';
import type { StartedBy } from './run-starts.service.js';

export type { StartedBy };

/** Tasks that steps order have this before the id of the run, as their maker. */
export const RUN_MAKER = 'workflow-run:';

/** What others may ask about how runs came about, of the context's tenant, in the caller's transaction. */
@Injectable()
export class RunStarters {
  constructor(
    private readonly context: RequestContext,
    private readonly sql: Sql,
  ) {}

  /** The runs whose steps asked for approvals, by the approval. */
  async behindApprovals(approvalIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.sql.rows<{ id: string; run_id: string }>(
      `select waiting_id as id, run_id from workflow_steps where tenant_id = $1 and waiting_kind = 'approval' and waiting_id = any($2::text[])
       union select made_id, run_id from workflow_attempts where tenant_id = $1 and made_kind = 'approval' and made_id = any($2::text[])`,
      [this.context.tenantId, approvalIds],
    );
    return new Map(rows.map(({ id, run_id }) => [id, run_id]));
  }

  /** Who or what started runs; of a run within others, who started the outermost. */
  async of(runIds: readonly string[]): Promise<Map<string, StartedBy>> {
    const rows = await this.sql.rows<StartedBy & { run_id: string }>(
      `with recursive line as (
         select id as run_id, id, parent_run_id, started_by_kind, started_by_id from workflow_runs where tenant_id = $1 and id = any($2::uuid[])
         union all
         select line.run_id, r.id, r.parent_run_id, r.started_by_kind, r.started_by_id from line join workflow_runs r on r.tenant_id = $1 and r.id = line.parent_run_id
       )
       select run_id, started_by_kind as kind, started_by_id as id from line where parent_run_id is null`,
      [this.context.tenantId, runIds],
    );
    return new Map(rows.map(({ run_id, kind, id }) => [run_id, { kind, id }]));
  }
}
