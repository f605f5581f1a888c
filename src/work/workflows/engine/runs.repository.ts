import { Injectable } from '@nestjs/common';
import type { Fact, LostFact, RunRow } from '../../../core/workflows/rows.js';
import { MOST_FACTS } from '../../../core/workflows/transition.js';
import { toJsonText } from '../../../core/json-text.js';
import { prepared } from '../../../platform/database/prepared.js';
import { Sql } from '../../../platform/database/sql.js';
import { SystemDatabase } from '../../../platform/database/system-database.js';

/** A run as the engine holds it. */
export interface HeldRun extends RunRow {
  workflow_id: string;
  version: number;
  /** The run that stands in no other, of all that stand in each other; itself, mostly. */
  root_run_id: string;
  parent_run_id: string | null;
  parent_path: string | null;
  parent_attempt: number | null;
  /** How many runs it stands in. */
  depth: number;
  requester: string | null;
  archived_at: Date | null;
  /** How often in a row it could not be moved on. */
  breakages: number;
  revision: number;
}

const COLUMNS = ['status', 'output', 'error', 'ends_as', 'open', 'seq', 'steps', 'content_size', 'timeout_at', 'started_at', 'ended_at'] as const satisfies readonly (keyof HeldRun)[];

/** Within each part, before its limit: what may not be moved on must not stand in the way of what may. */
const MAY = (tenant: string, run: string): string => `${tenant} <> all($3) and ${tenant} not in (select id from idle) and not exists (select from broken b where b.tenant_id = ${tenant} and b.id = ${run})`;

/**
 * Runs for which there is something to do, of tenants that are not suspended, and not those that lately broke the engine. Each part is
 * a look-up in an index of its own. They compare with `statement_timestamp()`, which unlike `clock_timestamp()` can be looked up.
 */
const DUE = `with idle as materialized (select id from tenants where status <> 'active'),
  broken as materialized (select tenant_id, id from workflow_runs where broken_until > statement_timestamp())
  select tenant_id, run_id, count(*)::int as n from (
  (select tenant_id, id as run_id from workflow_runs r where status = 'pending' and ${MAY('r.tenant_id', 'r.id')} order by created_at limit $1)
  union all (select tenant_id, run_id from workflow_facts f where ${MAY('f.tenant_id', 'f.run_id')} order by created_at limit $2)
  union all (select tenant_id, run_id from workflow_steps s where (due_at is not null or timeout_at is not null) and least(due_at, timeout_at) <= statement_timestamp() and ${MAY('s.tenant_id', 's.run_id')}
    order by least(due_at, timeout_at) limit $2)
  union all (select tenant_id, id from workflow_runs r where timeout_at <= statement_timestamp() and ${MAY('r.tenant_id', 'r.id')} order by timeout_at limit $1)
  ) found group by tenant_id, run_id`;

const HELD = ['id', 'workflow_id', 'version', 'input', ...COLUMNS, 'root_run_id', 'parent_run_id', 'parent_path', 'parent_attempt', 'depth', 'requester', 'archived_at', 'breakages', 'revision'].join(', ');
/** Not `for update`: a fact of a child run refers to its parent, and must not wait for it. */
const HOLD = prepared(`select ${HELD} from workflow_runs where tenant_id = $1 and id = any($2) and (broken_until is null or broken_until <= statement_timestamp()) order by id for no key update skip locked`);
const HOLD_ONE = prepared(`select ${HELD} from workflow_runs where tenant_id = $1 and id = $2 for no key update`);
const WRITE = prepared(`update workflow_runs r set ${COLUMNS.map((column) => `${column} = n.${column}`).join(', ')}, revision = r.revision + 1, broken_until = null, breakages = 0, breakage = null
  from jsonb_populate_recordset(null::workflow_runs, $2::jsonb) n where r.tenant_id = $1 and r.id = n.id`);
/** Of a run that very many have happened to, so many at a time: those that are left make it due again. */
const TAKE_FACTS = prepared(`delete from workflow_facts f using (
    select run_id, id, row_number() over (partition by run_id order by id) as place from workflow_facts where tenant_id = $1 and run_id = any($2)
  ) first where f.tenant_id = $1 and f.run_id = first.run_id and f.id = first.id and first.place <= ${MOST_FACTS}
  returning f.id, f.run_id, f.path, f.attempt, f.outcome, f.output, f.error, f.created_at`);
const TAKE_THESE = prepared(`delete from workflow_facts where tenant_id = $1 and run_id = any($2) and id = any($3) returning id, run_id, path, attempt, outcome, output, error, created_at`);
const UNHEARD = prepared(`select id from workflow_facts where tenant_id = $1 and run_id = $2 and id <> all($3) order by id limit ${MOST_FACTS}`);
const KEEP_UNHEARD = prepared(`with lost as (delete from workflow_facts where tenant_id = $1 and run_id = $2 returning *)
  insert into workflow_unheard_facts (tenant_id, id, run_id, path, attempt, outcome, output, error, reason, happened_at)
  select tenant_id, id, run_id, path, attempt, outcome, output, error, coalesce($3::jsonb ->> id::text, $4), created_at from lost returning path, attempt, outcome, reason`);
const ADD_FACTS = prepared(`insert into workflow_facts (tenant_id, id, run_id, path, attempt, outcome, output, error, created_at)
  select $1, id, run_id, path, attempt, outcome, output, error, coalesce(created_at, clock_timestamp()) from jsonb_populate_recordset(null::workflow_facts, $2::jsonb) n
  where exists (select from workflow_runs r where r.tenant_id = $1 and r.id = n.run_id)
  on conflict (tenant_id, run_id, id) do nothing`);

/** A run for which there are so many things to do. */
interface DueRun {
  tenant_id: string;
  run_id: string;
  n: number;
}

/** With pauses that double up to ten minutes: about an hour. */
export const MOST_BREAKAGES = 14;

export type NewFact = Fact & { runId: string };

/** Runs, as the engine finds, holds and writes them. */
@Injectable()
export class RunsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  /**
   * The oldest things that there are to do. Where those of some tenants fill more than their share of what one look finds, it looks once more
   * without them: who has very much to do keeps nobody waiting.
   * @returns ids of runs by tenant
   */
  async due(mostRuns: number, mostFacts: number): Promise<Map<string, string[]>> {
    const found = await this.dueBut([], mostRuns, mostFacts);
    const crowding = [...found].filter(([, rows]) => rows.reduce((sum, { n }) => sum + n, 0) > mostRuns / 2).map(([tenantId]) => tenantId);
    const others = crowding.length === 0 ? [] : await this.dueBut(crowding, mostRuns, mostFacts);
    return new Map([...found, ...others].map(([tenantId, rows]) => [tenantId, rows.map(({ run_id }) => run_id)]));
  }

  private async dueBut(tenantIds: readonly string[], mostRuns: number, mostFacts: number): Promise<Map<string, DueRun[]>> {
    return Map.groupBy(await this.database.query<DueRun>(DUE, [mostRuns, mostFacts, tenantIds]), ({ tenant_id }) => tenant_id);
  }

  /** Locks runs for this transaction; those that another one holds are left out: it does what there is to do. */
  hold(tenantId: string, ids: readonly string[]): Promise<HeldRun[]> {
    return this.sql.rows<HeldRun>(HOLD, [tenantId, ids]);
  }

  /** Locks one run, waiting for whoever holds it. */
  async holdOne(tenantId: string, id: string): Promise<HeldRun | undefined> {
    return this.sql.row<HeldRun>(HOLD_ONE, [tenantId, id]);
  }

  /** The database's time, which all processes share. */
  async now(): Promise<Date> {
    const row = await this.sql.row<{ now: Date }>('select statement_timestamp() as now');
    return row?.now ?? new Date();
  }

  async write(tenantId: string, runs: readonly HeldRun[]): Promise<void> {
    if (runs.length > 0) await this.sql.execute(WRITE, [tenantId, toJsonText(runs.map((run) => Object.fromEntries(['id' as const, ...COLUMNS].map((column) => [column, run[column]]))))]);
  }

  async addFacts(tenantId: string, facts: readonly NewFact[]): Promise<void> {
    if (facts.length > 0) await this.sql.execute(ADD_FACTS, [tenantId, toJsonText(facts.map(({ runId, ...fact }) => ({ ...fact, run_id: runId })))]);
  }

  /**
   * What happened to runs that are held, by run, in the order of its happening; gone with the commit.
   * @param only ids of those that are taken, instead of the first
   */
  async takeFacts(tenantId: string, runIds: readonly string[], only?: readonly string[]): Promise<Map<string, Fact[]>> {
    const rows = await this.sql.rows<Fact & { run_id: string }>(only ? TAKE_THESE : TAKE_FACTS, [tenantId, runIds, ...(only ? [only] : [])]);
    return Map.groupBy(rows.sort((a, b) => (a.id < b.id ? -1 : 1)), ({ run_id }) => run_id);
  }

  /** @returns ids of the first things that happened to a run and are not taken in yet, but for these */
  async unheard(tenantId: string, runId: string, but: readonly string[]): Promise<string[]> {
    return (await this.sql.rows<{ id: string }>(UNHEARD, [tenantId, runId, but])).map(({ id }) => id);
  }

  /** Puts aside whatever is not taken in, where people find it and no transition does. @param reasons by id; `otherwise` for what has none */
  keepUnheard(tenantId: string, runId: string, reasons: ReadonlyMap<string, string>, otherwise: string): Promise<LostFact[]> {
    return this.sql.rows<LostFact>(KEEP_UNHEARD, [tenantId, runId, toJsonText(Object.fromEntries(reasons)), otherwise]);
  }

  /** Keeps a run that was just written apart for as long as it takes to give it up. */
  async keepBroken(tenantId: string, id: string, breakages: number, breakage: string): Promise<void> {
    await this.sql.execute(`update workflow_runs set breakages = $3, breakage = $4, broken_until = statement_timestamp() + interval '1 minute' where tenant_id = $1 and id = $2`, [tenantId, id, breakages, breakage]);
  }

  /** Has a run that breaks looked at now, for the last time: if it breaks once more, it is given up. */
  async wearOut(tenantId: string, id: string): Promise<void> {
    await this.sql.execute('update workflow_runs set breakages = $3, broken_until = null where tenant_id = $1 and id = $2', [tenantId, id, MOST_BREAKAGES - 1]);
  }

  /** Leaves a run alone for a while that could not be moved on. @returns how often in a row it has broken; 0 for one that somebody has ended meanwhile */
  async markBroken(tenantId: string, id: string, breakage: string): Promise<number> {
    const row = await this.sql.row<{ breakages: number }>(
      `update workflow_runs set breakages = breakages + 1, breakage = $3, broken_until = statement_timestamp() + make_interval(secs => least(600, power(2, least(breakages, 12)))) where tenant_id = $1 and id = $2 and ended_at is null
       returning breakages`,
      [tenantId, id, breakage],
    );
    return row?.breakages ?? 0;
  }
}
