import { Injectable } from '@nestjs/common';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import type { LaneKey } from './task-lanes.repository.js';

/** Of lanes in one transaction. */
export const REMOVAL_BATCH = 2_000;

const WAITING = `('inbox', 'review', 'failed', 'blocked', 'in_progress')`;

/**
 * Lanes that a task refers to which has not ended. Those of ready tasks are found by leaping through their index from
 * lane to lane, so that a million tasks in one lane cost one look-up.
 */
const USED = `recursive leap (lane_id) as (
     (select lane_id from tasks where tenant_id = $1 and ready order by lane_id limit 1)
     union all
     select (select next.lane_id from tasks next where next.tenant_id = $1 and next.ready and next.lane_id > leap.lane_id order by next.lane_id limit 1)
     from leap where leap.lane_id is not null
   ), used as materialized (
     select lane_id from leap where lane_id is not null
     union select lane_id from tasks where tenant_id = $1 and status in ${WAITING}
     union select lane_id from tasks where tenant_id = $1 and status = 'queued' and not ready
   )`;

/** SQL of removing lanes that nobody uses, for all tenants. */
@Injectable()
export class LaneRemovalRepository {
  constructor(
    private readonly database: SystemDatabase,
    private readonly sql: Sql,
  ) {}

  async tenants(): Promise<string[]> {
    return (await this.database.query<{ tenant_id: string }>('select distinct tenant_id from task_lanes')).map(({ tenant_id }) => tenant_id);
  }

  /** Marks what is idle now. That changes nothing but what a later round may remove. */
  async mark(tenantId: string): Promise<void> {
    await this.database.execute(
      `with ${USED}, idle as (
         select id from task_lanes lane where tenant_id = $1 and idle_since is null and not exists (select from used where used.lane_id = lane.id)
         order by id for update skip locked
       )
       update task_lanes set idle_since = clock_timestamp() from idle where task_lanes.tenant_id = $1 and task_lanes.id = idle.id`,
      [tenantId],
    );
  }

  /**
   * Removes lanes whose mark is old and that are idle still. They are held first and looked at after: whoever took a mark
   * off before has committed, and is seen by the second statement, or is skipped by the first.
   * @returns how many were looked at, and removed
   */
  removeIdle(tenantId: string, ageMs: number): Promise<{ seen: number; removed: number }> {
    return this.database.transaction(async (client) => {
      const { rows } = await client.query<{ id: string }>(
        `select id::text from task_lanes where tenant_id = $1 and idle_since <= clock_timestamp() - make_interval(secs => $2)
         order by id limit ${REMOVAL_BATCH} for update skip locked`,
        [tenantId, ageMs / 1000],
      );
      if (rows.length === 0) return { seen: 0, removed: 0 };
      const ids = rows.map(({ id }) => id);
      const removed = await client.query(
        `with ${USED} delete from task_lanes lane where tenant_id = $1 and id = any($2::bigint[]) and not exists (select from used where used.lane_id = lane.id)`,
        [tenantId, ids],
      );
      await client.query('update task_lanes set idle_since = null where tenant_id = $1 and id = any($2::bigint[])', [tenantId, ids]);
      return { seen: ids.length, removed: removed.rowCount ?? 0 };
    });
  }

  /** Lanes that tasks refer to and that are not there, each with what it stood for. */
  missing(tenantId: string): Promise<(LaneKey & { lane_id: string })[]> {
    return this.database.query(
      `with ${USED} select used.lane_id::text, task.agent_id, task.board_id, task.required_tools
       from used cross join lateral (
         select agent_id, board_id, required_tools from tasks
         where tenant_id = $1 and lane_id = used.lane_id and status not in ('completed', 'cancelled', 'dead_letter') limit 1
       ) task
       where not exists (select from task_lanes lane where lane.tenant_id = $1 and lane.id = used.lane_id)`,
      [tenantId],
    );
  }

  /** Moves the tasks of a lane that is not there, in the running transaction. */
  async move(tenantId: string, from: string, to: string): Promise<void> {
    await this.sql.execute(
      `update tasks set lane_id = $3 where tenant_id = $1 and lane_id = $2 and status not in ('completed', 'cancelled', 'dead_letter')`,
      [tenantId, from, to],
    );
  }
}
