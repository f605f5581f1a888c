import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../../platform/config/config.js';
import { Jobs } from '../../platform/jobs/jobs.js';
import { FiringsRepository } from './firings.repository.js';

const NAME = 'trigger-history-cleaner';
const DAILY = '27 4 * * *';

/** Removes the history of triggers by its age. */
@Injectable()
export class TriggersCleaner implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly config: Config,
    private readonly firings: FiringsRepository,
  ) {}

  onModuleInit(): void {
    this.jobs.define(NAME, (_data, { signal }) => this.firings.removeOld(this.config.get('TRIGGER_HISTORY_DAYS'), signal), { retries: 2 });
    this.jobs.schedule(NAME, DAILY);
  }
}
