import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Transactional } from '@nestjs-cls/transactional';
import { Config } from '../../platform/config/config.js';
import { RequestContext } from '../../platform/context/request-context.js';
import { ADVISORY_LOCKS } from '../../platform/database/advisory-locks.js';
import { SystemDatabase } from '../../platform/database/system-database.js';
import { Loops } from '../../platform/jobs/loops.js';
import { FiringRecorder } from './firing-recorder.service.js';
import { judge, LOOKED_AT_MS } from './threshold-rules.js';
import type { ThresholdConfig } from './trigger-config.js';
import { TriggerMetrics } from './trigger-metrics.repository.js';
import { TriggersRepository } from './triggers.repository.js';

/** Looks at the thresholds of all tenants: one process at a time, each trigger under the lock of its state. */
@Injectable()
export class ThresholdWatch implements OnApplicationBootstrap {
  private readonly logger = new Logger(ThresholdWatch.name);

  constructor(
    private readonly config: Config,
    private readonly loops: Loops,
    private readonly database: SystemDatabase,
    private readonly context: RequestContext,
    private readonly triggers: TriggersRepository,
    private readonly metrics: TriggerMetrics,
    private readonly recorder: FiringRecorder,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.runsJobs) this.loops.every('trigger-thresholds', LOOKED_AT_MS, (signal) => this.round(signal));
  }

  async round(signal?: AbortSignal): Promise<void> {
    await this.database.transaction(async (client) => {
      const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_xact_lock($1) as got', [ADVISORY_LOCKS.triggerThresholds]);
      if (!rows[0]?.got) return;
      for (const tenantId of await this.triggers.tenantsWithThresholds()) {
        if (signal?.aborted) return;
        await this.context.runAsSystem(tenantId, 'trigger-thresholds', () => this.look(tenantId)).catch((error: unknown) => this.logger.warn({ err: error }, 'The thresholds of a tenant could not be looked at.'));
      }
    });
  }

  @Transactional()
  protected async look(tenantId: string): Promise<void> {
    for (const { id } of await this.triggers.thresholds(tenantId)) {
      const held = await this.triggers.hold(tenantId, id);
      // It may have been made another one since.
      if (held?.type !== 'threshold') continue;
      const config = held.config as ThresholdConfig;
      const value = await this.metrics.value(tenantId, config, held.buckets, held.now);
      const { fires, state } = judge(config, held, value, held.now);
      await this.triggers.rememberValue(tenantId, id, value, state);
      if (fires) await this.recorder.happened(id, 'threshold.crossed', { metric: config.metric, operator: config.operator, threshold: config.value, value, since: state.beyond_since?.toISOString() ?? null });
    }
  }
}
