import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Problem } from '../../core/problem.js';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ADVISORY_LOCKS } from '../../platform/database/advisory-locks.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { Loops } from '../../platform/jobs/loops.js';
import { DeadLettersService } from './dead-letters.service.js';

const EVERY_MS = 500;
/** Started again at each turn: 100 a second, so that a repaired dependency is not flooded. */
const PER_TURN = 50;

/** Starts the dead letters again that retry-all has asked for, a few at a time, in one process at a time. Those of suspended tenants wait. */
@Injectable()
export class DeadLetterPacer implements OnApplicationBootstrap {
  constructor(
    private readonly loops: Loops,
    private readonly config: Config,
    private readonly database: SystemDatabase,
    private readonly context: RequestContext,
    private readonly letters: DeadLettersService,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.runsJobs) this.loops.every('dead-letter-pacer', EVERY_MS, () => this.takeTurn());
  }

  private takeTurn(): Promise<void> {
    return this.database.transaction(async (client) => {
      const { rows: lock } = await client.query<{ got: boolean }>('select pg_try_advisory_xact_lock($1) as got', [ADVISORY_LOCKS.deadLetterPacer]);
      if (!lock[0]?.got) return;
      const { rows } = await client.query<{ id: string; tenant_id: string }>(
        `select letter.id, letter.tenant_id from dead_letters letter join tenants on tenants.id = letter.tenant_id and tenants.status = 'active'
         where letter.retry_requested_at is not null and letter.retried_at is null order by letter.retry_requested_at, letter.id limit $1`,
        [PER_TURN],
      );
      for (const { id, tenant_id } of rows) await this.context.runAsSystem(tenant_id, 'dead-letter-pacer', () => this.retry(id));
    });
  }

  /** An entry that was removed or retried meanwhile needs nothing more. */
  private async retry(id: string): Promise<void> {
    try {
      await this.letters.retry(id);
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'not_found') throw error;
    }
  }
}
