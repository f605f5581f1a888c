import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { IntakeRepository } from './intake.repository.js';

export const INTAKE_CLEANER = 'intake-cleaner';
const DAILY = '41 3 * * *';

/** Removes forms that have been kept for as long as they may be: they say who somebody is, and what they wished for. */
@Injectable()
export class IntakeCleaner implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly config: Config,
    private readonly repository: IntakeRepository,
  ) {}

  onModuleInit(): void {
    this.jobs.define(INTAKE_CLEANER, () => this.clean(), { retries: 2 });
    this.jobs.schedule(INTAKE_CLEANER, DAILY);
  }

  async clean(): Promise<void> {
    await this.repository.removeOld(this.config.get('INTAKE_RETENTION_DAYS'));
  }
}
