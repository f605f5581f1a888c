import { Global, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { erasable } from '../erasure/erasable.js';
import { CronTicks } from './cron-ticks.js';
import { CronTicksRepository } from './cron-ticks.repository.js';
import { Housekeeping } from './housekeeping.js';
import { JOB_CONTENT } from './jobs.erasure.js';
import { Jobs } from './jobs.js';
import { Loops } from './loops.js';
import { ParkedJobs } from './parked-jobs.js';

/** Background jobs and loops, and the platform's own. */
@Global()
@Module({ imports: [ScheduleModule.forRoot()], providers: [Jobs, ParkedJobs, Loops, CronTicks, CronTicksRepository, Housekeeping, erasable({ ofTenants: JOB_CONTENT })], exports: [Jobs, Loops, CronTicks] })
export class JobsModule {}
