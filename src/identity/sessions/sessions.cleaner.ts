import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Config } from '../../platform/config/config.js';
import { SessionsRepository } from './sessions.repository.js';

const HOURLY_MS = 3_600_000;

/** Removes sessions that ended long ago. Two processes that do it at once only delete the same rows. */
@Injectable()
export class SessionsCleaner {
  private readonly logger = new Logger(SessionsCleaner.name);

  constructor(
    private readonly config: Config,
    private readonly sessions: SessionsRepository,
  ) {}

  @Interval(HOURLY_MS)
  async clean(): Promise<void> {
    if (!this.config.runsJobs) return;
    await this.sessions
      .removeOld(this.config.get('REFRESH_TOKEN_SECONDS'))
      .catch((error: unknown) => this.logger.warn(`Old sessions were not removed: ${String(error)}`));
  }
}
