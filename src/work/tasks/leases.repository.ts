import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { newId } from '../../core/ids.js';
import { type Prepared, prepared } from '../../platform/database/prepared.js';
import { Sql } from '../../platform/database/sql.js';
import { type Statement, TenantDatabase } from '../../platform/database/tenant-database.js';
import { enterUsage, type Usage } from '../../safeguards/usage/usage.port.js';
import { KEPT_ANSWER, type KeptAnswer } from './kept-answer.js';
import { taskColumns } from './task-columns.js';
import type { Task } from './task.entity.js';
import { TaskCompleted, TaskUpdated } from './tasks.events.js';

export interface Completion {
  taskId: string;
  agentId: string;
  fence: number;
  result: unknown;
  outputFiles: readonly string[] | undefined;
  status: 'completed' | 'review';
  /** Whether the board's rules have been asked; without that a task on a board is left as it is. */
  rulesAsked: boolean;
  usage: Usage | undefined;
  requestId: string | undefined;
}

export interface Renewal {
  taskId: string;
  agentId: string;
  fence: number;
  leaseSeconds: number | undefined;
  progress: number | undefined;
  note: string | undefined;
}

/** A task whose lease was extended, as far as its agent needs it. */
export type RenewedTask = Pick<Task, 'id' | 'fence' | 'claimed_by' | 'lease_expires_at'>;

/**
 * The lease is held, and has not ended by the database's clock. It asks for the holder and not for the status, which says the
 * same: by the status the planner would go through all that is held, where it should look up the few that are named.
 */
const HELD = `task.tenant_id = $1 and task.claimed_by is not null and task.lease_expires_at > clock_timestamp()`;

/**
 * Completes what is held under its fence: task, attempt and fact in one statement; the rest is left as it is. Rows carry
 * along what attempt and fact need: the plan is made for batches of any size, and a join of its parts would not be. Where
 * nobody says what it has cost, the ledger is left out.
 */
const complete = (answer: string, withUsage: boolean): Prepared => prepared(`with input as (
     select * from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::boolean[], $10::text[]${withUsage ? ', $11::text[]' : ''})
       as i (task_id, agent_id, fence, result, output_files, status, event_id, rules_asked, request_id${withUsage ? ', usage' : ''})
   ), held as (
     select task.id, task.fence, task.attempts, task.claimed_by, task.claimed_at, input.result, input.output_files, input.status, input.event_id, input.request_id${withUsage ? ', input.usage::jsonb as usage' : ''}
     from tasks task join input on input.task_id = task.id
     where ${HELD} and task.fence = input.fence and task.claimed_by = input.agent_id and (task.board_id is null or input.rules_asked)
     order by task.id for update of task
   ), changed as (
     update tasks set status = held.status, result = held.result::jsonb, output_files = held.output_files::jsonb, error = null,
       claimed_by = null, claimed_at = null, lease_expires_at = null, lease_seconds = null, progress_percent = 100,
       completed_at = case when held.status = 'completed' then clock_timestamp() end, revision = revision + 1, updated_at = now()
     from held where tasks.tenant_id = $1 and tasks.id = held.id
     returning ${taskColumns('tasks')}, held.attempts as done_attempts, held.claimed_by as done_by, held.claimed_at as done_since, held.event_id, held.request_id${withUsage ? ', held.usage' : ''}
   ), ended as (
     insert into task_attempts (tenant_id, task_id, fence, attempt, agent_id, outcome, started_at, answer${withUsage ? ', usage' : ''})
     select $1, c.id, c.fence, c.done_attempts, c.done_by, 'completed', c.done_since, ${KEPT_ANSWER}${withUsage ? ', c.usage' : ''} from changed c
   )${withUsage ? `, entered as (${enterUsage('task', 'changed', 'done_by')})` : ''}, facts as (
     insert into events (id, tenant_id, name, data, request_id)
     select c.event_id, $1, case when c.status = 'completed' then '${TaskCompleted.name}' else '${TaskUpdated.name}' end,
       jsonb_build_object('task_id', c.id, 'status', c.status, 'agent_id', c.agent_id, 'holder_id', c.done_by, 'board_id', c.board_id, 'fence', c.fence), c.request_id
     from changed c
   )
   select ${answer} from changed c`);
const ANSWER = `${taskColumns('c')}, c.done_by`;
/** For many at once, whose answer is shorter than the tasks. */
const SHORT_ANSWER = 'c.id, c.fence, c.done_by';
const COMPLETE = { plain: complete(ANSWER, false), withUsage: complete(ANSWER, true) };
const COMPLETE_MANY = { plain: complete(SHORT_ANSWER, false), withUsage: complete(SHORT_ANSWER, true) };

/** Extends what is held under its fence; rows are taken in the order of their ids, as everywhere. */
const RENEW = prepared(`with held as materialized (
     select task.id, i.seconds, i.progress, i.note
     from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::int[], $6::smallint[], $7::text[]) as i (task_id, agent_id, fence, seconds, progress, note)
     join tasks task on task.id = i.task_id
     where ${HELD} and task.fence = i.fence and task.claimed_by = i.agent_id
     order by task.id for no key update of task
   )
   update tasks set lease_seconds = coalesce(held.seconds, tasks.lease_seconds),
     lease_expires_at = clock_timestamp() + make_interval(secs => coalesce(held.seconds, tasks.lease_seconds)),
     progress_percent = coalesce(held.progress, tasks.progress_percent), progress_note = coalesce(held.note, tasks.progress_note),
     revision = revision + 1, updated_at = now()
   from held where tasks.tenant_id = $1 and tasks.id = held.id
   returning tasks.id, tasks.fence, tasks.claimed_by, tasks.lease_expires_at`);

/** What was completed, and by whom: nobody holds it any more. */
export type Done = Pick<Task, 'id' | 'fence'> & { done_by: string };
export type CompletedTask = Task & Done;

/** What agents write under a lease: every statement checks the fence in its own WHERE, whoever calls it. */
@Injectable()
export class LeasesRepository {
  constructor(
    private readonly database: TenantDatabase,
    private readonly sql: Sql,
  ) {}

  /** Several completions in one round trip and a transaction of their own. @returns the tasks that were completed */
  complete(tenantId: string, completions: readonly Completion[]): Promise<CompletedTask[]> {
    const { statement, values } = completing(COMPLETE, tenantId, completions);
    return this.database.statement<CompletedTask>(tenantId, statement, values);
  }

  /** Like `complete`, without the tasks as they are now. */
  completeMany(tenantId: string, completions: readonly Completion[]): Promise<Done[]> {
    const { statement, values } = completing(COMPLETE_MANY, tenantId, completions);
    return this.database.statement<Done>(tenantId, statement, values);
  }

  /** One completion in the request's transaction. @returns the task, unless its lease is no longer held */
  completeHere(tenantId: string, completion: Completion): Promise<CompletedTask | undefined> {
    const { statement, values } = completing(COMPLETE, tenantId, [completion]);
    return this.sql.row<CompletedTask>(statement, values);
  }

  /** Extends leases. @returns the tasks whose lease was extended */
  async renew(client: PoolClient, tenantId: string, renewals: readonly Renewal[]): Promise<RenewedTask[]> {
    const { rows } = await client.query<RenewedTask>({
      ...RENEW,
      values: [
        tenantId,
        renewals.map(({ taskId }) => taskId),
        renewals.map(({ agentId }) => agentId),
        renewals.map(({ fence }) => fence),
        renewals.map(({ leaseSeconds }) => leaseSeconds ?? null),
        renewals.map(({ progress }) => progress ?? null),
        renewals.map(({ note }) => note ?? null),
      ],
    });
    return rows;
  }

  /** Holds one task under its lease until the transaction ends; undefined when the lease is not (or no longer) held. */
  async hold(client: PoolClient, tenantId: string, taskId: string, agentId: string, fence: number): Promise<Task | undefined> {
    const { rows } = await client.query<Task>(`select task.* from tasks task where ${HELD} and task.id = $2 and task.claimed_by = $3 and task.fence = $4 for update`, [
      tenantId,
      taskId,
      agentId,
      fence,
    ]);
    return rows[0];
  }

  /** The task and how its attempt under this fence ended, to tell a repeated call from a lost lease. */
  async outcomeOf(client: PoolClient, tenantId: string, taskId: string, fence: number): Promise<{ task: Task; outcome: string | null; by: string | null; held: boolean; answer: KeptAnswer | null } | undefined> {
    const { rows } = await client.query<Task & { attempt_outcome: string | null; attempt_agent: string | null; attempt_answer: KeptAnswer | null; held: boolean }>(
      `select task.*, attempt.outcome as attempt_outcome, attempt.agent_id as attempt_agent, attempt.answer as attempt_answer,
         task.status = 'in_progress' and task.fence = $3 and task.lease_expires_at > clock_timestamp() as held from tasks task
       left join task_attempts attempt on attempt.tenant_id = $1 and attempt.task_id = task.id and attempt.fence = $3
       where task.tenant_id = $1 and task.id = $2`,
      [tenantId, taskId, fence],
    );
    const [row] = rows;
    return row && { task: row, outcome: row.attempt_outcome, by: row.attempt_agent, held: row.held, answer: row.attempt_answer };
  }
}

function completing({ plain, withUsage }: typeof COMPLETE, tenantId: string, completions: readonly Completion[]): Statement {
  const values = valuesOf(tenantId, completions);
  if (completions.every(({ usage }) => usage === undefined)) return { statement: plain, values };
  return { statement: withUsage, values: [...values, completions.map(({ usage }) => (usage ? JSON.stringify(usage) : null))] };
}

function valuesOf(tenantId: string, completions: readonly Completion[]): unknown[] {
  return [
    tenantId,
    completions.map(({ taskId }) => taskId),
    completions.map(({ agentId }) => agentId),
    completions.map(({ fence }) => fence),
    completions.map(({ result }) => (result === undefined || result === null ? null : JSON.stringify(result))),
    completions.map(({ outputFiles }) => (outputFiles ? JSON.stringify(outputFiles) : null)),
    completions.map(({ status }) => status),
    completions.map(() => newId()),
    completions.map(({ rulesAsked }) => rulesAsked),
    completions.map(({ requestId }) => requestId ?? null),
  ];
}
