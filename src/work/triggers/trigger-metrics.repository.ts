import { Injectable } from '@nestjs/common';
import { Sql } from '../../platform/database/sql.js';
import { UsageReader } from '../../safeguards/usage/usage.reader.js';
import { type Buckets, valueOfAttempts } from './threshold-rules.js';
import type { ThresholdConfig } from './trigger-config.js';

/** A queue that is longer is long. */
const MOST_COUNTED = 100_000;

/** What thresholds are about, of one tenant, now. */
@Injectable()
export class TriggerMetrics {
  constructor(
    private readonly sql: Sql,
    private readonly usage: UsageReader,
  ) {}

  async value(tenantId: string, { metric, window_seconds }: ThresholdConfig, buckets: Buckets, now: Date): Promise<number> {
    switch (metric) {
      case 'queue_depth':
        return this.count(`tasks where tenant_id = $1 and ready limit ${MOST_COUNTED}`, tenantId);
      case 'agents_offline':
        return this.count(`agents where tenant_id = $1 and is_active and status = 'offline'`, tenantId);
      case 'spend_today': {
        const day = now.toISOString().slice(0, 10);
        return (await this.usage.total({ from: day, to: day })).cost_usd;
      }
      case 'failed_tasks':
      case 'error_rate':
        return valueOfAttempts(metric, buckets, window_seconds, now);
      default:
        return metric satisfies never;
    }
  }

  private async count(from: string, tenantId: string): Promise<number> {
    return (await this.sql.row<{ count: number }>(`select count(*)::int as count from (select 1 from ${from}) as counted`, [tenantId]))?.count ?? 0;
  }
}
