import { Global, Module } from '@nestjs/common';
import { Metrics } from './metrics.js';

/** What this process counts and measures. */
@Global()
@Module({ providers: [Metrics], exports: [Metrics] })
export class MetricsModule {}
