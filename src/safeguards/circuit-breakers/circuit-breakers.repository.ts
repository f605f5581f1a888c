import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { Events } from '../../platform/events/events.js';
import { type LockedBreaker, lockBreaker, type Run, storeStanding, type TransitionRow, transitionsOf, type Why } from './breaker-rows.js';
import { CircuitBreaker } from './circuit-breaker.entity.js';
import type { BreakerSettings, BreakerStanding } from './circuit-breaker.machine.js';

/** A probe that is a task ends when the task does, which is told; so long after that it is over in any case. */
const LONGEST_TASK = '1 day';

/** What people say of a breaker. */
export type BreakerFields = BreakerSettings & Pick<CircuitBreaker, 'target_kind' | 'target_name'>;
export type NewBreaker = BreakerFields & Pick<CircuitBreaker, 'tenant_id' | 'id' | 'name' | 'scope'>;

const FIELDS = [
  'target_kind', 'target_name', 'failure_threshold', 'failure_rate', 'slow_call_ms', 'slow_call_rate', 'minimum_calls', 'window_seconds', 'open_seconds', 'open_factor', 'max_open_seconds',
  'half_open_max', 'success_threshold',
] as const;

/** Breakers as the processes keep them for a while, with the database's time when they were read. */
export interface KnownBreakers {
  now: Date;
  breakers: CircuitBreaker[];
}

/** Rows of circuit breakers: those of the running tenant, and for the processes those that count for a tenant. */
@Injectable()
export class CircuitBreakersRepository {
  private readonly run: Run = (text, values) => this.sql.rows(text, values);

  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
    private readonly events: Events,
  ) {}

  page(tenantId: string, request: PageRequest): Promise<Page<CircuitBreaker>> {
    return pageOfQuery(this.sql.manager.createQueryBuilder(CircuitBreaker, 'breaker').where('breaker.tenant_id = :tenantId', { tenantId }), request);
  }

  findByName(tenantId: string, name: string): Promise<CircuitBreaker | null> {
    return this.sql.manager.createQueryBuilder(CircuitBreaker, 'breaker').where('breaker.tenant_id = :tenantId and breaker.name = :name', { tenantId, name }).getOne();
  }

  async lockByName(tenantId: string, name: string): Promise<LockedBreaker | undefined> {
    const found = await this.findByName(tenantId, name);
    return found ? lockBreaker(this.run, tenantId, found.id) : undefined;
  }

  /** @returns whether it was made: another of the name may have been first */
  async insert(row: NewBreaker): Promise<boolean> {
    const columns = ['tenant_id', 'id', 'name', 'scope', ...FIELDS] as const;
    const places = columns.map((_, index) => `$${index + 1}`).join(', ');
    const changed = await this.sql.execute(
      `insert into circuit_breakers (${columns.join(', ')}) values (${places}) on conflict (tenant_id, name) do nothing`,
      columns.map((column) => row[column]),
    );
    return changed > 0;
  }

  async update({ tenant_id, id }: CircuitBreaker, fields: BreakerFields): Promise<void> {
    const changes = FIELDS.map((column, index) => `${column} = $${index + 3}`).join(', ');
    await this.sql.execute(`update circuit_breakers set ${changes}, revision = revision + 1, updated_at = clock_timestamp() where tenant_id = $1 and id = $2`, [tenant_id, id, ...FIELDS.map((column) => fields[column])]);
  }

  async delete({ tenant_id, id }: CircuitBreaker): Promise<void> {
    await this.sql.execute('delete from circuit_breakers where tenant_id = $1 and id = $2', [tenant_id, id]);
  }

  async count(tenantId: string): Promise<number> {
    const row = await this.sql.row<{ count: number }>('select count(*)::int as count from circuit_breakers where tenant_id = $1', [tenantId]);
    return row?.count ?? 0;
  }

  async stand(before: CircuitBreaker, next: BreakerStanding, why: Why): Promise<void> {
    const { type, fact } = await storeStanding(this.run, before, next, why);
    await this.events.publish(type, fact);
  }

  transitions(breaker: CircuitBreaker): Promise<TransitionRow[]> {
    return transitionsOf(this.run, breaker);
  }

  /** The breakers that count for a tenant: its own and the global ones. */
  async known(tenantId: string): Promise<KnownBreakers> {
    const [row] = await this.database.query<{ now: Date; breakers: CircuitBreaker[] | null }>(
      `select clock_timestamp()::timestamptz(3) as now, (select json_agg(to_jsonb(b) - 'failures') from circuit_breakers b where b.tenant_id = $1 or b.scope = 'global') as breakers`,
      [tenantId],
    );
    const date = (text: unknown): Date | null => (text === null ? null : new Date(text as string));
    const breakers = (row?.breakers ?? []).map((breaker) => ({ ...breaker, failures: [], opened_at: date(breaker.opened_at), next_probe_at: date(breaker.next_probe_at) }));
    return { now: row?.now ?? new Date(0), breakers };
  }

  /** A probe is a task from now on: it lives as long as that. */
  async bindProbe({ tenant_id, id }: CircuitBreaker, probeId: string, taskId: string): Promise<void> {
    await this.database.execute(`update circuit_breaker_probes set task_id = $4, process_id = null, expires_at = clock_timestamp() + interval '${LONGEST_TASK}' where tenant_id = $1 and breaker_id = $2 and id = $3`, [tenant_id, id, probeId, taskId]);
  }

  async freeTasks(taskIds: readonly string[]): Promise<void> {
    await this.database.execute('delete from circuit_breaker_probes where task_id = any($1::uuid[])', [taskIds]);
  }
}
