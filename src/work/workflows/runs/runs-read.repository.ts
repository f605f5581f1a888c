import { Injectable } from '@nestjs/common';
import { decodeCursor, encodeCursor, type Page } from '../../../core/page.js';
import { invalidField } from '../../../core/problem.js';
import type { StepStatus } from '../../../core/workflows/rows.js';
import { Sql } from '../../../platform/database/sql.js';
import { pageOfQuery, type Total, totalOf } from '../../../platform/database/table.js';
import type { ListRunsQuery, ListStepsQuery } from './runs.dto.js';
import type { AttemptRow, ShownStep } from './run-rows.js';
import { WorkflowRun } from './workflow-run.entity.js';

const STEP = `path, type, status, attempt, open, done, lost, next, branch, waiting_kind, waiting_id, due_at, timeout_at, input, output, error, reason, undoes, undone, started_at, ended_at`;

/** Runs and their steps, as people read them. */
@Injectable()
export class RunsReadRepository {
  constructor(private readonly sql: Sql) {}

  page(tenantId: string, { workflow_id, status, started_by, parent_run_id, since, until, ...request }: ListRunsQuery): Promise<Page<WorkflowRun>> {
    const query = this.sql.manager.createQueryBuilder(WorkflowRun, 'run').where('run.tenant_id = :tenantId', { tenantId });
    if (workflow_id !== undefined) query.andWhere('run.workflow_id = :workflow_id', { workflow_id });
    if (status !== undefined) query.andWhere('run.status = :status', { status });
    if (started_by !== undefined) query.andWhere('run.started_by_kind = :started_by', { started_by });
    if (parent_run_id !== undefined) query.andWhere('run.parent_run_id = :parent_run_id', { parent_run_id });
    if (since !== undefined) query.andWhere('run.created_at >= :since', { since });
    if (until !== undefined) query.andWhere('run.created_at < :until', { until });
    return pageOfQuery(query, request);
  }

  find(tenantId: string, id: string): Promise<WorkflowRun | null> {
    return this.sql.manager.createQueryBuilder(WorkflowRun, 'run').where('run.tenant_id = :tenantId and run.id = :id', { tenantId, id }).getOne();
  }

  /** How many steps have each status; scopes are none. */
  async counts(tenantId: string, runId: string): Promise<Partial<Record<StepStatus, number>>> {
    const rows = await this.sql.rows<{ status: StepStatus; n: number }>(`select status, count(*)::int as n from workflow_steps where tenant_id = $1 and run_id = $2 and type <> 'scope' group by status`, [tenantId, runId]);
    return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
  }

  /** One page of steps, by their paths. */
  async steps(tenantId: string, runId: string, { limit, offset, cursor, status, under }: ListStepsQuery): Promise<Page<ShownStep>> {
    const values: unknown[] = [tenantId, runId];
    const place = (value: unknown): string => `$${values.push(value)}`;
    const conditions = [`tenant_id = $1 and run_id = $2 and type <> 'scope'`];
    if (status !== undefined) conditions.push(`status = ${place(status)}`);
    // What begins with the path and a slash lies between it and the character after the slash.
    if (under !== undefined) conditions.push(`path > ${place(`${under}/`)} and path < ${place(`${under}0`)}`);
    const from = `from workflow_steps where ${conditions.join(' and ')}`;
    const counted = await this.sql.row<Total>(totalOf(from), [...values]);
    const after = cursor === undefined ? '' : ` and path > ${place(pathAt(cursor))}`;
    const rows = await this.sql.rows<ShownStep>(`select ${STEP} ${from}${after} order by path limit ${place(limit + 1)} offset ${place(cursor === undefined ? offset : 0)}`, values);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return { items, total: counted?.total ?? 0, ...(counted?.beyond ? { total_is_estimate: true } : {}), limit, offset: cursor === undefined ? offset : 0, next_cursor: rows.length > limit && last ? encodeCursor([last.path]) : null };
  }

  /** Open steps that something outside of the run, or a time, must move on: what a stuck run waits for. */
  waiting(tenantId: string, runId: string, most: number): Promise<ShownStep[]> {
    return this.sql.rows<ShownStep>(`select ${STEP} from workflow_steps where tenant_id = $1 and run_id = $2 and status in ('ready', 'waiting', 'retrying') and type <> 'scope' order by path limit $3`, [tenantId, runId, most]);
  }

  async attempts(tenantId: string, runId: string, paths: readonly string[]): Promise<Map<string, AttemptRow[]>> {
    const rows = await this.sql.rows<AttemptRow>('select path, attempt, outcome, error, output, made_kind, made_id, started_at, ended_at from workflow_attempts where tenant_id = $1 and run_id = $2 and path = any($3) order by path, attempt', [tenantId, runId, paths]);
    return Map.groupBy(rows, ({ path }) => path);
  }

  /** For a diagram: where each of its steps stands. */
  states(tenantId: string, runId: string): Promise<{ path: string; status: StepStatus }[]> {
    return this.sql.rows<{ path: string; status: StepStatus }>(`select path, status from workflow_steps where tenant_id = $1 and run_id = $2 and type <> 'scope' and undoes is null`, [tenantId, runId]);
  }

  async statuses(tenantId: string, ids: readonly string[]): Promise<Map<string, { status: string }>> {
    const rows = await this.sql.rows<{ id: string; status: string }>('select id, status from workflow_runs where tenant_id = $1 and id = any($2)', [tenantId, ids]);
    return new Map(rows.map(({ id, status }) => [id, { status }]));
  }
}

function pathAt(cursor: string): string {
  const [path] = decodeCursor(cursor, 1);
  if (typeof path !== 'string' || path.includes('\0')) throw invalidField('cursor', 'cursor', 'is not a cursor of this list');
  return path;
}
