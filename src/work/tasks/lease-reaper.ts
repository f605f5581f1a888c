import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { EventSignal } from '../../platform/events/event-signal.js';
import { Loops } from '../../platform/jobs/loops.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { type AttemptEnd, AttemptsRepository } from './attempts.repository.js';
import { endOfFailedAttempt } from './retry-policy.js';
import type { Task } from './task.entity.js';
import { TaskSignal } from './task-signal.js';

const EVERY_MS = 250;
const BATCH = 500;
const DEADLINE_ERROR = 'deadline_exceeded: the task had not ended by its deadline';

/** What it asks each time, whatever there is to do: each must be a look-up in an index of its own. */
export const REAPER_STATEMENTS = {
  expired: `select * from tasks where status = 'in_progress' and lease_expires_at <= statement_timestamp() order by lease_expires_at limit $1 for update skip locked`,
  due: `with due as (
      select tenant_id, id from tasks where status = 'queued' and not ready and available_at <= statement_timestamp() limit $1 for update skip locked
    )
    update tasks set ready = true from due where tasks.tenant_id = due.tenant_id and tasks.id = due.id returning tasks.tenant_id, tasks.lane_id`,
  late: `select * from tasks where deadline <= statement_timestamp() and not deadline_exceeded and status not in ('completed', 'cancelled', 'dead_letter')
    order by deadline limit $1 for update skip locked`,
};

/**
 * Four times a second, in every process: takes back leases that have ended, lets retries go whose delay is over, and
 * ends tasks whose deadline has passed. Time is the database's; rows that another process holds are skipped, so any
 * number of processes may do this at once. Suspended tenants are no exception: a lease is a promise about time. They
 * compare with `statement_timestamp()`, which unlike `clock_timestamp()` can be looked up in an index.
 */
@Injectable()
export class LeaseReaper implements OnApplicationBootstrap {
  constructor(
    private readonly loops: Loops,
    private readonly database: SystemDatabase,
    private readonly attempts: AttemptsRepository,
    private readonly signal: TaskSignal,
    private readonly eventSignal: EventSignal,
    private readonly metrics: Metrics,
  ) {}

  onApplicationBootstrap(): void {
    this.loops.every('lease-reaper', EVERY_MS, () => this.round());
  }

  /** One pass over all tenants. */
  async round(): Promise<void> {
    while ((await this.takeBack()) === BATCH);
    while ((await this.letGo()) === BATCH);
    while ((await this.endLate()) === BATCH);
  }

  private async takeBack(): Promise<number> {
    const tasks = await this.database.transaction(async (client) => {
      const { rows } = await client.query<Task>(REAPER_STATEMENTS.expired, [BATCH]);
      const suspended = await suspendedAmong(client, rows);
      return this.endAll(client, rows, (task) => (suspended.has(task.tenant_id) ? endInSuspension(task) : endOfFailedAttempt(task, 'expired', `The lease of fence ${task.fence} ended without an answer.`, true)));
    });
    this.metrics.leaseExpiries.inc(tasks.length);
    this.announce(tasks);
    return tasks.length;
  }

  private async letGo(): Promise<number> {
    const rows = await this.database.query<{ tenant_id: string; lane_id: string }>(REAPER_STATEMENTS.due, [BATCH]);
    rows.forEach(({ tenant_id, lane_id }) => this.signal.ready(tenant_id, lane_id));
    return rows.length;
  }

  private async endLate(): Promise<number> {
    const tasks = await this.database.transaction(async (client) => {
      const { rows } = await client.query<Task>(REAPER_STATEMENTS.late, [BATCH]);
      if (rows.length === 0) return [];
      await client.query(
        'update tasks set deadline_exceeded = true from unnest($1::uuid[], $2::uuid[]) as late (tenant_id, id) where tasks.tenant_id = late.tenant_id and tasks.id = late.id',
        [rows.map(({ tenant_id }) => tenant_id), rows.map(({ id }) => id)],
      );
      return this.endAll(client, rows, (task) => ({ task, outcome: 'expired', error: DEADLINE_ERROR, next: 'dead_letter', delayMs: 0, countsAsRetry: true }));
    });
    this.announce(tasks);
    return tasks.length;
  }

  private async endAll(client: PoolClient, tasks: Task[], endOf: (task: Task) => AttemptEnd): Promise<Task[]> {
    const ended: Task[] = [];
    for (const [tenantId, ofTenant] of Map.groupBy(tasks, ({ tenant_id }) => tenant_id)) {
      ended.push(...(await this.attempts.end(client, tenantId, ofTenant.map(endOf))));
    }
    return ended;
  }

  private announce(tasks: readonly Task[]): void {
    if (tasks.length > 0) this.eventSignal.raise();
    for (const task of tasks) if (task.ready) this.signal.ready(task.tenant_id, task.lane_id);
  }
}

/** Tenants of the tasks whose agents have been refused: they could not have answered. */
async function suspendedAmong(client: PoolClient, tasks: readonly Task[]): Promise<ReadonlySet<string>> {
  if (tasks.length === 0) return new Set();
  const { rows } = await client.query<{ id: string }>(`select id from tenants where id = any($1::uuid[]) and status = 'suspended'`, [[...new Set(tasks.map(({ tenant_id }) => tenant_id))]]);
  return new Set(rows.map(({ id }) => id));
}

/** The attempt does not count: the task is as it was before the claim, and waits until its tenant is resumed. */
function endInSuspension(task: Task): AttemptEnd {
  return { task, outcome: 'expired', error: `The lease of fence ${task.fence} ended while the tenant was suspended.`, next: 'queued', delayMs: 0, countsAsRetry: false };
}
