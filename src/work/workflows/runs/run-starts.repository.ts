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
  parent: { runId: string; rootRunId: string; path: string; attempt: number; depth: number } | null;
}

const INSERT = prepared(`insert into workflow_runs (tenant_id, id, workflow_id, version, status, input, started_by_kind, started_by_id, start_key, requester, root_run_id, parent_run_id, parent_path, parent_attempt, depth)
  values ($1, $2, $3, $4, 'pending', $5::jsonb, $6, $7, $8, $9, $10, $11, $12, $13, $14)
  on conflict (tenant_id, workflow_id, start_key) where start_key is not null do nothing`);

/** Writes runs that begin. */
@Injectable()
export class RunStartsRepository {
  constructor(private readonly sql: Sql) {}

  /** @returns whether it is new: no other run has its key */
  async insert(tenantId: string, { parent, ...run }: NewRun): Promise<boolean> {
    const values = [tenantId, run.id, run.workflow_id, run.version, toJsonText(run.input), run.started_by_kind, run.started_by_id, run.start_key, run.requester];
    return (await this.sql.execute(INSERT, [...values, parent?.rootRunId ?? run.id, parent?.runId ?? null, parent?.path ?? null, parent?.attempt ?? null, parent ? parent.depth + 1 : 0])) > 0;
  }

  /** The run that was started with a key. */
  byKey(tenantId: string, workflowId: string, key: string): Promise<{ id: string; status: RunStatus } | undefined> {
    return this.sql.row<{ id: string; status: RunStatus }>('select id, status from workflow_runs where tenant_id = $1 and workflow_id = $2 and start_key = $3', [tenantId, workflowId, key]);
  }
}
