import { Injectable, type OnModuleInit } from '@nestjs/common';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { CheckpointPlaces, type PushedCheckpoint, type PushTarget } from './checkpoint-places.js';

export const PUSH_CHECKPOINTS = 'audit-push-checkpoints';
const EVERY_MINUTE = '* * * * *';
const BATCH = 200;
/** So many failures in a row, and the place is left alone until the job is tried again. */
const MOST_FAILURES = 3;
const LONGEST_ERROR = 500;

/**
 * Takes the newest checkpoint of each log out of reach of this installation's own administrators, once a minute where
 * there is a new one. What fails is written down, counted in the metrics, and tried again.
 */
@Injectable()
export class CheckpointPusher implements OnModuleInit {
  constructor(
    private readonly places: CheckpointPlaces,
    private readonly database: SystemDatabase,
    private readonly jobs: Jobs,
  ) {}

  onModuleInit(): void {
    this.jobs.define(PUSH_CHECKPOINTS, (_data, { signal }) => this.push(signal));
    if (this.places.all.length > 0) this.jobs.schedule(PUSH_CHECKPOINTS, EVERY_MINUTE);
  }

  /** @throws Error when a place did not take one: the job is tried again */
  async push(signal: AbortSignal): Promise<void> {
    const failures: string[] = [];
    for (const { target, push } of this.places.all) {
      const reason = await this.pushAll(target, push, signal);
      if (reason !== undefined) failures.push(`${target}: ${reason}`);
    }
    if (failures.length > 0) throw new Error(`Checkpoints of the audit log could not be pushed. ${failures.join(' ')}`);
  }

  /** @returns why not all could be pushed */
  private async pushAll(target: PushTarget, push: (checkpoint: PushedCheckpoint) => Promise<void>, signal: AbortSignal): Promise<string | undefined> {
    let [after, failed, reason]: [string | null, number, string | undefined] = [null, 0, undefined];
    for (;;) {
      const due = await this.due(target, after);
      for (const checkpoint of due) {
        signal.throwIfAborted();
        const problem = await push(checkpoint).then(() => undefined, (error: unknown) => (error instanceof Error ? error.message : String(error)));
        await this.note(target, checkpoint, problem);
        failed = problem === undefined ? 0 : failed + 1;
        reason ??= problem;
        if (failed === MOST_FAILURES) return reason;
      }
      after = due.at(-1)?.tenantId ?? null;
      if (due.length < BATCH) return reason;
    }
  }

  /** Newest checkpoints that the place does not have. */
  private async due(target: PushTarget, after: string | null): Promise<PushedCheckpoint[]> {
    const rows = await this.database.query<{ tenant_id: string; size: string; note: string }>(
      `select c.tenant_id, c.size::text as size, c.note from audit_trees t
       join audit_checkpoints c on c.tenant_id = t.tenant_id and c.size = t.size
       left join audit_pushes p on p.tenant_id = t.tenant_id and p.target = $1
       where coalesce(p.size, 0) < t.size and ($2::uuid is null or t.tenant_id > $2) order by t.tenant_id limit $3`,
      [target, after, BATCH],
    );
    return rows.map(({ tenant_id: tenantId, size, note }) => ({ tenantId, size: Number(size), note }));
  }

  private async note(target: PushTarget, { tenantId, size }: PushedCheckpoint, problem: string | undefined): Promise<void> {
    await this.database.execute(
      problem === undefined
        ? `insert into audit_pushes (tenant_id, target, size, pushed_at) values ($1, $2, $3, now())
           on conflict (tenant_id, target) do update set size = greatest(audit_pushes.size, excluded.size), pushed_at = now(), failures = 0, last_error = null`
        : `insert into audit_pushes (tenant_id, target, failures, last_error) values ($1, $2, 1, $3)
           on conflict (tenant_id, target) do update set failures = audit_pushes.failures + 1, last_error = $3`,
      [tenantId, target, problem === undefined ? size : problem.slice(0, LONGEST_ERROR)],
    );
  }
}
