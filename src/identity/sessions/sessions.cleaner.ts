import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { SessionsRepository } from './sessions.repository.js';

const CLEANER = 'sessions-cleaner';
const HOURLY = '23 * * * *';

/** Removes sessions that ended long ago. */
@Injectable()
export class SessionsCleaner implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly config: Config,
    private readonly sessions: SessionsRepository,
  ) {}

  onModuleInit(): void {
    this.jobs.define(CLEANER, () => this.clean(), { retries: 2 });
    this.jobs.schedule(CLEANER, HOURLY);
  }

  private async clean(): Promise<void> {
    await this.sessions.removeOld(this.config.get('REFRESH_TOKEN_SECONDS'));
  }
}
