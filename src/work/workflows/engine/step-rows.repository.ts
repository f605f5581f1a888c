import { Injectable } from '@nestjs/common';
import { ROOT, scopeOf } from '../../../core/workflows/graph.js';
import type { AttemptRecord } from '../../../core/workflows/pass.js';
import type { StepRow, WaitingFor } from '../../../core/workflows/rows.js';
import { toJsonText } from '../../../core/json-text.js';
import { prepared } from '../../../platform/database/prepared.js';
import { Sql } from '../../../platform/database/sql.js';

interface Stored extends Omit<StepRow, 'waiting_for'> {
  run_id: string;
  waiting_kind: string | null;
  waiting_id: string | null;
}

const COLUMNS = [
  'path', 'type', 'status', 'attempt', 'undone_tries', 'arrived', 'taken', 'absent', 'open', 'done', 'lost', 'next', 'branch', 'due_at', 'timeout_at', 'input', 'output', 'error', 'reason',
  'ended_seq', 'undoable', 'undoes', 'undone', 'started_at', 'ended_at',
] as const satisfies readonly (keyof StepRow)[];
const READ = `select run_id, ${COLUMNS.join(', ')}, waiting_kind, waiting_id from workflow_steps`;
const WRITTEN = [...COLUMNS, 'waiting_kind', 'waiting_id'];
const OPEN = `status in ('pending', 'ready', 'waiting', 'retrying')`;

/** A record for each row: PostgreSQL makes columns of it. */
const ADD = prepared(`insert into workflow_steps (tenant_id, run_id, scope, ${WRITTEN.join(', ')})
  select $1, run_id, scope, ${WRITTEN.join(', ')} from jsonb_populate_recordset(null::workflow_steps, $2::jsonb)`);
/** What says nothing of its input keeps it as it is stored: the items of a `map` would be written again with each that ends. */
const CHANGE = prepared(`update workflow_steps s set ${WRITTEN.filter((column) => column !== 'path' && column !== 'type' && column !== 'input').map((column) => `${column} = n.${column}`).join(', ')},
    input = case when e ? 'input' then n.input else s.input end
  from jsonb_array_elements($2::jsonb) e, jsonb_populate_record(null::workflow_steps, e) n where s.tenant_id = $1 and s.run_id = n.run_id and s.path = n.path`);
const WRITE_ATTEMPTS = prepared(`insert into workflow_attempts (tenant_id, run_id, path, attempt, outcome, error, made_kind, made_id, output, started_at, ended_at)
  select $1, run_id, path, attempt, outcome, error, made_kind, made_id, output, started_at, ended_at from jsonb_populate_recordset(null::workflow_attempts, $2::jsonb)`);

/** A step to be written: whether it was not there before, and whether its input is as it was. */
export interface WrittenRow {
  runId: string;
  row: StepRow;
  isNew: boolean;
  keepsInput: boolean;
}

function recordOf({ runId, row: { waiting_for, input, ...row }, keepsInput }: WrittenRow): object {
  return { ...row, ...(keepsInput ? {} : { input }), run_id: runId, scope: scopeOf(row.path), waiting_kind: waiting_for?.kind ?? null, waiting_id: waiting_for?.id ?? null };
}

function scopesAround(path: string): string[] {
  const scopes = [];
  for (let scope = scopeOf(path); scope !== ROOT; scope = scopeOf(scope)) scopes.push(scope);
  return scopes;
}

/** Steps of runs, as the engine reads and writes them: in the transaction that holds the run. */
@Injectable()
export class StepRowsRepository {
  constructor(private readonly sql: Sql) {}

  /** All steps of runs that are small enough. */
  all(tenantId: string, runIds: readonly string[]): Promise<Map<string, StepRow[]>> {
    return this.byRun(`${READ} where tenant_id = $1 and run_id = any($2)`, [tenantId, runIds]);
  }

  /** Steps whose time has come, by the database's clock. */
  due(tenantId: string, runIds: readonly string[]): Promise<Map<string, StepRow[]>> {
    return this.byRun(`${READ} where tenant_id = $1 and run_id = any($2) and least(due_at, timeout_at) <= statement_timestamp()`, [tenantId, runIds]);
  }

  paths(tenantId: string, runId: string, paths: readonly string[]): Promise<StepRow[]> {
    return this.of(`${READ} where tenant_id = $1 and run_id = $2 and path = any($3)`, [tenantId, runId, paths]);
  }

  /** Steps, and what a transition that begins with them will ask for: what stands beside them, and what they stand in. */
  async around(tenantId: string, runId: string, paths: readonly string[]): Promise<StepRow[]> {
    const scopes = new Set(paths.map(scopeOf).filter((scope) => scope !== ROOT));
    const above = new Set([...scopes].flatMap(scopesAround));
    return this.of(`${READ} where tenant_id = $1 and run_id = $2 and path = any($3) union all ${READ} where tenant_id = $1 and run_id = $2 and scope = any($4)`, [tenantId, runId, [...new Set([...paths, ...scopes, ...above])], [...scopes]]);
  }

  openUnder(tenantId: string, runId: string, scope: string): Promise<StepRow[]> {
    // What begins with the scope and a slash lies between it and the character after the slash.
    const [within, range] = scope === '' ? ['', []] : [' and path > $3 and path < $4', [`${scope}/`, `${scope}0`]];
    return this.of(`${READ} where tenant_id = $1 and run_id = $2 and ${OPEN} and undoes is null${within}`, [tenantId, runId, ...range]);
  }

  in(tenantId: string, runId: string, scope: string): Promise<StepRow[]> {
    return this.of(`${READ} where tenant_id = $1 and run_id = $2 and scope = $3 and undoes is null`, [tenantId, runId, scope]);
  }

  ready(tenantId: string, runId: string): Promise<StepRow[]> {
    return this.of(`${READ} where tenant_id = $1 and run_id = $2 and ${OPEN} and status = 'ready'`, [tenantId, runId]);
  }

  undone(tenantId: string, runId: string): Promise<StepRow[]> {
    return this.of(`${READ} where tenant_id = $1 and run_id = $2 and undone`, [tenantId, runId]);
  }

  /** @param except what is known to be undone, though it is not written yet */
  lastUndoable(tenantId: string, runId: string, except: readonly string[]): Promise<StepRow[]> {
    return this.of(`${READ} where tenant_id = $1 and run_id = $2 and undoable and path <> all($3) order by ended_seq desc limit 1`, [tenantId, runId, except]);
  }

  async write(tenantId: string, rows: readonly WrittenRow[]): Promise<void> {
    const [added, changed] = [rows.filter(({ isNew }) => isNew), rows.filter(({ isNew }) => !isNew)];
    if (added.length > 0) await this.sql.execute(ADD, [tenantId, toJsonText(added.map(recordOf))]);
    if (changed.length > 0) await this.sql.execute(CHANGE, [tenantId, toJsonText(changed.map(recordOf))]);
  }

  async writeAttempts(tenantId: string, attempts: readonly { runId: string; attempt: AttemptRecord }[]): Promise<void> {
    if (attempts.length === 0) return;
    await this.sql.execute(WRITE_ATTEMPTS, [tenantId, toJsonText(attempts.map(({ runId, attempt: { made, ...attempt } }) => ({ ...attempt, run_id: runId, made_kind: made?.kind ?? null, made_id: made?.id ?? null })))]);
  }

  /** Gives up all open steps of a run. @returns what they waited for */
  async abandon(tenantId: string, runId: string, reason: string): Promise<{ path: string; waiting: WaitingFor }[]> {
    const rows = await this.sql.rows<{ path: string; kind: WaitingFor['kind']; id: string }>(
      `with given_up as (select path, waiting_kind as kind, waiting_id as id from workflow_steps where tenant_id = $1 and run_id = $2 and ${OPEN}),
         ended as (update workflow_steps set status = 'cancelled', due_at = null, timeout_at = null, waiting_kind = null, waiting_id = null, open = 0, ended_at = statement_timestamp(), reason = $3 where tenant_id = $1 and run_id = $2 and ${OPEN})
       select path, kind, id from given_up where kind <> 'event' and id is not null`,
      [tenantId, runId, reason],
    );
    return rows.map(({ path, kind, id }) => ({ path, waiting: { kind, id } }));
  }

  private async byRun(text: string, values: unknown[]): Promise<Map<string, StepRow[]>> {
    const runs = Map.groupBy(await this.read(text, values), ({ runId }) => runId);
    return new Map([...runs].map(([runId, rows]) => [runId, rows.map(({ row }) => row)]));
  }

  private async of(text: string, values: unknown[]): Promise<StepRow[]> {
    return (await this.read(text, values)).map(({ row }) => row);
  }

  private async read(text: string, values: unknown[]): Promise<{ runId: string; row: StepRow }[]> {
    return (await this.sql.rows<Stored>(text, values)).map(({ run_id, waiting_kind, waiting_id, ...row }) => ({
      runId: run_id,
      row: { ...row, waiting_for: waiting_kind === null ? null : ({ kind: waiting_kind, id: waiting_id } as StepRow['waiting_for']) },
    }));
  }
}
