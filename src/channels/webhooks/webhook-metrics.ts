import { Injectable } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import { Metrics } from '../../platform/metrics/metrics.js';

/** What this process counts of webhooks: no label says whose they are. */
@Injectable()
export class WebhookMetrics {
  private readonly tries: Counter;
  private readonly seconds: Histogram;

  constructor({ registry }: Metrics) {
    this.tries = new Counter({ name: 'wheelhouse_webhook_tries_total', help: 'Tries to deliver to webhooks, by how they ended.', labelNames: ['outcome'], registers: [registry] });
    this.seconds = new Histogram({ name: 'wheelhouse_webhook_call_seconds', help: 'Time that receivers of webhooks take.', buckets: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 15, 30], registers: [registry] });
  }

  ended(outcome: 'delivered' | 'failed' | 'dead' | 'put_off', ms: number): void {
    this.tries.inc({ outcome });
    if (outcome !== 'put_off') this.seconds.observe(ms / 1_000);
  }
}
