import { Injectable } from '@nestjs/common';
import type { Graph } from '../../../core/workflows/graph.js';
import type { Fact, RunRow } from '../../../core/workflows/rows.js';
import { prepared } from '../../../platform/database/prepared.js';
import { Sql } from '../../../platform/database/sql.js';
import { SystemDatabase } from '../../../platform/database/system-database.js';

/** A run as the engine holds it. */
export interface HeldRun extends RunRow {
  workflow_id: string;
  version: number;
  /** How many steps it has, scopes among them. */
  steps: number;
  parent_run_id: string | null;
  parent_path: string | null;
  parent_attempt: number | null;
}

const COLUMNS = ['status', 'output', 'error', 'ends_as', 'open', 'seq', 'steps', 'timeout_at', 'started_at', 'ended_at'] as const satisfies readonly (keyof HeldRun)[];

/**
 * Runs for which there is something to do, of tenants that are not suspended, and not those that lately broke the engine. Each part is
 * a look-up in an index of its own. They compare with `statement_timestamp()`, which unlike `clock_timestamp()` can be looked up.
 */
const DUE = `select w.tenant_id, w.run_id from (
    (select tenant_id, id as run_id from workflow_runs where status = 'pending' order by created_at limit $1)
    union (select tenant_id, run_id from (select tenant_id, run_id from workflow_facts order by created_at limit $2) facts)
    union (select tenant_id, run_id from (select tenant_id, run_id from workflow_steps where (due_at is not null or timeout_at is not null) and least(due_at, timeout_at) <= statement_timestamp() order by least(due_at, timeout_at) limit $2) steps)
    union (select tenant_id, id from workflow_runs where timeout_at <= statement_timestamp() limit $1)
  ) w
  join tenants t on t.id = w.tenant_id and t.status = 'active'
  join workflow_runs r on r.tenant_id = w.tenant_id and r.id = w.run_id and (r.broken_until is null or r.broken_until <= statement_timestamp())`;

const HOLD = prepared(`select id, workflow_id, version, status, input, output, error, ends_as, open, seq, steps, timeout_at, started_at, ended_at, parent_run_id, parent_path, parent_attempt
  from workflow_runs where tenant_id = $1 and id = any($2) and (broken_until is null or broken_until <= statement_timestamp()) order by id for update skip locked`);
const WRITE = prepared(`update workflow_runs r set ${COLUMNS.map((column) => `${column} = n.${column}`).join(', ')}, revision = r.revision + 1, broken_until = null, breakages = 0, breakage = null
  from jsonb_populate_recordset(null::workflow_runs, $2::jsonb) n where r.tenant_id = $1 and r.id = n.id`);
const TAKE_FACTS = prepared(`delete from workflow_facts where tenant_id = $1 and run_id = any($2) returning id, run_id, path, attempt, outcome, output, error`);
const ADD_FACTS = prepared(`insert into workflow_facts (tenant_id, id, run_id, path, attempt, outcome, output, error)
  select $1, id, run_id, path, attempt, outcome, output, error from jsonb_populate_recordset(null::workflow_facts, $2::jsonb)
  on conflict (tenant_id, run_id, id) do nothing`);

export type NewFact = Fact & { runId: string };

/** Runs, as the engine finds, holds and writes them. */
@Injectable()
export class RunsRepository {
  constructor(
    private readonly sql: Sql,
    private readonly database: SystemDatabase,
  ) {}

  /** @returns ids of runs by tenant */
  async due(mostRuns: number, mostFacts: number): Promise<Map<string, string[]>> {
    const rows = await this.database.query<{ tenant_id: string; run_id: string }>(DUE, [mostRuns, mostFacts]);
    return new Map([...Map.groupBy(rows, ({ tenant_id }) => tenant_id)].map(([tenantId, of]) => [tenantId, of.map(({ run_id }) => run_id)]));
  }

  /** Locks runs for this transaction; those that another one holds are left out: it does what there is to do. */
  hold(tenantId: string, ids: readonly string[]): Promise<HeldRun[]> {
    return this.sql.rows<HeldRun>(HOLD, [tenantId, ids]);
  }

  async graph(tenantId: string, workflowId: string, version: number): Promise<Graph> {
    const row = await this.sql.row<{ graph: Graph }>('select graph from workflow_versions where tenant_id = $1 and workflow_id = $2 and version = $3', [tenantId, workflowId, version]);
    if (!row) throw new Error(`There is no version ${version} of the workflow ${workflowId}.`);
    return row.graph;
  }

  /** The database's time, which all processes share. */
  async now(): Promise<Date> {
    const row = await this.sql.row<{ now: Date }>('select statement_timestamp() as now');
    return row?.now ?? new Date();
  }

  async write(tenantId: string, runs: readonly HeldRun[]): Promise<void> {
    if (runs.length > 0) await this.sql.execute(WRITE, [tenantId, JSON.stringify(runs.map(({ input: _input, ...run }) => run))]);
  }

  async addFacts(tenantId: string, facts: readonly NewFact[]): Promise<void> {
    if (facts.length > 0) await this.sql.execute(ADD_FACTS, [tenantId, JSON.stringify(facts.map(({ runId, ...fact }) => ({ ...fact, run_id: runId })))]);
  }

  /** What happened to runs that are held, by run, in the order of its happening; gone with the commit. */
  async takeFacts(tenantId: string, runIds: readonly string[]): Promise<Map<string, Fact[]>> {
    const rows = await this.sql.rows<Fact & { run_id: string }>(TAKE_FACTS, [tenantId, runIds]);
    return Map.groupBy(rows.sort((a, b) => (a.id < b.id ? -1 : 1)), ({ run_id }) => run_id);
  }

  /** Leaves a run alone for a while that could not be moved on. @param seconds until it is tried again */
  async markBroken(tenantId: string, id: string, breakage: string): Promise<void> {
    await this.sql.execute(
      `update workflow_runs set breakages = breakages + 1, breakage = $3, broken_until = statement_timestamp() + make_interval(secs => least(600, power(2, least(breakages, 12)))) where tenant_id = $1 and id = $2`,
      [tenantId, id, breakage],
    );
  }
}
