import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { WebhookPayloadsRepository } from './webhook-payloads.repository.js';
import { WebhooksRepository } from './webhooks.repository.js';

const WEBHOOKS_CLEANER = 'webhooks-cleaner';
const HOURLY = '29 * * * *';
const BATCH = 5_000;

/** Removes what webhooks have sent and received, once it has been kept for as long as it is to be. */
@Injectable()
export class WebhooksCleaner implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly config: Config,
    private readonly repository: WebhooksRepository,
    private readonly payloads: WebhookPayloadsRepository,
  ) {}

  onModuleInit(): void {
    this.jobs.define(WEBHOOKS_CLEANER, (_data, { signal }) => this.clean(signal), { retries: 2 });
    this.jobs.schedule(WEBHOOKS_CLEANER, HOURLY);
  }

  async clean(signal: AbortSignal): Promise<void> {
    const days = this.config.get('WEBHOOK_RETENTION_DAYS');
    while ((await this.repository.removeOld(days, BATCH)) === BATCH) signal.throwIfAborted();
    while ((await this.payloads.removeOld(days, BATCH)) === BATCH) signal.throwIfAborted();
  }
}
