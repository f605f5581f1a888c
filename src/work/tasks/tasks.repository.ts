import { Injectable } from '@nestjs/common';
import { prepared } from '../../platform/database/prepared.js';
import { Sql } from '../../platform/database/sql.js';
import { lockRow } from '../../platform/database/table.js';
import { taskColumns } from './task-columns.js';
import type { EndedTask } from './task-orders.port.js';
import { Task } from './task.entity.js';
import { TASK_PRIORITIES, TASK_STATUSES } from './task.machine.js';

/** The columns that are set when a task is made, with the types of their values; the rest have defaults. */
const NEW_COLUMNS = {
  id: 'uuid', title: 'text', description: 'text', instructions: 'text', payload: 'text', status: 'text', priority: 'text', priority_rank: 'smallint', agent_id: 'uuid',
  board_id: 'uuid', lane_id: 'bigint', required_tools: 'text', parent_task_id: 'uuid', deadline: 'timestamptz', max_retries: 'integer', ready: 'boolean',
  waiting_for: 'integer', created_by_kind: 'text', created_by_id: 'text',
} as const satisfies Partial<Record<keyof Task, string>>;
export type NewTask = Pick<Task, keyof typeof NEW_COLUMNS>;

const NAMES = Object.keys(NEW_COLUMNS) as (keyof NewTask)[];
/** The two that are no plain values in an array come as JSON. */
const FROM_JSON: Partial<Record<keyof NewTask, string>> = { payload: 'n.payload::jsonb', required_tools: 'array(select jsonb_array_elements_text(n.required_tools::jsonb))' };
const INSERT = prepared(`insert into tasks (tenant_id, ${NAMES.join(', ')})
  select $1, ${NAMES.map((name) => FROM_JSON[name] ?? `n.${name}`).join(', ')}
  from unnest(${NAMES.map((name, index) => `$${index + 2}::${NEW_COLUMNS[name]}[]`).join(', ')}) as n (${NAMES.join(', ')})
  returning ${taskColumns('tasks')}`);

/** The tasks of a tenant that its plan counts. */
export const COUNTED_TASKS = `from tasks where tenant_id = $1 and status in ('inbox', 'queued', 'blocked', 'in_progress', 'review')`;

/** Rows of `tasks`, for people. What agents do under a lease is in `leases.repository.ts`. */
@Injectable()
export class TasksRepository {
  constructor(private readonly sql: Sql) {}

  insert(tenantId: string, tasks: readonly NewTask[]): Promise<Task[]> {
    return this.sql.rows<Task>(INSERT, [tenantId, ...NAMES.map((name) => tasks.map((task) => (name in FROM_JSON ? json(task[name]) : task[name])))]);
  }

  find(tenantId: string, id: string): Promise<Task | null> {
    return this.sql.manager.createQueryBuilder(Task, 'task').where('task.tenant_id = :tenantId and task.id = :id', { tenantId, id }).getOne();
  }

  /** Those of the tasks that there are, as far as it decides who may see them. */
  ownersOf(tenantId: string, ids: readonly string[]): Promise<Pick<Task, 'id' | 'agent_id' | 'claimed_by' | 'created_by_id' | 'board_id'>[]> {
    return this.sql.rows('select id, agent_id, claimed_by, created_by_id, board_id from tasks where tenant_id = $1 and id = any($2::uuid[])', [tenantId, ids]);
  }

  lock(id: string): Promise<Task | null> {
    return lockRow(this.sql.manager, Task, 'task', id);
  }

  /** What is shown with the task has changed (a comment, a part): its readers' ETag is no longer true. */
  async touch(tenantId: string, id: string): Promise<void> {
    await this.sql.execute('update tasks set revision = revision + 1 where tenant_id = $1 and id = $2', [tenantId, id]);
  }

  /** Writes the given columns, the `stamped` ones with the database's time, and bumps the revision. @returns the row as it is now */
  async update(tenantId: string, id: string, changes: Partial<Task>, stamped: readonly (keyof Task)[] = []): Promise<Task> {
    const columns = Object.keys(changes) as (keyof Task)[];
    const sets = columns.map((column, index) => `${column} = $${index + 3}`);
    const values = columns.map((column) => (column === 'payload' || column === 'result' ? json(changes[column]) : changes[column]));
    const rows = await this.sql.rows<Task>(
      `update tasks set ${[...sets, ...stamped.map((column) => `${column} = clock_timestamp()`), 'revision = revision + 1', 'updated_at = now()'].join(', ')} where tenant_id = $1 and id = $2 returning *`,
      [tenantId, id, ...values],
    );
    const [row] = rows;
    if (!row) throw new Error('A locked task was not updated.');
    return row;
  }

  /** Tasks meant for this agent and no other that may still be handed out, held until the transaction ends. */
  lockMeantFor(tenantId: string, agentId: string): Promise<Task[]> {
    return this.sql.rows<Task>(
      `select * from tasks where tenant_id = $1 and agent_id = $2 and status in ('inbox', 'queued', 'blocked', 'in_progress', 'review') order by id for update`,
      [tenantId, agentId],
    );
  }

  async countOpenOnBoard(tenantId: string, boardId: string): Promise<number> {
    const row = await this.sql.row<{ count: number }>(
      `select count(*)::int as count from tasks where tenant_id = $1 and board_id = $2 and status not in ('completed', 'cancelled')`,
      [tenantId, boardId],
    );
    return row?.count ?? 0;
  }

  /**
   * Those of the ids that are tasks of the tenant, with their status. Until the end of the transaction none of them
   * completes: who completes a task takes its row `for update`. Claims do not, and are not kept from it.
   */
  share(tenantId: string, ids: readonly string[]): Promise<Pick<Task, 'id' | 'status'>[]> {
    return this.sql.rows('select id, status from tasks where tenant_id = $1 and id = any($2::uuid[]) order by id for key share', [tenantId, ids]);
  }

  async addDependencies(tenantId: string, taskId: string, dependsOn: readonly string[]): Promise<void> {
    await this.sql.execute('insert into task_dependencies (tenant_id, task_id, depends_on) select $1, $2, unnest($3::uuid[])', [tenantId, taskId, dependsOn]);
  }

  /**
   * Counts anew what the tasks that depend on any of `ids` wait for, and lets go those that wait for nothing more.
   * @returns the ones that were let go
   */
  release(tenantId: string, ids: readonly string[]): Promise<Task[]> {
    return this.sql.rows<Task>(
      `with waiting as (
         select task.id from tasks task where task.tenant_id = $1 and task.waiting_for > 0
           and task.id in (select task_id from task_dependencies where tenant_id = $1 and depends_on = any($2::uuid[]))
         order by task.id for update
       ), counted as (
         select waiting.id, (select count(*) from task_dependencies d join tasks t on t.tenant_id = $1 and t.id = d.depends_on
           where d.tenant_id = $1 and d.task_id = waiting.id and t.status <> 'completed')::int as open from waiting
       ), changed as (
         update tasks set waiting_for = counted.open,
           status = case when tasks.status = 'blocked' and counted.open = 0 then 'queued' else tasks.status end,
           ready = tasks.status = 'blocked' and counted.open = 0,
           revision = revision + 1, updated_at = now()
         from counted where tasks.tenant_id = $1 and tasks.id = counted.id and tasks.waiting_for <> counted.open
         returning tasks.*
       )
       select * from changed where status = 'queued'`,
      [tenantId, ids],
    );
  }

  /** Those of the tasks that have ended, as they did. */
  ended(tenantId: string, ids: readonly string[]): Promise<EndedTask[]> {
    return this.sql.rows<EndedTask>(`select id, status, result, error, cancel_reason from tasks where tenant_id = $1 and id = any($2::uuid[]) and status in ('completed', 'cancelled', 'dead_letter')`, [tenantId, ids]);
  }

  /** The agent whose attempt ended last. */
  async lastAgent(tenantId: string, id: string): Promise<string | undefined> {
    const row = await this.sql.row<{ agent_id: string }>('select agent_id from task_attempts where tenant_id = $1 and task_id = $2 and agent_id is not null order by fence desc limit 1', [tenantId, id]);
    return row?.agent_id;
  }

  async endAttempt(tenantId: string, task: Task, outcome: string, error: string | null): Promise<void> {
    await this.sql.execute(
      `insert into task_attempts (tenant_id, task_id, fence, attempt, agent_id, outcome, error, started_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [tenantId, task.id, task.fence, task.attempts, task.claimed_by, outcome, error, task.claimed_at],
    );
  }

  /** Tasks by status and priority, and the oldest that is ready. */
  async stats(tenantId: string): Promise<{ by_status: Record<string, number>; by_priority: Record<string, number>; oldest_ready_seconds: number }> {
    const rows = await this.sql.rows<{ status: string; priority: string; count: number }>(
      'select status, priority, count(*)::int as count from tasks where tenant_id = $1 group by status, priority',
      [tenantId],
    );
    const oldest = await this.sql.row<{ seconds: number }>(
      `select coalesce(extract(epoch from now() - min(available_at)), 0)::int as seconds from tasks where tenant_id = $1 and ready`,
      [tenantId],
    );
    const sum = (key: 'status' | 'priority', names: readonly string[]): Record<string, number> =>
      Object.fromEntries(names.map((name) => [name, rows.filter((row) => row[key] === name).reduce((total, row) => total + row.count, 0)]));
    return { by_status: sum('status', TASK_STATUSES), by_priority: sum('priority', TASK_PRIORITIES), oldest_ready_seconds: Math.max(0, oldest?.seconds ?? 0) };
  }
}

/** The driver would turn an array into a PostgreSQL array and a string into no JSON. */
function json(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}
