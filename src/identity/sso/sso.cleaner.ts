import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Jobs } from '../../platform/jobs/jobs.js';
import { SsoFlowsRepository } from './sso-flows.repository.js';

const NAME = 'sso-cleaner';
const HOURLY = '41 * * * *';

/** Removes sign-ins that nobody came back from. */
@Injectable()
export class SsoCleaner implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly flows: SsoFlowsRepository,
  ) {}

  onModuleInit(): void {
    this.jobs.define(NAME, () => this.flows.removeOld(), { retries: 2 });
    this.jobs.schedule(NAME, HOURLY);
  }
}
