import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { NotificationsRepository } from './notifications.repository.js';

const NAME = 'notifications-cleaner';
const DAILY = '13 4 * * *';

/** Removes notices that nobody will look for any more. */
@Injectable()
export class NotificationsCleaner implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly config: Config,
    private readonly repository: NotificationsRepository,
  ) {}

  onModuleInit(): void {
    this.jobs.define(NAME, (_data, { signal }) => this.clean(signal), { retries: 2 });
    this.jobs.schedule(NAME, DAILY);
  }

  async clean(signal: AbortSignal): Promise<void> {
    await this.repository.removeOld(this.config.get('NOTIFICATION_RETENTION_DAYS'), signal);
  }
}
