import { Global, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Housekeeping } from './housekeeping.js';
import { Jobs } from './jobs.js';
import { Loops } from './loops.js';
import { ParkedJobs } from './parked-jobs.js';

/** Background jobs and loops, and the platform's own. */
@Global()
@Module({ imports: [ScheduleModule.forRoot()], providers: [Jobs, ParkedJobs, Loops, Housekeeping], exports: [Jobs, Loops] })
export class JobsModule {}
