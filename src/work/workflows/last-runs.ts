import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { afterCommit } from '../../platform/database/tenant-transaction.adapter.js';
import { Loops } from '../../platform/jobs/loops.js';

const WRITTEN_EVERY_MS = 1_000;

interface LastRun {
  tenantId: string;
  workflowId: string;
  at: Date;
}

const nameOf = ({ tenantId, workflowId }: LastRun): string => `${tenantId}:${workflowId}`;

/**
 * When workflows were last run. Written once a second, for all that were run meanwhile: starts of one workflow would wait for
 * each other at its row otherwise. A process that is killed loses that second.
 */
@Injectable()
export class LastRuns implements OnApplicationBootstrap {
  private readonly fresh = new Map<string, LastRun>();

  constructor(
    private readonly database: SystemDatabase,
    private readonly loops: Loops,
  ) {}

  onApplicationBootstrap(): void {
    this.loops.every('workflow-last-runs', WRITTEN_EVERY_MS, () => this.write(), { onceMore: true });
  }

  /** In the transaction of the run: one that does not commit has not been. */
  touch(tenantId: string, workflowId: string): void {
    const run = { tenantId, workflowId, at: new Date() };
    afterCommit(() => void this.fresh.set(nameOf(run), run));
  }

  private async write(): Promise<void> {
    const rows = [...this.fresh.values()];
    if (rows.length === 0) return;
    await this.database.execute(
      `update workflows w set last_run_at = greatest(w.last_run_at, run.at) from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as run (tenant_id, id, at)
       where w.tenant_id = run.tenant_id and w.id = run.id`,
      [rows.map(({ tenantId }) => tenantId), rows.map(({ workflowId }) => workflowId), rows.map(({ at }) => at)],
    );
    // What was run again meanwhile is written the next time.
    for (const row of rows) if (this.fresh.get(nameOf(row)) === row) this.fresh.delete(nameOf(row));
  }
}
