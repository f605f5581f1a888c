import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { newId } from '../../core/ids.js';
import type { Task } from './task.entity.js';
import { TaskUpdated } from './tasks.events.js';

/** An agent that asks for tasks, as its row is while the transaction holds it. */
export interface Claimant {
  id: string;
  free: number;
  control_state: 'running' | 'paused' | 'killed';
  is_active: boolean;
  /** Lanes that it may serve. */
  lanes: { id: string; board_id: string | null }[];
}

export interface Candidate {
  id: string;
  lane_id: string;
}

export interface Assignment {
  taskId: string;
  agentId: string;
  leaseSeconds: number;
  /** Of the claim that it is for. */
  requestId?: string;
}

/**
 * The three statements of a claim. They read agents and boards as well as tasks: handing out work is one decision about
 * all three, and it must hold at the commit (docs/adr/0004-own-leases.md).
 */
@Injectable()
export class ClaimsRepository {
  /**
   * What each agent may still take, and which lanes it may serve. The transaction holds the agents' rows already: this
   * statement's snapshot is younger than the lock, so that it counts what a claim just before has taken.
   */
  async claimants(client: PoolClient, tenantId: string, agentIds: readonly string[]): Promise<Claimant[]> {
    const { rows } = await client.query<Claimant>(
      `select agent.id, agent.control_state, agent.is_active,
         agent.max_concurrent_tasks - (select count(*)::int from tasks where tenant_id = $1 and claimed_by = agent.id and status = 'in_progress') as free,
         (select coalesce(jsonb_agg(jsonb_build_object('id', lane.id::text, 'board_id', lane.board_id)), '[]') from task_lanes lane where lane.tenant_id = $1
           and (lane.agent_id is null or lane.agent_id = agent.id)
           and lane.required_tools <@ agent.enabled_tools
           and (lane.board_id is null or exists (select 1 from board_agents b where b.tenant_id = $1 and b.board_id = lane.board_id and b.agent_id = agent.id))
         ) as lanes
       from agents agent where agent.tenant_id = $1 and agent.id = any($2::uuid[]) and agent.deleted_at is null`,
      [tenantId, agentIds],
    );
    return rows;
  }

  /**
   * The first tasks of each lane, at most as many as asked for, held for this transaction; other claims skip them. Age is
   * the database's time of creation: ids carry the clock of the process that made them.
   */
  async candidates(client: PoolClient, tenantId: string, lanes: readonly { id: string; limit: number }[]): Promise<Candidate[]> {
    const { rows } = await client.query<Candidate>(
      `select task.id, lane.id::text as lane_id
       from unnest($2::bigint[], $3::int[]) as lane (id, most)
       cross join lateral (
         select id, priority_rank, created_at from tasks where tenant_id = $1 and lane_id = lane.id and ready
         order by priority_rank, created_at, id limit lane.most for no key update skip locked
       ) task
       order by task.priority_rank, task.created_at, task.id`,
      [tenantId, lanes.map(({ id }) => id), lanes.map(({ limit }) => limit)],
    );
    return rows;
  }

  /** Gives each task to its agent under the next fence, and writes the facts. */
  async assign(client: PoolClient, tenantId: string, assignments: readonly Assignment[]): Promise<Task[]> {
    const { rows } = await client.query<Task>(
      `with claimed as (
         update tasks set status = 'in_progress', ready = false, fence = fence + 1, attempts = attempts + 1,
           claimed_by = a.agent_id, claimed_at = clock_timestamp(), lease_seconds = a.seconds,
           lease_expires_at = clock_timestamp() + make_interval(secs => a.seconds),
           started_at = coalesce(started_at, clock_timestamp()), progress_percent = null, progress_note = null,
           revision = revision + 1, updated_at = now()
         from unnest($2::uuid[], $3::uuid[], $4::int[]) as a (task_id, agent_id, seconds)
         where tasks.tenant_id = $1 and tasks.id = a.task_id
         returning tasks.*
       ), facts as (
         insert into events (id, tenant_id, name, data, request_id)
         select e.event_id, $1, '${TaskUpdated.name}',
           jsonb_build_object('task_id', c.id, 'status', c.status, 'agent_id', c.claimed_by, 'board_id', c.board_id, 'fence', c.fence), e.request_id
         from unnest($2::uuid[], $5::uuid[], $6::text[]) as e (task_id, event_id, request_id) join claimed c on c.id = e.task_id
       )
       select * from claimed`,
      [
        tenantId,
        assignments.map(({ taskId }) => taskId),
        assignments.map(({ agentId }) => agentId),
        assignments.map(({ leaseSeconds }) => leaseSeconds),
        assignments.map(() => newId()),
        assignments.map(({ requestId }) => requestId ?? null),
      ],
    );
    return rows;
  }
}
