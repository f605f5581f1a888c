import type { Page } from '../../../core/page.js';
import type { StepStatus } from '../../../core/workflows/rows.js';
import type { Sql } from '../../../platform/database/sql.js';
import { type Total, totalOf } from '../../../platform/database/table.js';
import { type AttemptRow, type Extent, pageOfSteps, pathAt, type ShownStep, type StepsOfRun } from './run-rows.js';
import type { ListStepsQuery } from './runs.dto.js';
import { shownColumn } from './shown-values.js';

const COLUMNS = 'path, type, status, attempt, open, done, lost, next, branch, waiting_kind, waiting_id, due_at, timeout_at, error, reason, undoes, undone, started_at, ended_at';
const LISTED = `${COLUMNS}, ${shownColumn('input')}, ${shownColumn('output')}`;
const OF_RUN = `from workflow_steps where tenant_id = $1 and run_id = $2 and type <> 'scope'`;

/** Steps of a run, in their tables. */
export class StoredSteps implements StepsOfRun {
  constructor(
    private readonly sql: Sql,
    private readonly tenantId: string,
    private readonly runId: string,
  ) {}

  async counts(): Promise<Partial<Record<StepStatus, number>>> {
    const rows = await this.sql.rows<{ status: StepStatus; n: number }>(`select status, count(*)::int as n ${OF_RUN} group by status`, [this.tenantId, this.runId]);
    return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
  }

  async steps({ limit, offset, cursor, status, under }: ListStepsQuery): Promise<Page<ShownStep>> {
    const values: unknown[] = [this.tenantId, this.runId];
    const place = (value: unknown): string => `$${values.push(value)}`;
    const conditions = [OF_RUN];
    if (status !== undefined) conditions.push(`status = ${place(status)}`);
    // What begins with the path and a slash lies between it and the character after the slash.
    if (under !== undefined) conditions.push(`path > ${place(`${under}/`)} and path < ${place(`${under}0`)}`);
    const from = conditions.join(' and ');
    const total = (await this.sql.row<Total>(totalOf(from), [...values])) ?? { total: 0, beyond: false };
    const after = cursor === undefined ? '' : ` and path > ${place(pathAt(cursor))}`;
    const skipped = cursor === undefined ? offset : 0;
    const rows = await this.sql.rows<ShownStep>(`select ${LISTED} ${from}${after} order by path limit ${place(limit + 1)} offset ${place(skipped)}`, values);
    return pageOfSteps(rows, { limit, offset: skipped }, total);
  }

  waiting(most: number): Promise<ShownStep[]> {
    return this.sql.rows<ShownStep>(`select ${LISTED} ${OF_RUN} and status in ('ready', 'waiting', 'retrying') order by path limit $3`, [this.tenantId, this.runId, most]);
  }

  step(path: string): Promise<ShownStep | undefined> {
    return this.sql.row<ShownStep>(`select ${COLUMNS}, input, output ${OF_RUN} and path = $3`, [this.tenantId, this.runId, path]);
  }

  async attempts(paths: readonly string[], extent: Extent): Promise<Map<string, AttemptRow[]>> {
    const output = extent === 'whole' ? 'output' : shownColumn('output');
    const rows = await this.sql.rows<AttemptRow>(
      `select path, attempt, outcome, error, ${output}, made_kind, made_id, started_at, ended_at from workflow_attempts where tenant_id = $1 and run_id = $2 and path = any($3) order by path, attempt`,
      [this.tenantId, this.runId, paths],
    );
    return Map.groupBy(rows, ({ path }) => path);
  }

  states(): Promise<{ path: string; status: StepStatus }[]> {
    return this.sql.rows<{ path: string; status: StepStatus }>(`select path, status ${OF_RUN} and undoes is null`, [this.tenantId, this.runId]);
  }
}
