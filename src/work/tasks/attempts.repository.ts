import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { newId } from '../../core/ids.js';
import { enterUsage, type Usage } from '../../safeguards/usage/usage.port.js';
import { KEPT_ANSWER } from './kept-answer.js';
import type { Task } from './task.entity.js';
import { TaskFailed, TaskUpdated } from './tasks.events.js';

/** How an attempt that did not complete ends, and what becomes of its task. */
export interface AttemptEnd {
  task: Pick<Task, 'id' | 'title' | 'fence' | 'attempts' | 'claimed_by' | 'claimed_at' | 'agent_id' | 'board_id'>;
  outcome: 'failed' | 'expired' | 'released';
  error: string | null;
  next: 'queued' | 'dead_letter';
  /** Before the task is handed out again. */
  delayMs: number;
  countsAsRetry: boolean;
  usage?: Usage | undefined;
}

/** Ends attempts that did not complete; the caller's transaction holds the tasks. */
@Injectable()
export class AttemptsRepository {
  /** @returns the tasks as they are now, in no order */
  async end(client: PoolClient, tenantId: string, ends: readonly AttemptEnd[], requestId?: string): Promise<Task[]> {
    if (ends.length === 0) return [];
    const { rows } = await client.query<Task>(
      `update tasks set status = e.next, ready = e.next = 'queued' and e.delay = 0,
         available_at = clock_timestamp() + make_interval(secs => e.delay / 1000.0), error = coalesce(e.error, tasks.error),
         retry_count = tasks.retry_count + case when e.counts and e.next = 'queued' then 1 else 0 end,
         attempts = tasks.attempts - case when e.counts then 0 else 1 end,
         claimed_by = null, claimed_at = null, lease_expires_at = null, lease_seconds = null, progress_percent = null, progress_note = null,
         revision = tasks.revision + 1, updated_at = now()
       from unnest($2::uuid[], $3::text[], $4::int[], $5::text[], $6::boolean[]) as e (task_id, next, delay, error, counts)
       where tasks.tenant_id = $1 and tasks.id = e.task_id returning tasks.*`,
      [
        tenantId,
        ends.map(({ task }) => task.id),
        ends.map(({ next }) => next),
        ends.map(({ delayMs }) => Math.round(delayMs)),
        ends.map(({ error }) => error),
        ends.map(({ countsAsRetry }) => countsAsRetry),
      ],
    );
    await this.insertAttempts(client, tenantId, ends.filter(({ task }) => task.claimed_by !== null));
    await this.bury(client, tenantId, ends.filter(({ next }) => next === 'dead_letter'));
    await this.publish(client, tenantId, ends, requestId);
    return rows;
  }

  /** A task that nobody held (its deadline passed in the queue) has no attempt to end. */
  private async insertAttempts(client: PoolClient, tenantId: string, held: readonly AttemptEnd[]): Promise<void> {
    await client.query(
      `with ended as (
         insert into task_attempts (tenant_id, task_id, fence, attempt, agent_id, outcome, error, started_at, usage, answer)
         select $1, c.id, c.fence, e.attempt, e.agent_id, e.outcome, e.error, e.started_at, e.usage::jsonb, ${KEPT_ANSWER}
         from unnest($2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::text[]) as e (task_id, attempt, agent_id, outcome, error, started_at, usage)
         join tasks c on c.tenant_id = $1 and c.id = e.task_id
         returning task_attempts.agent_id, task_attempts.usage
       )
       ${enterUsage('task', 'ended', 'agent_id')}`,
      [
        tenantId,
        held.map(({ task }) => task.id),
        held.map(({ task }) => task.attempts),
        held.map(({ task }) => task.claimed_by),
        held.map(({ outcome }) => outcome),
        held.map(({ error }) => error),
        held.map(({ task }) => task.claimed_at),
        held.map(({ usage }) => (usage ? JSON.stringify(usage) : null)),
      ],
    );
  }

  /** One dead letter each, with the task's attempts as they were. */
  private async bury(client: PoolClient, tenantId: string, ends: readonly AttemptEnd[]): Promise<void> {
    if (ends.length === 0) return;
    await client.query(
      `insert into dead_letters (tenant_id, id, task_id, title, reason, attempts)
       select $1, d.id, d.task_id, d.title, d.reason, coalesce((
         select jsonb_agg(jsonb_build_object('fence', a.fence, 'attempt', a.attempt, 'agent_id', a.agent_id, 'outcome', a.outcome, 'error', a.error,
           'started_at', a.started_at, 'ended_at', a.ended_at, 'usage', a.usage) order by a.fence)
         from task_attempts a where a.tenant_id = $1 and a.task_id = d.task_id), '[]')
       from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[]) as d (id, task_id, title, reason)
       on conflict (tenant_id, task_id) where retried_at is null do nothing`,
      [tenantId, ends.map(() => newId()), ends.map(({ task }) => task.id), ends.map(({ task }) => task.title), ends.map(({ error, outcome }) => error ?? outcome)],
    );
  }

  private async publish(client: PoolClient, tenantId: string, ends: readonly AttemptEnd[], requestId?: string): Promise<void> {
    const facts = ends.map((end) => ({
      task_id: end.task.id,
      status: end.next,
      agent_id: end.task.agent_id,
      holder_id: end.task.claimed_by,
      board_id: end.task.board_id,
      fence: Number(end.task.fence),
      ...(end.outcome === 'released' ? {} : { error: end.error ?? end.outcome, outcome: end.outcome }),
    }));
    await client.query(
      `insert into events (id, tenant_id, name, data, request_id) select e.id, $1, e.name, e.data::jsonb, $5 from unnest($2::uuid[], $3::text[], $4::text[]) as e (id, name, data)`,
      [tenantId, ends.map(() => newId()), ends.map(({ outcome }) => (outcome === 'released' ? TaskUpdated.name : TaskFailed.name)), facts.map((fact) => JSON.stringify(fact)), requestId ?? null],
    );
  }
}
