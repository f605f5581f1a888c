import { Injectable } from '@nestjs/common';
import { scopeOf } from '../../../core/workflows/graph.js';
import type { AttemptRecord } from '../../../core/workflows/pass.js';
import type { StepRow } from '../../../core/workflows/rows.js';
import { toJsonText } from '../../../core/json-text.js';
import { prepared } from '../../../platform/database/prepared.js';
import { Sql } from '../../../platform/database/sql.js';

interface Stored extends Omit<StepRow, 'waiting_for'> {
  run_id: string;
  waiting_kind: string | null;
  waiting_id: string | null;
}

const COLUMNS = [
  'path', 'type', 'status', 'attempt', 'arrived', 'taken', 'absent', 'open', 'done', 'lost', 'next', 'branch', 'due_at', 'timeout_at', 'input', 'output', 'error', 'reason',
  'ended_seq', 'undoable', 'undoes', 'undone', 'started_at', 'ended_at',
] as const satisfies readonly (keyof StepRow)[];
const READ = `select run_id, ${COLUMNS.join(', ')}, waiting_kind, waiting_id from workflow_steps`;
const WRITTEN = [...COLUMNS, 'waiting_kind', 'waiting_id'];
const OPEN = `status in ('pending', 'ready', 'waiting', 'retrying')`;

/** A record for each row: PostgreSQL makes columns of it, and writes those that are new and those that are not in one statement. */
const WRITE = prepared(`insert into workflow_steps (tenant_id, run_id, scope, ${WRITTEN.join(', ')})
  select $1, run_id, scope, ${WRITTEN.join(', ')} from jsonb_populate_recordset(null::workflow_steps, $2::jsonb)
  on conflict (tenant_id, run_id, path) do update set ${WRITTEN.filter((column) => column !== 'path' && column !== 'type').map((column) => `${column} = excluded.${column}`).join(', ')}`);
const WRITE_ATTEMPTS = prepared(`insert into workflow_attempts (tenant_id, run_id, path, attempt, outcome, error, made_kind, made_id, output, started_at, ended_at)
  select $1, run_id, path, attempt, outcome, error, made_kind, made_id, output, started_at, ended_at from jsonb_populate_recordset(null::workflow_attempts, $2::jsonb)`);

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

  async write(tenantId: string, rows: readonly { runId: string; row: StepRow }[]): Promise<void> {
    if (rows.length === 0) return;
    const records = rows.map(({ runId, row: { waiting_for, ...row } }) => ({ ...row, run_id: runId, scope: scopeOf(row.path), waiting_kind: waiting_for?.kind ?? null, waiting_id: waiting_for?.id ?? null }));
    await this.sql.execute(WRITE, [tenantId, toJsonText(records)]);
  }

  async writeAttempts(tenantId: string, attempts: readonly { runId: string; attempt: AttemptRecord }[]): Promise<void> {
    if (attempts.length === 0) return;
    await this.sql.execute(WRITE_ATTEMPTS, [tenantId, toJsonText(attempts.map(({ runId, attempt: { made, ...attempt } }) => ({ ...attempt, run_id: runId, made_kind: made?.kind ?? null, made_id: made?.id ?? null })))]);
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
