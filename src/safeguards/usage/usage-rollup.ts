import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { Loops } from '../../platform/jobs/loops.js';
import { UsageRepository } from './usage.repository.js';

const EVERY_MS = 2_000;

/** Adds up what has been used by day, in whichever process that runs jobs comes first. Readers need not wait for it. */
@Injectable()
export class UsageRollup implements OnApplicationBootstrap {
  constructor(
    private readonly loops: Loops,
    private readonly config: Config,
    private readonly repository: UsageRepository,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.runsJobs) this.loops.every('usage-rollup', EVERY_MS, (signal) => this.round(signal));
  }

  async round(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.repository.rollUp()));
  }
}
