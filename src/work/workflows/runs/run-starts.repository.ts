import { Injectable } from '@nestjs/common';
import { toJsonText } from '../../../core/json-text.js';
import type { RunStatus } from '../../../core/workflows/rows.js';
import { prepared } from '../../../platform/database/prepared.js';
import { Sql } from '../../../platform/database/sql.js';

export interface NewRun {
  id: string;
  workflow_id: string;
  version: number;
  input: unknown;
  started_by_kind: string;
  started_by_id: string;
  start_key: string | null;
  requester: string | null;
  root_run_id: string;
  parent_run_id: string | null;
  parent_path: string | null;
  parent_attempt: number | null;
  depth: number;
}

const COLUMNS = [
  'id', 'workflow_id', 'version', 'input', 'started_by_kind', 'started_by_id', 'start_key', 'requester', 'root_run_id', 'parent_run_id', 'parent_path', 'parent_attempt', 'depth',
] as const satisfies readonly (keyof NewRun)[];
const INSERT = prepared(`insert into workflow_runs (tenant_id, status, ${COLUMNS.join(', ')}) select $1, 'pending', ${COLUMNS.join(', ')} from jsonb_populate_recordset(null::workflow_runs, $2::jsonb)
  on conflict (tenant_id, workflow_id, start_key) where start_key is not null do nothing returning id`);

/** A run that should have begun, and why it did not. */
export interface FailedStart {
  id: string;
  workflowId: string;
  startedBy: { kind: string; id: string };
  key: string;
  error: { code: string; message: string };
}

/** A run with the key that it was started with. */
export interface KeyedRun {
  id: string;
  workflow_id: string;
  start_key: string;
  status: RunStatus;
}

/** Writes runs that begin. */
@Injectable()
export class RunStartsRepository {
  constructor(private readonly sql: Sql) {}

  /** @returns ids of those that are new: no other run has their key */
  async insert(tenantId: string, runs: readonly NewRun[]): Promise<ReadonlySet<string>> {
    if (runs.length === 0) return new Set();
    return new Set((await this.sql.rows<{ id: string }>(INSERT, [tenantId, toJsonText(runs)])).map(({ id }) => id));
  }

  /** A run that never began, of the newest version; undefined where its workflow is gone, or its key is taken. */
  async insertFailed(tenantId: string, { id, workflowId, startedBy, key, error }: FailedStart): Promise<string | undefined> {
    const row = await this.sql.row<{ id: string }>(
      `insert into workflow_runs (tenant_id, id, root_run_id, workflow_id, version, status, input, error, started_by_kind, started_by_id, start_key, ended_at)
       select $1, $2::uuid, $2::uuid, w.id, w.version, 'failed', '{}', $4, $5, $6, $7, clock_timestamp() from workflows w where w.tenant_id = $1 and w.id = $3
       on conflict (tenant_id, workflow_id, start_key) where start_key is not null do nothing returning id`,
      [tenantId, id, workflowId, JSON.stringify({ ...error, passing: false }), startedBy.kind, startedBy.id, key],
    );
    return row?.id;
  }

  /** Runs that were started with keys of their workflows. */
  byKeys(tenantId: string, keys: readonly Pick<KeyedRun, 'workflow_id' | 'start_key'>[]): Promise<KeyedRun[]> {
    return this.sql.rows<KeyedRun>(
      `select r.id, r.workflow_id, r.start_key, r.status from workflow_runs r, unnest($2::uuid[], $3::text[]) k(workflow_id, start_key)
       where r.tenant_id = $1 and r.workflow_id = k.workflow_id and r.start_key = k.start_key`,
      [tenantId, keys.map(({ workflow_id }) => workflow_id), keys.map(({ start_key }) => start_key)],
    );
  }
}
