import { Injectable } from '@nestjs/common';
import { toJsonText } from '../../core/json-text.js';
import type { Page, PageRequest } from '../../core/page.js';
import { Sql } from '../../platform/database/sql.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { pageOfQuery } from '../../platform/database/table.js';
import { type FiringEvent, type FiringStatus, type NewFiring, TriggerFiring } from './trigger-firing.entity.js';

/** Who has taken a firing and is not heard of for so long has died over it. */
const TAKEN_SECONDS = 30;
const BATCH = 5_000;

const DUE = `f.status = 'pending' and f.due_at <= statement_timestamp()`;

/**
 * Tenants in turns, from behind the one that was served last, and of each as many as of the others: what waits of one is in nobody's way, however
 * much it is. Asked four times a second: where nothing is due it is a look into an index. `$1` how many, `$2` who was served last.
 */
export const TAKE_FIRINGS = `with recursive waiting as (
    (select f.tenant_id from trigger_firings f where f.status = 'pending' and exists (select from trigger_firings f where ${DUE}) order by f.tenant_id limit 1)
    union all
    select (select f.tenant_id from trigger_firings f where f.status = 'pending' and f.tenant_id > w.tenant_id order by f.tenant_id limit 1) from waiting w where w.tenant_id is not null
  ), turns as (
    select w.tenant_id from waiting w join tenants t on t.id = w.tenant_id and t.status = 'active'
    where exists (select from trigger_firings f where f.tenant_id = w.tenant_id and ${DUE})
    order by w.tenant_id <= $2::uuid, w.tenant_id limit $1
  ), due as (
    select f.* from turns cross join lateral (
      select f.tenant_id, f.id from trigger_firings f where f.tenant_id = turns.tenant_id and ${DUE}
      order by f.due_at limit greatest(1, $1 / (select count(*) from turns)) for update skip locked
    ) f
  )
  update trigger_firings f set due_at = clock_timestamp() + interval '${TAKEN_SECONDS} seconds', attempts = f.attempts + 1
  from due where f.tenant_id = due.tenant_id and f.id = due.id returning f.*`;

/** Before every tenant. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Rows of `trigger_firings`. */
@Injectable()
export class FiringsRepository {
  /** Where the turns of tenants stand in this process. */
  private servedLast = NOBODY;

  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  page(tenantId: string, triggerId: string, status: FiringStatus | undefined, request: PageRequest): Promise<Page<TriggerFiring>> {
    const query = this.sql.manager.createQueryBuilder(TriggerFiring, 'firing').where('firing.tenant_id = :tenantId and firing.trigger_id = :triggerId', { tenantId, triggerId });
    if (status !== undefined) query.andWhere('firing.status = :status', { status });
    return pageOfQuery(query, request);
  }

  /** One for each trigger and event: a second is passed over. */
  async insert(tenantId: string, firings: readonly NewFiring[]): Promise<void> {
    if (firings.length === 0) return;
    await this.sql.execute(
      `insert into trigger_firings (tenant_id, id, trigger_id, status, event_id, event, chain, due_at)
       select $1, n.id, n.trigger_id, 'pending', (n.event ->> 'id')::uuid, n.event, n.chain, n.due_at from jsonb_to_recordset($2::jsonb) as n (id uuid, trigger_id uuid, event jsonb, chain uuid[], due_at timestamptz)
       on conflict (tenant_id, trigger_id, event_id) where event_id is not null do nothing`,
      [tenantId, toJsonText(firings)],
    );
  }

  /** The firing that still gathers events, held until the transaction ends. */
  gathering(tenantId: string, triggerId: string): Promise<{ id: string; until: Date } | undefined> {
    return this.sql.row(
      `select id, due_at as until from trigger_firings where tenant_id = $1 and trigger_id = $2 and status = 'pending' and attempts = 0 and due_at > clock_timestamp() order by id desc limit 1 for update`,
      [tenantId, triggerId],
    );
  }

  async join(tenantId: string, id: string, count: number): Promise<void> {
    await this.sql.execute('update trigger_firings set count = count + $3 where tenant_id = $1 and id = $2', [tenantId, id, count]);
  }

  /** What is passed over for a reason again and again is one line of the history, with how often. */
  async passOver(tenantId: string, triggerId: string, id: string, status: 'skipped' | 'failed', reason: string, event: FiringEvent, chain: readonly string[], count: number): Promise<void> {
    const again = await this.sql.execute(
      `update trigger_firings set count = count + $4, ended_at = clock_timestamp() where tenant_id = $1 and status = $5 and reason = $3
         and id = (select id from trigger_firings where tenant_id = $1 and trigger_id = $2 order by id desc limit 1)`,
      [tenantId, triggerId, reason, count, status],
    );
    if (again > 0) return;
    await this.sql.execute(
      `insert into trigger_firings (tenant_id, id, trigger_id, status, reason, event, count, chain, due_at, ended_at) values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp(), clock_timestamp())`,
      [tenantId, id, triggerId, status, reason, JSON.stringify(event), count, chain],
    );
  }

  /** Takes what is due, of tenants that work, in their turns; nobody else takes it meanwhile. @returns them so that those of one are not all before those of another */
  async take(limit: number): Promise<TriggerFiring[]> {
    const taken = await this.database.query<TriggerFiring>(TAKE_FIRINGS, [limit, this.servedLast]);
    const inOrder = taken.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const byTenant = [...Map.groupBy(inOrder, ({ tenant_id }) => tenant_id)].toSorted(([a], [b]) => this.turn(a, b));
    this.servedLast = byTenant.at(-1)?.[0] ?? this.servedLast;
    return byTenant.flatMap(([, firings]) => firings.map((firing, place) => ({ firing, place }))).toSorted((a, b) => a.place - b.place).map(({ firing }) => firing);
  }

  /** Those behind the one that was served last come before the others. */
  private turn(a: string, b: string): number {
    return Number(a <= this.servedLast) - Number(b <= this.servedLast) || (a < b ? -1 : 1);
  }

  /** @returns whether it is still this process's to do */
  async holdTaken(tenantId: string, id: string, attempts: number): Promise<boolean> {
    const rows = await this.sql.rows(`select 1 from trigger_firings where tenant_id = $1 and id = $2 and status = 'pending' and attempts = $3 for update`, [tenantId, id, attempts]);
    return rows.length > 0;
  }

  async end(tenantId: string, id: string, status: 'fired' | 'skipped' | 'failed', reason: string | null, result: object | null): Promise<void> {
    await this.sql.execute('update trigger_firings set status = $3, reason = $4, result = $5, ended_at = clock_timestamp() where tenant_id = $1 and id = $2', [
      tenantId, id, status, reason, result === null ? null : JSON.stringify(result),
    ]);
  }

  async putOff(tenantId: string, id: string, seconds: number): Promise<void> {
    await this.sql.execute(`update trigger_firings set due_at = clock_timestamp() + make_interval(secs => $3) where tenant_id = $1 and id = $2 and status = 'pending'`, [tenantId, id, seconds]);
  }

  /** Ends what waits of a trigger. @param names of events; left out, whatever it waits for */
  async giveUp(tenantId: string, triggerId: string, reason: string, names?: readonly string[]): Promise<void> {
    await this.sql.execute(
      `update trigger_firings set status = 'skipped', reason = $3, ended_at = clock_timestamp() where tenant_id = $1 and trigger_id = $2 and status = 'pending' and ($4::text[] is null or event ->> 'name' = any($4))`,
      [tenantId, triggerId, reason, names ?? null],
    );
  }

  async chains(tenantId: string, ids: readonly string[]): Promise<Map<string, string[]>> {
    const rows = await this.sql.rows<{ id: string; chain: string[] }>('select id, chain from trigger_firings where tenant_id = $1 and id = any($2::uuid[])', [tenantId, ids]);
    return new Map(rows.map(({ id, chain }) => [id, chain]));
  }

  async removeOld(days: number, signal: AbortSignal): Promise<void> {
    for (let removed = BATCH; removed === BATCH; ) {
      signal.throwIfAborted();
      removed = await this.database.execute(
        `delete from trigger_firings where ctid = any(array(select ctid from trigger_firings where created_at < now() - make_interval(days => $1) and status <> 'pending' limit $2))`,
        [days, BATCH],
      );
    }
  }
}
