import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { Loops } from '../../platform/jobs/loops.js';
import { SessionsRepository } from './sessions.repository.js';

const HOURLY_MS = 3_600_000;

/** Removes sessions that ended long ago. Two processes that do it at once only delete the same rows. */
@Injectable()
export class SessionsCleaner implements OnApplicationBootstrap {
  constructor(
    private readonly loops: Loops,
    private readonly config: Config,
    private readonly sessions: SessionsRepository,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.runsJobs) this.loops.every('sessions-cleaner', HOURLY_MS, () => this.clean());
  }

  private async clean(): Promise<void> {
    await this.sessions.removeOld(this.config.get('REFRESH_TOKEN_SECONDS'));
  }
}
