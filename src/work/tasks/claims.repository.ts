import { Injectable } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { newId } from '../../core/ids.js';
import { prepared } from '../../platform/database/prepared.js';
import { taskColumns } from './task-columns.js';
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

/** What a claim asks for, as far as the look at the lanes must know it. */
export interface Wish {
  agentId: string;
  max: number;
  boardId?: string;
}

export interface Assignment {
  taskId: string;
  agentId: string;
  leaseSeconds: number;
  /** Of the claim that it is for. */
  requestId?: string;
}

/**
 * What each agent may still take, which lanes it may serve, and the first tasks of each lane that somebody may take now: as
 * many as its claims could use together, held for this transaction; other claims skip them. Age is the database's time of
 * creation: ids carry the clock of the process that made them.
 */
const LOOK = prepared(`with wish as materialized (
    select * from unnest($2::uuid[], $3::int[], $4::uuid[]) as w (agent_id, most, board_id)
  ), claimant as materialized (
    select agent.id, agent.control_state, agent.is_active,
      agent.max_concurrent_tasks - (select count(*)::int from tasks where tenant_id = $1 and claimed_by = agent.id and status = 'in_progress') as free,
      (select coalesce(jsonb_agg(jsonb_build_object('id', lane.id::text, 'board_id', lane.board_id)), '[]') from task_lanes lane where lane.tenant_id = $1
        and (lane.agent_id is null or lane.agent_id = agent.id)
        and lane.required_tools <@ agent.enabled_tools
        and not lane.required_tools && $5::text[]
        and (lane.board_id is null or exists (select 1 from board_agents b where b.tenant_id = $1 and b.board_id = lane.board_id and b.agent_id = agent.id))
      ) as lanes
    from agents agent where agent.tenant_id = $1 and agent.id in (select agent_id from wish) and agent.deleted_at is null
  ), demand as materialized (
    select lane.id, sum(least(wish.most, claimant.free))::int as most
    from wish join claimant on claimant.id = wish.agent_id and claimant.free > 0 and claimant.is_active and claimant.control_state = 'running'
    cross join lateral jsonb_to_recordset(claimant.lanes) as lane (id bigint, board_id uuid)
    where wish.board_id is null or wish.board_id = lane.board_id
    group by lane.id
  ), candidate as materialized (
    select task.* from demand cross join lateral (
      select id, lane_id, priority_rank, created_at from tasks where tenant_id = $1 and lane_id = demand.id and ready
      order by priority_rank, created_at, id limit demand.most for no key update skip locked
    ) task
  )
  select (select coalesce(json_agg(claimant), '[]') from claimant) as claimants,
    ids, lanes from (
      select coalesce(json_agg(id order by priority_rank, created_at, id), '[]') as ids, coalesce(json_agg(lane_id::text order by priority_rank, created_at, id), '[]') as lanes from candidate
    ) found`);

/**
 * Gives each task to its agent under the next fence, and writes the facts. Rows carry along what the facts need: the plan is
 * made for batches of any size, and a join of two of its parts would be made for small ones.
 */
const ASSIGN = prepared(`with claimed as (
    update tasks set status = 'in_progress', ready = false, fence = fence + 1, attempts = attempts + 1,
      claimed_by = a.agent_id, claimed_at = clock_timestamp(), lease_seconds = a.seconds,
      lease_expires_at = clock_timestamp() + make_interval(secs => a.seconds),
      started_at = coalesce(started_at, clock_timestamp()), progress_percent = null, progress_note = null,
      revision = revision + 1, updated_at = now()
    from unnest($2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::text[]) as a (task_id, agent_id, seconds, event_id, request_id)
    where tasks.tenant_id = $1 and tasks.id = a.task_id
    returning ${taskColumns('tasks')}, a.event_id, a.request_id
  ), facts as (
    insert into events (id, tenant_id, name, data, request_id)
    select c.event_id, $1, '${TaskUpdated.name}',
      jsonb_build_object('task_id', c.id, 'status', c.status, 'agent_id', c.agent_id, 'holder_id', c.claimed_by, 'board_id', c.board_id, 'fence', c.fence), c.request_id
    from claimed c
  )
  select ${taskColumns('claimed')} from claimed`);

/**
 * The two statements of a claim. They read agents and boards as well as tasks: handing out work is one decision about
 * all three, and it must hold at the commit (docs/adr/0004-own-leases.md).
 */
@Injectable()
export class ClaimsRepository {
  /**
   * The agents that ask and what there is for them. The transaction holds the agents' rows already: this statement's
   * snapshot is younger than the lock, so that it counts what a claim just before has taken.
   * @param refusedTools tasks that need one of these are left where they are
   */
  async look(client: PoolClient, tenantId: string, wishes: readonly Wish[], refusedTools: readonly string[]): Promise<{ claimants: Claimant[]; candidates: Candidate[] }> {
    const { rows } = await client.query<{ claimants: Claimant[]; ids: string[]; lanes: string[] }>({
      ...LOOK,
      values: [tenantId, wishes.map(({ agentId }) => agentId), wishes.map(({ max }) => max), wishes.map(({ boardId }) => boardId ?? null), refusedTools],
    });
    const { claimants = [], ids = [], lanes = [] } = rows[0] ?? {};
    return { claimants, candidates: ids.map((id, index) => ({ id, lane_id: lanes[index] ?? '' })) };
  }

  /** Gives each task to its agent. @returns the tasks as they are now */
  async assign(client: PoolClient, tenantId: string, assignments: readonly Assignment[]): Promise<Task[]> {
    const { rows } = await client.query<Task>({
      ...ASSIGN,
      values: [
        tenantId,
        assignments.map(({ taskId }) => taskId),
        assignments.map(({ agentId }) => agentId),
        assignments.map(({ leaseSeconds }) => leaseSeconds),
        assignments.map(() => newId()),
        assignments.map(({ requestId }) => requestId ?? null),
      ],
    });
    return rows;
  }
}
