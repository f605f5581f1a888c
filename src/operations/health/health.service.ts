import { Injectable } from '@nestjs/common';
import { MIGRATIONS } from '../../migrations/all.js';
import { Config } from '../../platform/config/config.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { EventConsumers } from '../../platform/events/event-consumers.js';
import { Drain } from '../../platform/http/drain.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import type { ReadinessView } from './health.view.js';

const PROBE_MS = 2_000;

/** What the probes ask. */
@Injectable()
export class HealthService {

  constructor(
    private readonly config: Config,
    private readonly database: SystemDatabase,
    private readonly consumers: EventConsumers,
    private readonly jobs: Jobs,
    private readonly drain: Drain,
  ) {}

  get uptimeSeconds(): number {
    return Math.round(process.uptime());
  }

  async readiness(): Promise<ReadinessView> {
    const migrations = await this.migrations();
    const checks = {
      database: migrations === undefined ? 'away' : 'ok',
      migrations: migrations === MIGRATIONS.length ? 'ok' : 'pending',
      jobs: this.jobs.healthy && (!this.config.runsJobs || this.consumers.healthy) ? 'ok' : 'stuck',
      shutdown: this.drain.isDraining ? 'stopping' : 'ok',
    };
    return { status: Object.values(checks).every((check) => check === 'ok') ? 'ready' : 'not_ready', checks };
  }

  /** How many of this version's migrations the database has; undefined when it does not answer in time. */
  private async migrations(): Promise<number | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, PROBE_MS, undefined)));
    const asked = this.database
      .query<{ count: number }>('select count(*)::int as count from schema_migrations where name = any($1)', [MIGRATIONS.map(({ name }) => name)])
      .then((rows) => rows[0]?.count)
      // Readiness is a question with the answer "no": the driver's error is what was asked for.
      .catch(() => undefined);
    const count = await Promise.race([asked, late]);
    clearTimeout(timer);
    return count;
  }
}
