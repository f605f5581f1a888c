import { Injectable } from '@nestjs/common';
import { firstIdAt } from '../../core/ids.js';
import { Sql } from '../../platform/database/sql.js';
import { TASK_STATUSES, type TaskStatus } from './task.machine.js';

/** Tasks that were made since a time, by status. */
export type CountsSince = Record<TaskStatus, number>;

/** How a task stands that somebody waits for. */
export interface BriefTask {
  status: TaskStatus;
  claimed_by: string | null;
  agent_id: string | null;
  required_tools: string[];
}

/** Of each status so many are counted, the newest: what is shown costs the same with ten thousand tasks and ten million. */
export const MOST_COUNTED = 10_000;

/** Counts rows of `tasks`, by ids: they begin with the time of their making. */
@Injectable()
export class TaskCountsRepository {
  constructor(private readonly sql: Sql) {}

  async briefly(tenantId: string, ids: readonly string[]): Promise<Map<string, BriefTask>> {
    const rows = await this.sql.rows<BriefTask & { id: string }>('select id, status, claimed_by, agent_id, required_tools from tasks where tenant_id = $1 and id = any($2::uuid[])', [tenantId, ids]);
    return new Map(rows.map(({ id, ...task }) => [id, task]));
  }

  costs(tenantId: string, attempts: readonly { taskId: string; fence: number }[]): Promise<{ ended_at: Date; cost_usd: number }[]> {
    return this.sql.rows(
      `select a.ended_at, (a.usage ->> 'cost_usd')::float8 as cost_usd from unnest($2::uuid[], $3::bigint[]) as wanted (task_id, fence)
       join task_attempts a on a.tenant_id = $1 and a.task_id = wanted.task_id and a.fence = wanted.fence where a.usage is not null`,
      [tenantId, attempts.map(({ taskId }) => taskId), attempts.map(({ fence }) => fence)],
    );
  }

  /** @returns counts for each of the times, in their order */
  async since(tenantId: string, times: readonly Date[]): Promise<CountsSince[]> {
    const rows = await this.sql.rows<{ status: TaskStatus; counts: number[] }>(
      `select s.status, array(
         select (select count(*)::int from (select 1 from tasks where tenant_id = $1 and status = s.status and id >= t.first order by id desc limit $4) as newest)
         from unnest($3::uuid[]) with ordinality as t (first, place) order by place
       ) as counts
       from unnest($2::text[]) as s (status)`,
      [tenantId, TASK_STATUSES, times.map(firstIdAt), MOST_COUNTED],
    );
    return times.map((_, index) => Object.fromEntries(rows.map(({ status, counts }) => [status, counts[index] ?? 0])) as CountsSince);
  }
}
