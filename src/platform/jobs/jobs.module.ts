import { Global, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Housekeeping } from './housekeeping.js';
import { Jobs } from './jobs.js';
import { Loops } from './loops.js';

/** Background jobs and loops, and the platform's own. */
@Global()
@Module({ imports: [ScheduleModule.forRoot()], providers: [Jobs, Loops, Housekeeping], exports: [Jobs, Loops] })
export class JobsModule {}
