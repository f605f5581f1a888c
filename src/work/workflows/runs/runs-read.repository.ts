import { Injectable } from '@nestjs/common';
import { firstIdAt } from '../../../core/ids.js';
import type { Page } from '../../../core/page.js';
import { Sql } from '../../../platform/database/sql.js';
import { pageOfQuery } from '../../../platform/database/table.js';
import type { ListRunsQuery } from './runs.dto.js';
import type { UnheardRow } from './run-rows.js';
import { shownColumn } from './shown-values.js';
import { StoredSteps } from './stored-steps.js';
import { WorkflowRun } from './workflow-run.entity.js';

const LISTED = `tenant_id, id, workflow_id, version, status, ${shownColumn('input')}, ${shownColumn('output')}, error, started_by_kind, started_by_id, parent_run_id, breakage, timeout_at, created_at, started_at, ended_at, revision`;

/** Ids are made by the clock of a process, times by the database's: they name the part of the index to look at, as long as the clocks are not further apart. */
const CLOCKS_APART_MS = 2 * 3_600_000;

/** Runs, as people read them. */
@Injectable()
export class RunsReadRepository {
  constructor(private readonly sql: Sql) {}

  /** Long values are only told of. */
  async page(tenantId: string, { workflow_id, status, started_by, parent_run_id, since, until, ...request }: ListRunsQuery): Promise<Page<WorkflowRun>> {
    const query = this.sql.manager.createQueryBuilder(WorkflowRun, 'run').select('run.id').where('run.tenant_id = :tenantId', { tenantId });
    if (workflow_id !== undefined) query.andWhere('run.workflow_id = :workflow_id', { workflow_id });
    if (status !== undefined) query.andWhere('run.status = :status', { status });
    if (started_by !== undefined) query.andWhere('run.started_by_kind = :started_by', { started_by });
    if (parent_run_id !== undefined) query.andWhere('run.parent_run_id = :parent_run_id', { parent_run_id });
    if (since !== undefined) query.andWhere('run.created_at >= :since and run.id >= :sinceId', { since, sinceId: firstIdAt(new Date(Date.parse(since) - CLOCKS_APART_MS)) });
    if (until !== undefined) query.andWhere('run.created_at < :until and run.id < :untilId', { until, untilId: firstIdAt(new Date(Date.parse(until) + CLOCKS_APART_MS)) });
    const page = await pageOfQuery(query, request);
    // In one statement: where a run stands and what it has said fit each other.
    const items = await this.sql.rows<WorkflowRun>(`select ${LISTED} from workflow_runs where tenant_id = $1 and id = any($2) order by id desc`, [tenantId, page.items.map(({ id }) => id)]);
    return { ...page, items };
  }

  find(tenantId: string, id: string): Promise<WorkflowRun | null> {
    return this.sql.manager.createQueryBuilder(WorkflowRun, 'run').where('run.tenant_id = :tenantId and run.id = :id', { tenantId, id }).getOne();
  }

  stepsOf(tenantId: string, runId: string): StoredSteps {
    return new StoredSteps(this.sql, tenantId, runId);
  }

  /** What could not be taken in, the oldest first; long values are only told of. */
  unheard(tenantId: string, runId: string, most: number): Promise<UnheardRow[]> {
    return this.sql.rows<UnheardRow>(`select path, attempt, outcome, ${shownColumn('output')}, error, reason, happened_at from workflow_unheard_facts where tenant_id = $1 and run_id = $2 order by happened_at, id limit $3`, [tenantId, runId, most]);
  }

  async statuses(tenantId: string, ids: readonly string[]): Promise<Map<string, { status: string }>> {
    const rows = await this.sql.rows<{ id: string; status: string }>('select id, status from workflow_runs where tenant_id = $1 and id = any($2)', [tenantId, ids]);
    return new Map(rows.map(({ id, status }) => [id, { status }]));
  }
}
