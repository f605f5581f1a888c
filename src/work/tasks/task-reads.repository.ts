import { Injectable } from '@nestjs/common';
import { encodeCursor, type Page } from '../../core/page.js';
import { type Prepared, prepared } from '../../platform/database/prepared.js';
import { estimateOf, idBefore, type Total, toPage, totalOf } from '../../platform/database/table.js';
import { TenantDatabase } from '../../platform/database/tenant-database.js';
import { taskColumns } from './task-columns.js';
import type { Task } from './task.entity.js';
import { statusesOfFilter } from './task.machine.js';
import type { ListTasksQuery } from './task-queries.dto.js';
import type { AttemptRow, TaskDetails } from './tasks.view.js';

/** Titles that one request looks through. Below row-level security no index is used for a part of a text, and one would be kept with each claim. */
const SEARCHED = 10_000;

/** Tasks with all that is shown with them. */
const DETAILS = prepared(`select ${taskColumns('task')},
    array(select depends_on from task_dependencies where tenant_id = $1 and task_id = task.id order by depends_on) as depends_on,
    case when task.waiting_for = 0 then '[]' else (select coalesce(json_agg(json_build_object('id', needed.id, 'status', needed.status) order by needed.id), '[]')
      from task_dependencies d join tasks needed on needed.tenant_id = $1 and needed.id = d.depends_on
      where d.tenant_id = $1 and d.task_id = task.id and needed.status <> 'completed') end as blocked_by,
    array(select id from tasks where tenant_id = $1 and parent_task_id = task.id order by id limit 1000) as subtask_ids,
    (select count(*)::int from task_comments where tenant_id = $1 and task_id = task.id) as comment_count,
    (select coalesce(json_agg(json_build_object('fence', fence::text, 'attempt', attempt, 'agent_id', agent_id, 'outcome', outcome, 'error', error,
      'started_at', started_at, 'ended_at', ended_at, 'usage', usage) order by fence), '[]') from task_attempts where tenant_id = $1 and task_id = task.id) as history
  from unnest($2::uuid[]) as wanted (id) join tasks task on task.tenant_id = $1 and task.id = wanted.id`);

type DetailsRow = Task & Omit<TaskDetails, 'task' | 'attempts'> & { history: (Omit<AttemptRow, 'started_at' | 'ended_at'> & { started_at: string; ended_at: string })[] };

/** The reads that people make all the time, each in one round trip and outside of the request's transaction. */
@Injectable()
export class TaskReadsRepository {
  constructor(private readonly database: TenantDatabase) {}

  /** Those of the tasks that there are. */
  async details(tenantId: string, ids: readonly string[]): Promise<TaskDetails[]> {
    const rows = await this.database.statement<DetailsRow>(tenantId, DETAILS, [tenantId, ids]);
    return rows.map(({ depends_on, blocked_by, subtask_ids, comment_count, history, ...task }) => ({
      task,
      depends_on,
      blocked_by,
      subtask_ids,
      comment_count,
      attempts: history.map((attempt) => ({ ...attempt, started_at: new Date(attempt.started_at), ended_at: new Date(attempt.ended_at) })),
    }));
  }

  /** One page, newest first, with the total. */
  async page(tenantId: string, filter: ListTasksQuery): Promise<Page<Task>> {
    if (filter.search !== undefined) return this.search(tenantId, filter, filter.search);
    const { where, values } = conditionsOf(tenantId, filter);
    const before = idBefore(filter);
    const after = before === undefined ? `offset $${values.length + 2}` : '';
    const rows = `select ${taskColumns('task')} from tasks task where ${where}${before === undefined ? '' : ` and task.id < $${values.length + 2}`}
      order by task.id desc limit $${values.length + 1} ${after}`;
    // Only the list of everything is planned once: what fits another depends on the values of its filters.
    const plan = (text: string): Prepared | string => (values.length === 1 ? prepared(text) : text);
    const from = `from tasks task where ${where}`;
    const [items, counted] = await this.database.statements(tenantId, [
      { statement: plan(rows), values: [...values, filter.limit + 1, before ?? filter.offset] },
      { statement: plan(totalOf(from)), values },
    ]);
    const { total, beyond } = (counted as Total[])[0] ?? { total: 0, beyond: false };
    const estimate = beyond ? estimateOf(await this.database.statement(tenantId, `explain (format json) select 1 ${from}`, values)) : undefined;
    return toPage(items as Task[], filter, estimate ?? { total, estimated: false });
  }

  /** A page of those with something in their titles, among the newest `SEARCHED` that fit the rest; the next page goes on behind those. */
  private async search(tenantId: string, filter: ListTasksQuery, text: string): Promise<Page<Task>> {
    const { where, values } = conditionsOf(tenantId, filter);
    const before = idBefore(filter) ?? null;
    const statement = searchIn(where, values.length);
    const look = async (offset: number, from: string | null): Promise<Looked | undefined> => (await this.database.statement<Looked>(tenantId, statement, [...values, pattern(text), filter.limit + 1, offset, from]))[0];
    const first = await look(before === null ? filter.offset : 0, null);
    const here = before === null ? first : await look(0, before);
    const items = await this.database.statement<Task>(tenantId, `select ${taskColumns('task')} from tasks task where tenant_id = $1 and id = any($2::uuid[]) order by id desc`, [tenantId, here?.ids]);
    const page = toPage(items, filter, { total: first?.found ?? 0, estimated: typeof first?.rest === 'string' });
    return typeof here?.rest === 'string' && page.next_cursor === null ? { ...page, next_cursor: encodeCursor([here.rest]) } : page;
  }
}

/** What was found among those that were looked at. */
interface Looked {
  ids: string[];
  found: number;
  /** The last one that was looked at, when there are more behind it. */
  rest: string | null;
}

/** @param count the parameters of the conditions; behind them: pattern, limit, offset, and the id to begin before or null */
function searchIn(where: string, count: number): string {
  const at = (place: number): string => `$${count + place}`;
  return `with looked as materialized (select task.id, task.title from tasks task where ${where} and task.id < coalesce(${at(4)}::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') order by task.id desc limit ${SEARCHED}),
      found as materialized (select id from looked where title ilike ${at(1)} escape '\\')
    select array(select id from found order by id desc limit ${at(2)} offset ${at(3)}) as ids, (select count(*)::int from found) as found,
      (select id from looked order by id desc offset ${SEARCHED - 1} limit 1) as rest`;
}

const pattern = (text: string): string => `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;

function conditionsOf(tenantId: string, filter: ListTasksQuery): { where: string; values: unknown[] } {
  const values: unknown[] = [tenantId];
  const conditions = ['task.tenant_id = $1'];
  const add = (condition: (parameter: string) => string, value: unknown): void => {
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  const statuses = statusesOfFilter(filter.status ?? filter.status_filter);
  if (statuses) add((parameter) => `task.status = any(${parameter}::text[])`, statuses);
  for (const column of ['priority', 'agent_id', 'claimed_by', 'board_id', 'parent_task_id'] as const) {
    if (filter[column] !== undefined) add((parameter) => `task.${column} = ${parameter}`, filter[column]);
  }
  // Said in the words of the indexes that stand for it.
  if (filter.claimed_by !== undefined) conditions.push(`task.status = 'in_progress'`);
  if (filter.deadline_exceeded !== undefined) conditions.push(`${filter.deadline_exceeded === 'true' ? '' : 'not '}task.deadline_exceeded`);
  return { where: conditions.join(' and '), values };
}
