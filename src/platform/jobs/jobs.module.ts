import { Global, Module } from '@nestjs/common';
import { Housekeeping } from './housekeeping.js';
import { Jobs } from './jobs.js';

/** Background jobs, and the platform's own. */
@Global()
@Module({ providers: [Jobs, Housekeeping], exports: [Jobs] })
export class JobsModule {}
